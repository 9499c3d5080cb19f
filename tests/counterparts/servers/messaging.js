// node messaging.js PORT: answers a messenger's guests, each message compressed, for one origin.
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  perMessageDeflate: { threshold: 0 },
  verifyClient: ({ origin }, accept) =>
    origin === 'https://app.test' ? accept(true) : accept(false, 403, 'Forbidden'),
});
const answers = {
  getConfiguration: () => ['GetConfigurationResponse', { maxCustomDataBytes: 2048 }],
  configureSession: () => ['SessionResponse', { connected: true, newSession: true, readOnly: false }],
  echo: ({ message }) => ['StructuredMessage', { ...message, direction: 'Inbound', id: 'm-1' }],
};
server.on('connection', (socket) =>
  socket.on('message', (data) => {
    const { action, tracingId, ...request } = JSON.parse(data);
    if (action === 'closeSession') {
      const body = { reason: 'userInitiated' };
      socket.send(JSON.stringify({ type: 'message', class: 'ConnectionClosedEvent', code: 200, body }));
      socket.close(1000);
      return;
    }
    const known = answers[action];
    const [type, code] = ['response', known ? 200 : 400];
    const [kind, body] = known ? known(request) : ['string', `unknown action ${action}`];
    socket.send(JSON.stringify({ type, class: kind, code, body, tracingId }));
  }));
