#!/usr/bin/env python3
"""Prints the dashboards beside it: `generate.py` writes them, `generate.py --check` says which differ.

Classic JSON, schemaVersion 39, which every Grafana since 10.3 reads. The parts that all panels share are
written once here; a test holds the files against this.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
DATASOURCE = {"type": "prometheus", "uid": "$datasource"}
# Which instances, and which endpoint: in every query.
US = 'job=~"$job", instance=~"$instance"'
DOOR = US + ', endpoint=~"$endpoint"'
CHECK = DOOR + ', origin=~"$origin"'
# Who must get in; a check without an origin, too.
IN = CHECK + ', expect!="deny"'
# Drills are shown beside endpoints, and are no downtime of theirs.
REAL = 'endpoint!~"~.*"'
KEPT = "by (job, instance, endpoint)"

GREEN, AMBER, RED, GREY, BLUE = "green", "orange", "red", "text", "blue"
VERDICT = {
    "0": {"text": "DOWN", "color": RED, "index": 0},
    "1": {"text": "UP", "color": GREEN, "index": 1},
}
YES = {"0": {"text": "NO", "color": RED, "index": 0}, "1": {"text": "YES", "color": GREEN, "index": 1}}
BOTH = {
    "0": {"text": "not judged", "color": GREY, "index": 0},
    "1": {"text": "both well", "color": GREEN, "index": 1},
    "2": {"text": "probes alone: a false alarm", "color": AMBER, "index": 2},
    "3": {"text": "users alone: a blind spot", "color": "purple", "index": 3},
    "4": {"text": "both bad: an outage", "color": RED, "index": 4},
}


def mappings(values, nothing="NO DATA"):
    """Words for values: colour is never alone."""
    return [
        {"type": "value", "options": values},
        {"type": "special", "options": {"match": "null+nan", "result": {"text": nothing, "color": GREY, "index": 9}}},
    ]


def thresholds(*steps):
    """A colour from the start, and others from a value on."""
    first, *rest = steps
    return {
        "mode": "absolute",
        "steps": [{"color": first, "value": None}] + [{"color": color, "value": value} for value, color in rest],
    }


def target(expr, legend="", instant=False, shape="time_series"):
    """A question to Prometheus."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": " ".join(expr.split()),
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": shape,
    }


def panel(kind, title, description, targets, width, height, unit=None, defaults=None, overrides=None, **rest):
    """A panel; where it stands is settled by `dashboard`."""
    for n, one in enumerate(targets):
        one["refId"] = "ABCDEFGHIJ"[n]
    fields = dict(defaults or {})
    if unit:
        fields["unit"] = unit
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": fields, "overrides": overrides or []},
        "gridPos": {"x": 0, "y": 0, "w": width, "h": height},
        **rest,
    }


def stat(title, description, expr, unit, steps=(BLUE,), width=4, **defaults):
    """One number, now."""
    options = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    fields = {"thresholds": thresholds(*steps), "noValue": "NO DATA", **defaults}
    return panel("stat", title, description, [target(expr, instant=True)], width, 4, unit, fields, options=options)


def lines(title, description, targets, unit, width=12, height=8, marks=None, stack=False, bars=False, **defaults):
    """Something over time; `marks` are lines to compare with."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if stack else 10,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stack else "none"},
    }
    fields = {"custom": custom, "min": 0, **defaults}
    if fields["min"] is None:
        del fields["min"]
    if marks:
        custom["thresholdsStyle"] = {"mode": "dashed"}
        fields["thresholds"] = thresholds(*marks)
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel("timeseries", title, description, targets, width, height, unit, fields, options=options)


def states(kind, title, description, expr, legend, values=None, width=24, height=8):
    """What held when: words and colours."""
    options = {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    if kind == "state-timeline":
        options["mergeValues"] = True
    fields = {
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "mappings": mappings(values or VERDICT),
        "thresholds": thresholds(GREY),
    }
    return panel(kind, title, description, [target(expr, legend)], width, height, "none", fields, options=options)


def table(title, description, targets, unit="none", width=12, height=8, transformations=(), overrides=(), **rest):
    """Rows, now."""
    for one in targets:
        one.update({"format": "table", "instant": True, "range": False})
    sort = rest.pop("sort", [])
    fields = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}, "noValue": "none", **rest}
    return panel(
        "table", title, description, targets, width, height, unit, fields, list(overrides),
        options={"showHeader": True, "frameIndex": 0, "cellHeight": "sm", "sortBy": sort},
        transformations=list(transformations),
    )  # fmt: skip


def heatmap(title, description, expr, width=12, height=8):
    """How many took how long, out of classic buckets."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": False, "scale": "exponential", "scheme": "Oranges", "steps": 64},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
    }  # fmt: skip
    return panel("heatmap", title, description, [target(expr, "{{le}}", shape="heatmap")], width, height, options=options)


