# genesys.py NOW_MS: events of every kind, as the contact centre's own SDK writes them, and which
# fields and words its models have. One JSON list a line: model, field or null, word or null, body.
import inspect, json, re, sys
import PureCloudPlatformClientV2 as sdk

now = int(sys.argv[1])
write = sdk.ApiClient().sanitize_for_serialization
UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def words(model, attribute):
    found = re.search(r"allowed_values = (\[.*?\])", inspect.getsource(getattr(model, attribute).fset), re.S)
    return json.loads(found.group(1).replace("'", '"')) if found else []


def value(model, attribute, kind):
    if known := words(model, attribute):
        return known[-1]
    if attribute in ("event_time", "event_time_ms"):
        return now
    if kind == "int":
        return 1
    if kind == "bool":
        return True
    if kind == "datetime":
        return None
    if kind.startswith("dict"):
        return {"name": "Jane Doe", "watchpost": "messenger-eu"}
    if kind.startswith("list"):
        inner = kind[5:-1]
        return [filled(getattr(sdk, inner)) if hasattr(sdk, inner) else "Jane Doe"]
    if hasattr(sdk, kind):
        return filled(getattr(sdk, kind))
    return UUID if attribute == "id" or attribute.endswith("_id") else "Jane Doe"


def filled(model):
    thing = model()
    for attribute, kind in thing.swagger_types.items():
        setattr(thing, attribute, value(model, attribute, kind))
    return thing


wanted = r"DetailEventTopic\w+Event$|^WebDeployments\w+ChangeEventBody$|UndeliveredMessageEventBody$|^AuditTopicAuditLogMessage$"
for name in sorted(name for name in dir(sdk) if re.search(wanted, name)):
    model = getattr(sdk, name)
    print(json.dumps([name, None, None, write(filled(model))]))
    for attribute, field in model().attribute_map.items():
        print(json.dumps([name, field, None, None]))
        for word in words(model, attribute):
            thing = filled(model)
            setattr(thing, attribute, word)
            print(json.dumps([name, field, word, write(thing)]))
