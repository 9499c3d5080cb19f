// node cloudevents.js URL TOKEN: posts CloudEvents in both modes, as npm's cloudevents writes them.
// Prints what each is answered with.
const { CloudEvent, HTTP } = require('cloudevents');
const [url, token] = process.argv.slice(2);

async function post(name, message) {
  const headers = { ...message.headers, authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: 'POST', headers, body: message.body });
  const text = (await answer.text()).trim();
  console.log(JSON.stringify([name, answer.status, answer.ok ? JSON.parse(text).stored : text]));
}

(async () => {
  const type = 'com.genesys.v2.detail.events.conversation.{id}.customer.end';
  const time = new Date(Date.now() - 60000).toISOString();
  const body = (conversationId) => ({ conversationId, mediaType: 'MESSAGE', disconnectType: 'PEER' });
  const event = (id, data, more) => new CloudEvent({ id, source: '/relay', type, time, data, ...more });
  const frame = (id) => ({ topicName: `v2.detail.events.conversation.${id}.customer.end`, version: '2', eventBody: body(id) });
  await post('binary', HTTP.binary(event('e-1', body('ce-binary'))));
  await post('structured', HTTP.structured(event('e-2', body('ce-structured'))));
  await post('the same in the other mode', HTTP.binary(event('e-2', body('ce-structured'))));
  await post('binary frame', HTTP.binary(event('e-3', frame('ce-binary-frame'))));
  await post('structured frame', HTTP.structured(event('e-4', frame('ce-structured-frame'))));
  const bytes = Buffer.from(JSON.stringify(frame('ce-base64')));
  await post('structured bytes', HTTP.structured(event('e-5', bytes, { datacontenttype: 'application/octet-stream' })));
  await post('without data', HTTP.structured(event('e-6')));
})();