def bars(title, description, targets, unit, steps, width=12, height=8, **defaults):
    """Bars, one below the other."""
    options = {
        "displayMode": "basic",
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "text",
    }
    fields = {"thresholds": thresholds(*steps), "min": 0, **defaults}
    return panel("bargauge", title, description, targets, width, height, unit, fields, options=options)


def only(*columns, rename=None):
    """Leaves these columns of a table, in this order."""
    return [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {name: n for n, name in enumerate(columns)},
                "renameByName": rename or {},
            },
        },
    ]


def field(name, **properties):
    """What is other for one column."""
    names = {"text": "mappings", "cell": "custom.cellOptions"}
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": names.get(key, key), "value": value} for key, value in properties.items()],
    }


def variable(name, label, query, everything, description):
    """What may be chosen."""
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": everything,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "options": [],
        "regex": "",
    }


VARIABLES = [
    {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    },
    variable("job", "Job", "label_values(watchpost_build_info, job)", ".+", "The scrape job"),
    variable("instance", "Instance", 'label_values(watchpost_build_info{job=~"$job"}, instance)', ".+", "Which Watchpost"),
    variable("endpoint", "Endpoint", f"label_values(probe_endpoint_info{{{US}}}, endpoint)", ".+", "As the config names it"),
    # Checks without an origin are among all of them.
    variable("origin", "Origin", f"label_values(probe_up{{{DOOR}}}, origin)", ".*", "The page that asks"),
]


def annotation(name, expr, color, title, text):
    """Moments to mark in every panel."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "target": {"refId": "Anno", "expr": expr, "interval": "30s"},
        "titleFormat": title,
        "textFormat": text,
    }


ANNOTATIONS = [
    annotation("Alerts", f'ALERTS{{{US}, alertstate="firing", severity="critical"}}', RED, "{{alertname}}", "{{endpoint}} {{origin}}"),
    annotation("Changes", f"sum by (source) (increase(watchpost_change_events_total{{{US}}}[1m])) > 0.5", BLUE, "change: {{source}}", ""),
]


def dashboard(name, title, description, rows, since="now-6h"):
    """Places the panels row by row, and numbers them."""
    panels, y = [], 0
    for row in rows:
        if isinstance(row, str):
            panels.append({"type": "row", "title": row, "collapsed": False, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}, "panels": []})
            y += 1
            continue
        x = 0
        for one in row:
            one["gridPos"].update(x=x, y=y)
            x += one["gridPos"]["w"]
            panels.append(one)
        assert x <= 24, [one["title"] for one in row]
        y += max(one["gridPos"]["h"] for one in row)
    for n, one in enumerate(panels):
        one["id"] = n + 1
    links = [{"type": "dashboards", "tags": ["watchpost"], "title": "Watchpost", "asDropdown": True, "icon": "external link",
              "includeVars": True, "keepTime": True, "targetBlank": False, "tooltip": "", "url": ""}]  # fmt: skip
    return {
        "uid": f"watchpost-{name}",
        "title": f"Watchpost / {title}",
        "description": description,
        "tags": ["watchpost"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": VARIABLES},
        "annotations": {"list": ANNOTATIONS},
        "links": links,
        "panels": panels,
    }


LEFT = f"""1 - avg_over_time(endpoint:probe_failures_per_runs:ratio_rate5m{{{DOOR}}}[30d])
    / on (job, instance, endpoint) endpoint:slo_error_budget:ratio{{{DOOR}}}"""
END = f'probe_ssl_cert_not_after_timestamp_seconds{{{DOOR}, position="0"}}'
BEGIN = f'probe_ssl_cert_not_before_timestamp_seconds{{{DOOR}, position="0"}}'
BUDGET = ((RED), (0.0001, AMBER), (0.25, GREEN))
REASONS = f"sum by (reason) (increase(probe_failures_total{{{CHECK}}}[$__rate_interval])) > 0"
SHARE = ((RED), (0.99, AMBER), (0.995, GREEN))


def door_link(column):
    """From a row to the daemon's own page of that endpoint."""
    return field(column, links=[{"title": "Watchpost's page of it", "url": "https://watchpost.example/endpoint/${__value.raw}", "targetBlank": True}])


