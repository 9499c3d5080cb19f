# simulator.py PORT CLIENT SECRET DEPLOYMENT EVENTS: the contact centre's own SDK asks the simulated
# one, and reads its events. One JSON list a line: what was read, and what of it got lost or changed.
import json, sys
from datetime import datetime
import PureCloudPlatformClientV2 as sdk

port, client, secret, deployment, events = sys.argv[1:]


def differences(at, sent, back):
    if sent is None:
        return []
    if isinstance(sent, dict) and isinstance(back, dict):
        return [it for key in sent for it in differences(f"{at}.{key}", sent[key], back.get(key))]
    if isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        return [it for n in range(len(sent)) for it in differences(f"{at}[{n}]", sent[n], back[n])]
    if isinstance(sent, str) and isinstance(back, str) and sent != back and back[10:11] == "T":
        same = datetime.fromisoformat(sent.replace("Z", "+00:00")) == datetime.fromisoformat(back)
        return [] if same else [f"{at}: {sent} is {back}"]
    return [] if sent == back and type(sent) is type(back) else [f"{at}: {sent!r} is {back!r}"]


class Answer:
    def __init__(self, body):
        self.data = json.dumps(body)

    def getheader(self, name):
        return "application/json"


class Client(sdk.ApiClient):
    def deserialize(self, response, kind):
        model = super().deserialize(response, kind)
        sent, back = json.loads(response.data), self.sanitize_for_serialization(model)
        print(json.dumps([kind if isinstance(kind, str) else kind.__name__, differences("", sent, back)]))
        return model


api = Client()
for line in open(events):
    kind, body = json.loads(line)
    api.deserialize(Answer(body), kind)

api.set_gateway("127.0.0.1", "http", int(port), "login", "api")
api.get_client_credentials_token(client, secret)

deployments = sdk.WebDeploymentsApi(api)
listed = deployments.get_webdeployments_deployments()
assert [one.id for one in listed.entities].count(deployment) == 1
found = deployments.get_webdeployments_deployment(deployment)
found.allowed_domains = ["m.shop.example"]
found.allow_all_domains = False
assert deployments.put_webdeployments_deployment(deployment, found).allowed_domains == ["m.shop.example"]
active = deployments.get_webdeployments_deployment_configurations(deployment)
assert active.configuration_version.version == "1" and active.deployment.id == deployment
deployments.get_webdeployments_configurations()
deployments.get_webdeployments_configuration_versions_draft(found.configuration.id)

notifications = sdk.NotificationsApi(api)
topics = notifications.get_notifications_availabletopics(expand=["transports"])
assert any(topic.id == "v2.webdeployments.deployments.{id}" for topic in topics.entities)
channel = notifications.post_notifications_channels()
assert channel.connect_uri.startswith("wss://")
topic = sdk.ChannelTopic()
topic.id = f"v2.webdeployments.deployments.{deployment}"
assert len(notifications.post_notifications_channel_subscriptions(channel.id, [topic]).entities) == 1
notifications.put_notifications_channel_subscriptions(channel.id, [topic], ignore_errors=True)
notifications.get_notifications_channel_subscriptions(channel.id)
notifications.get_notifications_channels()
notifications.head_notifications_channel(channel.id)

audits = sdk.AuditApi(api)
audits.get_audits_query_servicemapping()
audits.get_audits_query_realtime_servicemapping()
now = datetime.utcnow()
query = sdk.AuditRealtimeQueryRequest()
query.interval = f"{now:%Y-%m-%d}T00:00:00Z/2100-01-01T00:00:00Z"
query.service_name = "WebDeployments"
assert audits.post_audits_query_realtime(query).total == 1
query = sdk.AuditQueryRequest()
query.interval = f"{now:%Y-%m-%d}T00:00:00Z/2100-01-01T00:00:00Z"
query.service_name = "WebDeployments"
begun = audits.post_audits_query(query)
while audits.get_audits_query_transaction_id(begun.id).state != "Succeeded":
    pass
assert len(audits.get_audits_query_transaction_id_results(begun.id).entities) == 1

query = sdk.ConversationQuery()
query.interval = f"{now:%Y-%m-%d}T00:00:00Z/2100-01-01T00:00:00Z"
assert sdk.AnalyticsApi(api).post_analytics_conversations_details_query(query).total_hits > 0
for wrong in [lambda: deployments.get_webdeployments_deployment("none"), sdk.UsersApi(api).get_users_me]:
    try:
        wrong()
        raise SystemExit("there is no such thing")
    except sdk.rest.ApiException as error:
        api.deserialize(Answer(json.loads(error.body)), "ErrorBody")
