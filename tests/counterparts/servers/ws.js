// node ws.js open|verify PORT
const { WebSocketServer } = require('ws');
const [mode, port] = process.argv.slice(2);
const verifyClient = mode === 'open' ? undefined : ({ origin }, accept) =>
  origin === 'https://app.test' ? accept(true) : accept(false, 403, 'Forbidden');
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), verifyClient });
server.on('connection', (socket) => socket.on('message', (data) => socket.send(data.toString())));