def overview():
    """Is anything wrong, and where?"""
    verdicts = table(
        "Verdicts now",
        "Every check by endpoint and origin. DOWN for an origin that must be kept out means that it gets in.",
        [target(f'label_replace(min by (endpoint, origin) (probe_up{{{CHECK}}}), "origin", "no origin", "origin", "")')],
        width=14, height=10,
        transformations=[{"id": "groupingToMatrix", "options": {"columnField": "origin", "rowField": "endpoint", "valueField": "Value", "emptyValue": "null"}}],
        overrides=[door_link("endpoint\\origin")],
        mappings=mappings(VERDICT, nothing=""),
    )  # fmt: skip
    verdicts["fieldConfig"]["defaults"]["custom"]["cellOptions"] = {"type": "color-text"}
    alerts = table(
        "Alerts",
        "What fires, and what is about to. Needs the shipped rules.",
        [target(f"ALERTS{{{US}}}")],
        width=10, height=10,
        transformations=only("alertname", "alertstate", "severity", "endpoint", "origin"),
        sort=[{"displayName": "severity", "desc": False}],
    )  # fmt: skip
    return dashboard("overview", "Overview", "Every door at a glance: what is shut, to whom, and whether the monitor itself is well.", [
        [
            stat("Endpoints down", "Endpoints of which a check that must get in is down.",
                 f"sum(min {KEPT} (probe_up{{{IN}, {REAL}}}) == bool 0)", "none", (GREEN, (1, RED))),
            stat("Endpoints watched", "Endpoints of which a check has a verdict.",
                 f"count(count {KEPT} (probe_up{{{CHECK}, {REAL}}}))", "none"),
            stat("Open incidents", "As the daemon counts them.",
                 f"sum(watchpost_incidents_open{{{US}}})", "none", (GREEN, (1, RED))),
            stat("Worst error budget", "What is left of 30 days, at the endpoint that has least. Needs the shipped rules.",
                 f"min({LEFT})", "percentunit", BUDGET),
            stat("Next certificate ends in", "The leaf that ends first; negative once it has ended.",
                 f"min({END} - time())", "dtdurations", (RED, (7 * 86400, AMBER), (21 * 86400, GREEN))),
            stat("Conversations failed", "Of users, in the last 15 minutes.",
                 f"sum(increase(watchpost_conversations_total{{{DOOR}, outcome=\"failed\"}}[15m]))", "none", (GREEN, (3, AMBER), (10, RED)), decimals=0),
        ],
        [verdicts, alerts],
        [states("state-timeline", "Endpoints over time", "The worst verdict of the checks that must get in. A gap is no verdict: not yet, or the monitor is blind.",
                f"min by (endpoint) (probe_up{{{IN}}})", "{{endpoint}}", height=10)],
        [
            lines("Failures by reason", "Runs that did not pass, also inconclusive ones. `watchpost explain REASON` says what to do.",
                  [target(REASONS, "{{reason}}")], "none", stack=True, bars=True),
            lines("Users", "Conversations that ended, by how.",
                  [target(f"sum by (outcome) (rate(watchpost_conversations_total{{{DOOR}}}[$__rate_interval])) * 60", "{{outcome}}")], "cpm"),
        ],
        "The monitor itself",
        [
            stat("Blind", "Self-checks that fail: nothing is known to be up or down meanwhile.",
                 f"sum(watchpost_selfcheck_success{{{US}}} == bool 0)", "none", (GREEN, (1, RED)), width=6),
            stat("Missed runs", "Share of the runs of the last hour that were left out.",
                 f"sum(increase(probe_runs_total{{{US}, result=\"missed\"}}[1h])) / sum(increase(probe_runs_total{{{US}}}[1h]))", "percentunit", (GREEN, (0.001, AMBER), (0.01, RED)), width=6),
            stat("Oldest data", "How long ago the last run of a check began, of the check that waits for longest.",
                 f"max(time() - probe_last_run_timestamp_seconds{{{CHECK}}})", "s", (BLUE,), width=6),
            stat("Up since", "When the daemon was started.",
                 f"max(process_start_time_seconds{{{US}}}) * 1000", "dateTimeFromNow", (BLUE,), width=6),
        ],
    ], since="now-24h")  # fmt: skip


