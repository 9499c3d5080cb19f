// The official client of the platform API: logs in, looks at deployments, opens a channel.
// usage: platform.js HOST PORT CLIENT SECRET
const platform = require('purecloud-platform-client-v2');

const [host, port, id, secret] = process.argv.slice(2);

const client = platform.ApiClient.instance;
client.setGateway({ host, port: Number(port), protocol: 'http', path_params_login: 'login', path_params_api: 'api' });

const tell = (what, value) => console.log(JSON.stringify([what, value]));

// What the client makes of an error: its HTTP library's, or the body itself.
const told = (error) => {
  const answer = error.response ?? error;
  return [answer.status, answer.data?.error ?? error.code ?? null];
};

async function main() {
  await client.loginClientCredentialsGrant(id, 'wrong').catch((error) => tell('wrong secret', told(error)));
  await client.loginClientCredentialsGrant('nobody', secret).catch((error) => tell('no client', told(error)));
  const { accessToken, tokenExpiryTime } = await client.loginClientCredentialsGrant(id, secret);
  tell('token', [typeof accessToken, tokenExpiryTime > Date.now()]);

  const deployments = new platform.WebDeploymentsApi();
  const { entities } = await deployments.getWebdeploymentsDeployments({});
  tell('deployments', entities.map(({ id, name, status }) => [id, name, status]));
  const one = await deployments.getWebdeploymentsDeployment(entities[0].id, {});
  tell('one', [one.id, one.allowAllDomains, one.allowedDomains]);
  await deployments.getWebdeploymentsDeployment('00000000-0000-0000-0000-00000000dead', {})
    .catch((error) => tell('none', told(error)));

  const notifications = new platform.NotificationsApi();
  const topics = await notifications.getNotificationsAvailabletopics({ expand: ['transports'] });
  tell('topics', topics.entities.some(({ id }) => id === 'v2.webdeployments.deployments.{id}'));
  const channel = await notifications.postNotificationsChannels();
  tell('channel', [channel.id, channel.connectUri]);
  const topic = `v2.webdeployments.deployments.${entities[0].id}`;
  const added = await notifications.postNotificationsChannelSubscriptions(channel.id, [{ id: topic }]);
  tell('subscribed', added.entities.map(({ id }) => id));
  const kept = await notifications.getNotificationsChannelSubscriptions(channel.id);
  tell('subscriptions', kept.entities.map(({ id }) => id));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
