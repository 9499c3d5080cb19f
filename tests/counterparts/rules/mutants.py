"""Breaks every edge of every alert, one at a time, and demands that a test of it fails.

    mutants.py RULES TESTS... [--alert NAME]

Broken are the numbers in expressions, also in what is recorded, `for` and `keep_firing_for`.
promtool runs only those tests that name the alert; prints what survived, and exits with 1.
"""

import argparse
import concurrent.futures
import copy
import os
import re
import subprocess
import sys
import tempfile

import yaml

# By how much a number is wrong, where a third says nothing: an allowance of seconds beside scrapes that
# are 30 s apart, and a count of certificates.
ROUGH = {
    ("WatchpostProbeNoData", "30"): 2.0,
    ("WatchpostCertificatePoolMixed", "1"): 2.0,
    ("WatchpostHandshakeSlow", "19.5"): 1.2,
}
# Native histograms, which promtool cannot feed before 2.45: prometheus.rs asks a real Prometheus.
UNTESTED = "0.95, sum by (job, instance, endpoint, probe, phase) ("
# It has no threshold, and no other side.
ENDLESS = {"WatchpostDeadMan"}

# A number by itself: not in a name, a label, a range or a unit.
NUMBER = re.compile(r"(?<![\w.\"])\d+(?:\.\d+)?(?![\w.\"])")


def numbers(expression):
    """Where an expression has numbers, outside of quotes and brackets."""
    blank = re.sub(r'"[^"]*"|\[[^\]]*\]', lambda found: "_" * len(found.group()), expression)
    return [(found.start(), found.end()) for found in NUMBER.finditer(blank)]


def broken(name, expression):
    """The expression with one number that is another one."""
    for start, end in numbers(expression):
        if expression.startswith(UNTESTED, start):
            continue
        text = expression[start:end]
        value = float(text)
        rough = (name, text) in ROUGH
        factor = ROUGH.get((name, text), 1.3)
        # What is compared is a yes or a no.
        flag = expression[:start].rstrip().endswith(("==", "> bool")) and value in (0, 1)
        if flag:
            others = [1 - value]
        elif value == 0:
            others = [1]
        # A count, with room for what Prometheus extrapolates.
        elif text.endswith(".5") and not rough:
            others = [value - 1, value + 1]
        elif value < 1 and value * factor > 1:
            others = [value / factor]
        else:
            others = [value / factor, value * factor]
        for other in others:
            yield f"{text} -> {other:g}", expression[:start] + f"{other:g}" + expression[end:]


def seconds(duration):
    """Of `5m` or `1d`."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def alone(rules, alert):
    """The rules without other alerts, and without what this one is not counted from."""
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    asked = next(rule["expr"] for rule in every if rule.get("alert") == alert)

    def wanted(rule):
        return rule["record"] in asked if "record" in rule else rule["alert"] == alert

    groups = [dict(group, rules=[rule for rule in group["rules"] if wanted(rule)]) for group in rules["groups"]]
    return [group for group in groups if group["rules"]]


def mutants(rules, alert):
    """Every way to break this alert: what was done, and the rules then."""
    groups = alone(rules, alert)
    for g, group in enumerate(groups):
        for r, rule in enumerate(group["rules"]):
            changes = [("expr", what, text) for what, text in broken(alert, rule["expr"])]
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    whole = seconds(rule[key])
                    changes += [(key, f"{key} {rule[key]} x {factor}", f"{int(whole * factor)}s") for factor in (0.5, 2)]
            for key, what, value in changes:
                changed = copy.deepcopy(groups)
                changed[g]["rules"][r][key] = value
                yield f"{alert}: {rule.get('record', key)}: {what}", changed


def passes(groups, tests):
    """Whether all tests pass with these rules."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "rules.yml"), "w") as file:
            yaml.safe_dump({"groups": groups}, file)
        for n, test in enumerate(tests):
            path = os.path.join(folder, f"{n}.yml")
            with open(path, "w") as file:
                yaml.safe_dump(test, file)
            run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, cwd=folder)
            if run.returncode != 0:
                return False
    return True


def of_alert(document, alert):
    """The tests of one file that name the alert, without what they say of others."""
    kept = []
    for test in document["tests"]:
        test = copy.deepcopy(test)
        own = [one for one in test.get("alert_rule_test", []) if one["alertname"] == alert]
        asked = [one for one in test.get("promql_expr_test", []) if f'"{alert}"' in one["expr"]]
        if own or asked:
            kept.append(dict(test, alert_rule_test=own, promql_expr_test=asked))
    return dict(document, rule_files=["rules.yml"], tests=kept)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rules")
    arguments.add_argument("tests", nargs="+")
    arguments.add_argument("--alert")
    arguments = arguments.parse_args()
    with open(arguments.rules) as file:
        rules = yaml.safe_load(file)
    documents = []
    for path in arguments.tests:
        with open(path) as file:
            # promtool's 0x20 is twenty times nothing more, and no number.
            text = re.sub(r"(\bvalues: )(.+)", r'\1"\2"', file.read())
        documents.append(yaml.safe_load(text))
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    if arguments.alert:
        alerts = [arguments.alert]

    tasks = []
    for alert in alerts:
        tests = [of_alert(document, alert) for document in documents]
        tests = [test for test in tests if test["tests"]]
        tasks.append((f"{alert}: as it is", True, alone(rules, alert), tests))
        if alert not in ENDLESS:
            tasks += [(what, False, groups, tests) for what, groups in mutants(rules, alert)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda task: passes(task[2], task[3]), tasks))
    wrong = [what for (what, expected, _, _), passed in zip(tasks, results) if passed != expected]
    for what in wrong:
        print(what)
    print(f"{len(tasks) - len(alerts)} mutants of {len(alerts)} alerts, {len(wrong)} not noticed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