def endpoint():
    """Why, since when, and whom does it hurt?"""
    spent = "endpoint:probe_failures_per_runs:ratio_rate{}{{" + DOOR + "}} / on (job, instance, endpoint) group_left () endpoint:slo_error_budget:ratio{{" + DOOR + "}}"
    answer = CHECK.replace(', origin=~"$origin"', "") + ', phase=~"upgrade|request", result="success"'
    bucket = f"sum by (le) (rate(probe_phase_duration_seconds_bucket{{{answer}}}[$__rate_interval]))"
    phases = DOOR + ', result="success"'
    return dashboard("endpoint", "Endpoint", "One endpoint, or some: availability, budget, latency by phase, why it fails, and what its users see.", [
        [
            stat("Uptime", "Share of the time for which checks that must get in were up, over the time that is shown.",
                 f"avg(avg_over_time(probe_up{{{IN}, {REAL}}}[$__range]))", "percentunit", SHARE, decimals=2),
            stat("Reachability", "Share of the runs that passed, of those that told something.",
                 f"sum(increase(probe_runs_total{{{IN}, result=\"success\"}}[$__range])) / sum(increase(probe_runs_total{{{IN}, result=~\"success|failure\"}}[$__range]))", "percentunit", SHARE, decimals=2),
            stat("Error budget left", "Of 30 days, at the endpoint that has least. Needs the shipped rules.", f"min({LEFT})", "percentunit", BUDGET),
            stat("Answer, p95", "Of upgrades and requests that passed, over the time that is shown.",
                 f"histogram_quantile(0.95, sum by (le) (increase(probe_phase_duration_seconds_bucket{{{answer}}}[$__range])))", "s", (GREEN, (0.5, AMBER), (1, RED))),
            stat("Certificate ends in", "The leaf that ends first; negative once it has ended.", f"min({END} - time())", "dtdurations", (RED, (7 * 86400, AMBER), (21 * 86400, GREEN))),
            stat("Every", "Longest time between two runs of a check.", f"max(probe_interval_seconds{{{DOOR}}})", "s"),
        ],
        [states("status-history", "Checks over time", "The verdict of each check. DOWN for an origin that must be kept out means that it gets in.",
                f"min by (endpoint, probe, origin) (probe_up{{{CHECK}}})", "{{endpoint}} {{probe}} {{origin}}", height=9)],
        [
            table("Why it fails now", "The reason of each check that fails. `watchpost explain REASON` says whose trouble it is, and what to do.",
                  [target(f"probe_failure_info{{{CHECK}}}")], transformations=only("endpoint", "probe", "origin", "phase", "reason"), overrides=[door_link("endpoint")]),
            table("What else is not well", "Warnings of the last runs.",
                  [target(f"probe_warning{{{CHECK}}}")], transformations=only("endpoint", "probe", "origin", "warning"), overrides=[door_link("endpoint")]),
        ],
        [
            lines("Failures by reason", "Runs that did not pass, also inconclusive ones.", [target(REASONS, "{{reason}}")], "none", stack=True, bars=True),
            lines("Error budget burn", "How many times faster than allowed. The lines are where alerts fire: 1 over 3 d, 3 over 1 d, 6 over 6 h, 14.4 over 1 h. Needs the shipped rules.",
                  [target(f"max by (endpoint) ({spent.format(window)})", f"{{{{endpoint}}}} {window}") for window in ("1h", "6h", "1d", "3d")], "none",
                  marks=("transparent", (1, "blue"), (3, "yellow"), (6, "orange"), (14.4, "red"))),
        ],
        "Latency",
        [
            heatmap("Answers", "How long upgrades and requests took that passed: how many per second, by bucket.", bucket),
            lines("Quantiles of answers", "Of upgrades and requests that passed. The line is where WatchpostHandshakeSlow begins.",
                  [target(f"histogram_quantile({q}, {bucket})", f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)], "s", marks=("transparent", (1, "red"))),
        ],
        [
            lines("Mean by phase", "Of runs that passed.",
                  [target(f"sum by (phase) (rate(probe_phase_duration_seconds_sum{{{phases}}}[$__rate_interval])) / (sum by (phase) (rate(probe_phase_duration_seconds_count{{{phases}}}[$__rate_interval])) > 0)", "{{phase}}")], "s", stack=True),
            table("Status of the last answers", "To the upgrade, also of a refusal.",
                  [target(f"probe_websocket_status_code{{{CHECK}}}")], transformations=only("endpoint", "probe", "origin", "expect", "Value", rename={"Value": "status"}), overrides=[door_link("endpoint")]),
        ],
        "Users",
        [
            lines("Conversations", "That ended, by how, in a minute.",
                  [target(f"sum by (outcome) (rate(watchpost_conversations_total{{{DOOR}}}[$__rate_interval])) * 60", "{{outcome}}")], "cpm"),
            lines("Users and probes", "Shares that failed: of conversations, and of runs.",
                  [target(f"sum(rate(watchpost_conversations_total{{{DOOR}, outcome=\"failed\"}}[$__rate_interval])) / (sum(rate(watchpost_conversations_total{{{DOOR}, outcome=~\"ok|failed\"}}[$__rate_interval])) > 0)", "conversations"),
                   target(f"sum(rate(probe_runs_total{{{IN}, result=\"failure\"}}[$__rate_interval])) / (sum(rate(probe_runs_total{{{IN}, result=~\"success|failure\"}}[$__rate_interval])) > 0)", "runs")],
                  "percentunit", max=1),
        ],
    ])  # fmt: skip


