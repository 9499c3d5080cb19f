// The probe of many a wiki page: open, note the latency, close; sixteen at a time.
const fs = require('fs');
const WebSocket = require('ws');

const [url, ca] = process.argv.slice(2);
const options = {
  ca: fs.readFileSync(ca),
  rejectUnauthorized: true,
  origin: 'https://app.test',
  headers: { 'User-Agent': 'probe/1.0' },
  lookup: (_host, { all }, done) =>
    all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
};

function handshake(timeout = 5000) {
  const startTime = Date.now();
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, options);
    const timer = setTimeout(() => {
      ws.terminate();
      reject(new Error('WebSocket handshake timed out.'));
    }, timeout);
    ws.on('open', () => {
      clearTimeout(timer);
      const latency = Date.now() - startTime;
      ws.close();
      resolve({ success: true, latency });
    });
    ws.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

async function probe() {
  for (;;) await handshake();
}

for (let n = 0; n < 16; n++) probe();
