// node signers.js URL SECRET: posts events that standardwebhooks and svix have signed.
// Prints what each case is answered with.
const libraries = { standardwebhooks: require('standardwebhooks'), svix: require('svix') };
const [url, secret] = process.argv.slice(2);
const other = 'whsec_b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIG9yIG1vcmU=';

async function post(name, id, at, signature, body) {
  const headers = {
    'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': signature, 'content-type': 'application/json',
  };
  const answer = await fetch(url, { method: 'POST', headers, body });
  const text = (await answer.text()).trim();
  console.log(JSON.stringify([name, answer.status, answer.ok ? JSON.parse(text).stored : text]));
}

(async () => {
  const now = new Date();
  for (const [name, { Webhook }] of Object.entries(libraries)) {
    const [ours, foreign] = [new Webhook(secret), new Webhook(other)];
    const id = `msg_node_${name}`;
    const body = JSON.stringify({ conversationId: `node-${name}`, note: 'ünïcødé \u2028' });
    const good = ours.sign(id, now, body);
    await post(`${name} good`, id, now, good, body);
    await post(`${name} again`, id, now, good, body);
    const id2 = `${id}_2`;
    await post(`${name} rotated`, id2, now, `${foreign.sign(id2, now, body)} ${ours.sign(id2, now, body)}`, body);
    await post(`${name} foreign`, id, now, foreign.sign(id, now, body), body);
    await post(`${name} other body`, id, now, good, `${body} `);
    await post(`${name} other id`, `${id}x`, now, good, body);
    for (const [when, minutes] of [['late', -4], ['early', 4], ['stale', -6], ['ahead', 6]]) {
      const at = new Date(now.getTime() + minutes * 60000);
      await post(`${name} ${when}`, id + when, at, ours.sign(id + when, at, body), body);
    }
  }
})();