def certificates():
    """Which ends next, and is it renewed in time?"""
    left = f"min by (endpoint) (({END} - time()) / ({END} - {BEGIN}))"
    rows = [
        target(f"min by (endpoint) ({END} - {BEGIN})"),
        target(f"min by (endpoint) ({END} - time())"),
        target(left),
        target(f"min by (endpoint) (probe_ssl_renewal_due_timestamp_seconds{{{DOOR}}}) - time()"),
        target(f"max by (endpoint) (probe_ssl_distinct_leaf_certs{{{DOOR}}})"),
        target(f"1 - max by (endpoint) (probe_ssl_verify_failure{{{DOOR}}})"),
        target(f"group by (endpoint, issuer) (probe_ssl_last_chain_info{{{DOOR}}})"),
    ]
    names = {"Value #A": "lifetime", "Value #B": "ends in", "Value #C": "life left", "Value #D": "renewal due in", "Value #E": "different leaves", "Value #F": "trusted"}
    steps = thresholds(RED, (0.1, AMBER), (0.33, GREEN))
    every = table(
        "Certificates", "The leaf of each endpoint, also of those that shake no hands. Ends and dues that are past are negative.", rows, width=24, height=10,
        transformations=[{"id": "joinByField", "options": {"byField": "endpoint", "mode": "outer"}}] + only("endpoint", "issuer", *names, rename=names),
        sort=[{"displayName": "life left", "desc": False}],
        overrides=[
            door_link("endpoint"),
            field("lifetime", unit="dtdurations"), field("ends in", unit="dtdurations"), field("renewal due in", unit="dtdurations"),
            field("life left", unit="percentunit", min=0, max=1, thresholds=steps, cell={"type": "gauge", "mode": "basic"}),
            field("trusted", text=mappings(YES), cell={"type": "color-text"}),
        ],
    )  # fmt: skip
    return dashboard("certificates", "Certificates", "Which certificate ends next, whether it is renewed in time, and what is wrong with chains.", [
        [every],
        [
            bars("Life left", "Share of the leaf's lifetime that is left.", [target(f"sort({left})", "{{endpoint}}", instant=True)], "percentunit",
                 (RED, (0.1, AMBER), (0.33, GREEN)), max=1),
            bars("Renewal is due in", "A third of the life before the end, half of it below 10 days, at most 30 days. Negative: overdue.",
                 [target(f"sort(min by (endpoint) (probe_ssl_renewal_due_timestamp_seconds{{{DOOR}}}) - time())", "{{endpoint}}", instant=True)], "dtdurations",
                 (RED, (0, AMBER), (7 * 86400, GREEN)), min=-30 * 86400, max=90 * 86400),
        ],
        [
            table("Chains that fail", "Every way in which a chain fails, by address.",
                  [target(f"probe_ssl_verify_failure{{{DOOR}}} == 1")], transformations=only("endpoint", "address", "reason"), overrides=[door_link("endpoint")]),
            table("What is presented", "Leaves, and what stands above them.",
                  [target(f"probe_ssl_cert_info{{{DOOR}}}")], transformations=only("endpoint", "address", "position", "subject", "issuer", "key_type", "fingerprint_sha256")),
        ],
        [
            lines("Leaf ends in", "A step up is a renewal.", [target(f"min by (endpoint) ({END} - time())", "{{endpoint}}")], "dtdurations", min=None),
            lines("Lifetime of leaves", "The lines are what public CAs may issue at the most: 200 days now, 100 from March 2027 on, 47 from March 2029 on.",
                  [target(f"max by (endpoint) ({END} - {BEGIN})", "{{endpoint}}")], "dtdurations",
                  marks=("transparent", (47 * 86400, "blue"), (100 * 86400, "yellow"), (200 * 86400, "red"))),
        ],
        [
            lines("Renewals", "How often the leaf's end changed, in an hour.", [target(f"max by (endpoint) (changes({END}[1h]))", "{{endpoint}}")], "none", bars=True),
            lines("Different leaves", "More than one for a day: a node was left out.", [target(f"max by (endpoint) (probe_ssl_distinct_leaf_certs{{{DOOR}}})", "{{endpoint}}")], "none"),
        ],
        [
            bars("TLS versions", "Endpoints by what was agreed on.", [target(f"count by (version) (probe_tls_version_info{{{DOOR}}})", "{{version}}", instant=True)], "none", (BLUE,), width=8),
            bars("Cipher suites", "Endpoints by what was agreed on.", [target(f"count by (cipher) (probe_tls_cipher_info{{{DOOR}}})", "{{cipher}}", instant=True)], "none", (BLUE,), width=8),
            table("OCSP stapled", "Whether every address staples an answer. Some CAs have no responder any more: that is not wrong.",
                  [target(f"probe_ssl_ocsp_stapled{{{DOOR}}}")], transformations=only("endpoint", "Value", rename={"Value": "stapled"}), width=8,
                  overrides=[field("stapled", text=[{"type": "value", "options": {"0": {"text": "no", "index": 0}, "1": {"text": "yes", "index": 1}}}])]),
        ],
    ], since="now-30d")  # fmt: skip


