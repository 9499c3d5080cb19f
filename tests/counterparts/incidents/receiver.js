// node receiver.js PORT SECRET: takes what both libraries find well signed.
const http = require('http');
const standard = require('standardwebhooks');
const svix = require('svix');
const [port, secret] = process.argv.slice(2);
http.createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  try {
    const message = new standard.Webhook(secret).verify(body, request.headers);
    new svix.Webhook(secret).verify(body, request.headers);
    // Each refuses what another secret has signed.
    const wrong = 'whsec_' + Buffer.alloc(32).toString('base64');
    let refused = 0;
    for (const { Webhook } of [standard, svix]) {
      try { new Webhook(wrong).verify(body, request.headers); } catch { refused += 1; }
    }
    response.statusCode = message.type.startsWith('incident.') && refused === 2 ? 204 : 500;
  } catch (error) {
    console.error(error.message);
    response.statusCode = 401;
  }
  response.end();
}).listen(Number(port), '127.0.0.1');
