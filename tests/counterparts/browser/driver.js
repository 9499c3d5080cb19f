// node driver.js <job.json: what pages are to do; prints what came of it, as JSON.
const { chromium } = require('playwright-core');

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--host-resolver-rules=MAP *.test 127.0.0.1, EXCLUDE localhost',
];

// In the page: one WebSocket after the other for each port, as Chromium has it anyway.
async function openAll(doors) {
  const lanes = new Map();
  doors.forEach((door, index) => {
    const { port } = new URL(door.url);
    lanes.set(port, [...(lanes.get(port) ?? []), { ...door, index }]);
  });
  const open = ({ url, subprotocols }) => new Promise((done) => {
    const socket = new WebSocket(url, subprotocols);
    const { close } = socket;
    socket.onopen = () => {
      done({ opened: true, subprotocol: socket.protocol });
      close.call(socket);
    };
    socket.onclose = () => done({ opened: false });
  });
  const results = [];
  await Promise.all([...lanes.values()].map(async (lane) => {
    for (const door of lane) results[door.index] = await open(door);
  }));
  return results;
}

// Chromium says why by itself, a little later perhaps.
async function told(messages, urls) {
  const deadline = Date.now() + 5000;
  while (urls.some((url) => !messages.has(url)) && Date.now() < deadline) {
    await new Promise((done) => setTimeout(done, 10));
  }
}

async function websockets(browser, { page: address, doors }) {
  const page = await browser.newPage();
  const cdp = await page.context().newCDPSession(page);
  const urls = new Map();
  const messages = new Map();
  cdp.on('Network.webSocketCreated', ({ requestId, url }) => urls.set(requestId, url));
  cdp.on('Network.webSocketFrameError', ({ requestId, errorMessage }) => {
    const url = urls.get(requestId);
    if (!messages.has(url)) messages.set(url, errorMessage);
  });
  await cdp.send('Network.enable');
  await page.goto(address);
  const results = await page.evaluate(openAll, doors);
  await told(messages, doors.filter((_, index) => !results[index].opened).map((door) => door.url));
  return results.map((result, index) => (
    result.opened ? result : { ...result, message: messages.get(doors[index].url) ?? 'no message' }));
}

async function main() {
  let text = '';
  for await (const piece of process.stdin) text += piece;
  const job = JSON.parse(text);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS });
  try {
    process.stdout.write(JSON.stringify(await websockets(browser, job)));
  } finally {
    await browser.close();
  }
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