def users():
    """Do users and probes say the same?"""
    windows = f"watchpost_correlation_windows_total{{{DOOR}"
    code = " or ".join(
        f'(increase({windows}, correlation="{name}"}}[3m]) > bool 0.1) * {n}'
        for n, name in enumerate(("both_ok", "probe_only", "users_only", "both_bad"), 1)
    )

    def share(of):
        whole = f'sum by (endpoint) (increase({windows}, correlation=~"both_bad|{of}"}}[$__range]))'
        return f'sum by (endpoint) (increase({windows}, correlation="both_bad"}}[$__range])) / ({whole} > 0)'

    return dashboard("users", "Users and probes", "What users see against what probes see: blind spots, false alarms, and how good our probes are.", [
        [
            stat("Conversations failed", "Of users, in the last 15 minutes.",
                 f"sum(increase(watchpost_conversations_total{{{DOOR}, outcome=\"failed\"}}[15m]))", "none", (GREEN, (3, AMBER), (10, RED)), decimals=0),
            stat("Conversations ended", "In the last 15 minutes.", f"sum(increase(watchpost_conversations_total{{{DOOR}}}[15m]))", "none", decimals=0),
            stat("Blind-spot minutes", "In which users fared badly and probes saw nothing, over the time that is shown.",
                 f"sum(increase(watchpost_blind_spot_minutes_total{{{DOOR}}}[$__range]))", "none", (GREEN, (1, AMBER), (10, RED)), decimals=0),
            stat("False-alarm minutes", "In which probes saw trouble and users none, over the time that is shown.",
                 f"sum(increase(watchpost_false_alarm_minutes_total{{{DOOR}}}[$__range]))", "none", (GREEN, (1, AMBER), (10, RED)), decimals=0),
            stat("Last event", "How long ago one was taken in, at the receiver that heard last.",
                 f"min(time() - watchpost_events_last_received_timestamp_seconds{{{US}}})", "s", (GREEN, (600, AMBER), (1800, RED))),
            stat("Not mapped", "Conversations in the last 15 minutes of which nothing tells whose users they are.",
                 f"sum(increase(watchpost_conversations_total{{{US}, endpoint=\"~unmapped\"}}[15m]))", "none", decimals=0),
        ],
        [states("state-timeline", "Both together", "The worst of the last three minutes, as they were judged first.",
                f"max by (endpoint) ({code})", "{{endpoint}}", values=BOTH, height=9)],
        [
            lines("Minutes by what both say", "As they were judged first.",
                  [target(f"sum by (correlation) (increase({windows}}}[$__rate_interval])) > 0", "{{correlation}}")], "none", stack=True, bars=True),
            lines("Shares that failed", "Of conversations, and of runs.",
                  [target(f"sum(rate(watchpost_conversations_total{{{DOOR}, outcome=\"failed\"}}[$__rate_interval])) / (sum(rate(watchpost_conversations_total{{{DOOR}, outcome=~\"ok|failed\"}}[$__rate_interval])) > 0)", "conversations"),
                   target(f"sum(rate(probe_runs_total{{{IN}, result=\"failure\"}}[$__rate_interval])) / (sum(rate(probe_runs_total{{{IN}, result=~\"success|failure\"}}[$__rate_interval])) > 0)", "runs")],
                  "percentunit", max=1),
        ],
        [
            bars("Precision of our probes", "Of the minutes with bad probes, how many users noticed. Low: alerts cry wolf.",
                 [target(share("probe_only"), "{{endpoint}}", instant=True)], "percentunit", (RED, (0.5, AMBER), (0.9, GREEN)), max=1),
            bars("Recall of our probes", "Of the minutes with bad users, how many probes noticed. Low: users fail at something that no check asks for.",
                 [target(share("users_only"), "{{endpoint}}", instant=True)], "percentunit", (RED, (0.5, AMBER), (0.9, GREEN)), max=1),
        ],
        [
            heatmap("Lag of events", "How long after it happened an event arrived: how many per second, by bucket.",
                    f"sum by (le) (rate(watchpost_events_lag_seconds_bucket{{{US}}}[$__rate_interval]))"),
            lines("Events", "Taken in per second, by what happened.",
                  [target(f"sum by (class) (rate(watchpost_events_received_total{{{US}}}[$__rate_interval])) > 0", "{{class}}")], "cps", stack=True),
        ],
        [
            lines("Changes", "That were noticed, by where.",
                  [target(f"sum by (source) (increase(watchpost_change_events_total{{{US}}}[$__rate_interval]))", "{{source}}")], "none", bars=True, stack=True),
            lines("Minutes judged anew", "By events that came late, in an hour.",
                  [target(f"sum by (endpoint) (increase(watchpost_correlation_windows_revised_total{{{DOOR}}}[1h]))", "{{endpoint}}")], "none", bars=True),
        ],
    ])  # fmt: skip


def prober():
    """Can the monitor be believed?"""
    def rate(metric, by, unit="cps", title="", description="", legend=None):
        return lines(title, description, [target(f"sum by ({by}) (rate({metric}{{{US}}}[$__rate_interval]))", legend or f"{{{{{by}}}}}")], unit)

    versions = table("Builds", "What runs where.", [target(f"watchpost_build_info{{{US}}}")], width=12, height=6, transformations=only("instance", "version"))
    return dashboard("prober", "Prober", "Whether the monitor itself can be believed: its self-checks, times, queues, files and memory.", [
        [
            stat("Blind", "Self-checks that fail.", f"sum(watchpost_selfcheck_success{{{US}}} == bool 0)", "none", (GREEN, (1, RED))),
            stat("Checks", "That are scheduled.", f"sum(watchpost_checks{{{US}}})", "none", (RED, (1, BLUE))),
            stat("Missed runs", "Share of the runs of the last hour that were left out.",
                 f"sum(increase(probe_runs_total{{{US}, result=\"missed\"}}[1h])) / sum(increase(probe_runs_total{{{US}}}[1h]))", "percentunit", (GREEN, (0.001, AMBER), (0.01, RED))),
            stat("Config", "Whether the one on the disk is in use.", f"min(watchpost_config_last_reload_successful{{{US}}})", "none", (BLUE,), mappings=mappings(YES)),
            stat("Broken files", "That were set aside and still lie there.", f"sum(watchpost_store_quarantined{{{US}}})", "none", (GREEN, (1, RED))),
            stat("Probes that broke", "Each is a bug; in the last day.", f"sum(increase(watchpost_probe_panics_total{{{US}}}[1d]))", "none", (GREEN, (0.5, RED)), decimals=0),
        ],
        [states("state-timeline", "Self-checks", "DOWN: the monitor does not see this as it is, and calls nothing up or down.",
                f"min by (check) (watchpost_selfcheck_success{{{US}}})", "{{check}}", height=10)],
        [
            heatmap("Schedule delay", "How long after its due time a run began: how many per second, by bucket.",
                    f"sum by (le) (rate(watchpost_schedule_delay_seconds_bucket{{{US}}}[$__rate_interval]))"),
            lines("Runs", "By how they ended, in a second.",
                  [target(f"sum by (result) (rate(probe_runs_total{{{US}}}[$__rate_interval]))", "{{result}}")], "cps", stack=True),
        ],
        [
            lines("Runtime lag", "How late a timer fires in this process: when this is large, measured times are partly ours.",
                  [target(f"histogram_quantile({q}, sum by (le) (rate(watchpost_runtime_lag_seconds_bucket{{{US}}}[$__rate_interval])))", f"p{q * 100:g}") for q in (0.5, 0.99)], "s"),
            lines("Runs under way, and held up", "Runs at a time; and runs in a minute whose times are in no histogram, as this process was held up.",
                  [target(f"sum by (instance) (watchpost_inflight_probes{{{US}}})", "under way {{instance}}"),
                   target(f"sum by (instance) (rate(watchpost_runs_spoiled_total{{{US}}}[$__rate_interval])) * 60", "held up {{instance}}")], "none"),
        ],
        "Events",
        [
            lines("Inbox", "Events that nothing was made of yet; beyond the capacity they are refused.",
                  [target(f"sum by (instance) (watchpost_events_inbox_length{{{US}}})", "waiting {{instance}}"),
                   target(f"sum by (instance) (watchpost_events_inbox_capacity{{{US}}})", "capacity {{instance}}")], "none"),
            lines("Commit and lag", "How long a batch of events took until it was on disk; and how far the casebook is behind.",
                  [target(f"histogram_quantile(0.99, sum by (le) (rate(watchpost_events_commit_seconds_bucket{{{US}}}[$__rate_interval])))", "commit p99"),
                   target(f"max by (instance) (watchpost_casebook_lag_seconds{{{US}}})", "behind {{instance}}")], "s"),
        ],
        [
            lines("Refused", "Requests to receivers that were not taken in, by why, in a minute.",
                  [target(f"sum by (reason) (rate(watchpost_events_rejected_total{{{US}}}[$__rate_interval])) * 60", "{{reason}}")], "cpm"),
            lines("Unreadable, double, dropped", "In a minute.",
                  [target(f"sum by (source) (rate(watchpost_events_{name}_total{{{US}}}[$__rate_interval])) * 60", f"{name} {{{{source}}}}") for name in ("dead_letter", "duplicate", "conflict", "time_corrected")]
                  + [target(f"sum by (instance) (rate(watchpost_casebook_dropped_total{{{US}}}[$__rate_interval])) * 60", "not followed {{instance}}")], "cpm"),
        ],
        "Files and notifications",
        [
            lines("Files", "On disk.",
                  [target(f"sum by (instance) (watchpost_store_size_bytes{{{US}}})", "results {{instance}}"),
                   target(f"sum by (instance) (watchpost_events_store_size_bytes{{{US}}})", "events {{instance}}")], "bytes"),
            lines("Age of the oldest record", "As far back as anything can be looked up.",
                  [target(f"time() - min by (instance) (watchpost_store_oldest_record_timestamp_seconds{{{US}}})", "results {{instance}}"),
                   target(f"time() - min by (instance) (watchpost_events_oldest_record_timestamp_seconds{{{US}}})", "events {{instance}}")], "dtdurations"),
        ],
        [
            lines("Failed writes", "In a minute.",
                  [target(f"sum by (instance) (rate(watchpost_store_write_failures_total{{{US}}}[$__rate_interval])) * 60", "results {{instance}}"),
                   target(f"sum by (instance) (rate(watchpost_events_store_write_failures_total{{{US}}}[$__rate_interval])) * 60", "events {{instance}}"),
                   target(f"sum by (instance) (rate(watchpost_log_dropped_total{{{US}}}[$__rate_interval])) * 60", "log lines lost {{instance}}")], "cpm"),
            lines("Notifications that wait", "Messages about incidents, by target.",
                  [target(f"sum by (target) (watchpost_notifications_queue_length{{{US}}})", "{{target}}")], "none"),
        ],
        "Genesys Cloud",
        [
            lines("Requests", "To the platform API and the CDN, by their status, in a minute.",
                  [target(f"sum by (code) (rate(watchpost_genesys_requests_total{{{US}}}[$__rate_interval])) * 60", "{{code}}")], "cpm"),
            lines("Age of what is known", "Since every question of a round was answered; and what the API would still take in its minute.",
                  [target(f"time() - max by (instance) (watchpost_genesys_refresh_success_timestamp_seconds{{{US}}})", "seconds {{instance}}"),
                   target(f"min by (instance) (watchpost_genesys_ratelimit_remaining{{{US}}})", "calls left {{instance}}")], "none"),
        ],
        "Process",
        [
            lines("CPU", "Of one core.", [target(f"sum by (instance) (rate(process_cpu_seconds_total{{{US}}}[$__rate_interval]))", "{{instance}}")], "percentunit", width=8),
            lines("Memory", "Resident.", [target(f"sum by (instance) (process_resident_memory_bytes{{{US}}})", "{{instance}}")], "bytes", width=8),
            lines("Descriptors", "Open, and as many as there may be.",
                  [target(f"sum by (instance) (process_open_fds{{{US}}})", "open {{instance}}"), target(f"sum by (instance) (process_max_fds{{{US}}})", "limit {{instance}}")], "none", width=8),
        ],
        [
            lines("Scrapes", "How long one takes.", [target(f"max by (instance) (scrape_duration_seconds{{{US}}})", "{{instance}}")], "s", width=8),
            lines("Series", "In one scrape.", [target(f"max by (instance) (scrape_samples_scraped{{{US}}})", "{{instance}}")], "none", width=8),
            lines("HTTP", "Answers by route and status, in a second.",
                  [target(f"sum by (handler, code) (rate(watchpost_http_requests_total{{{US}}}[$__rate_interval]))", "{{handler}} {{code}}"),
                   target(f"sum(rate(watchpost_http_evicted_total{{{US}}}[$__rate_interval]))", "evicted")], "reqps", width=8),
        ],
        [versions, lines("Configs", "When the one in use was read: a step is another one.",
                         [target(f"time() - max by (instance) (watchpost_config_last_reload_success_timestamp_seconds{{{US}}})", "{{instance}}")], "dtdurations", height=6)],
    ])  # fmt: skip


def main():
    differ = []
    for make in (overview, endpoint, certificates, users, prober):
        path = HERE / f"{make.__name__}.json"
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                differ.append(path.name)
        else:
            path.write_text(text)
    if differ:
        sys.exit(f"not what {pathlib.Path(__file__).name} prints: {', '.join(differ)}")


if __name__ == "__main__":
    main()
