// node driver.js <job.json: what pages are to do; prints what came of it, as JSON.
const { chromium } = require('playwright-core');
const puppeteer = require('puppeteer-core');

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

// In the page: a few requests at a time.
async function fetchAll(requests) {
  const results = [];
  const ask = async ({ url, method, headers, credentials, body }) => {
    const init = { method, headers, body, cache: 'no-store', credentials: credentials ? 'include' : 'omit' };
    try {
      return { readable: true, status: (await fetch(url, init)).status };
    } catch {
      return { readable: false };
    }
  };
  let next = 0;
  await Promise.all(Array.from({ length: 6 }, async () => {
    while (next < requests.length) {
      const index = next++;
      results[index] = await ask(requests[index]);
    }
  }));
  return results;
}

// Each page does its requests; why one failed is told by the first address that it had.
async function fetches(browser, pages) {
  const results = [];
  for (const { page: address, requests } of pages) {
    const page = await browser.newPage();
    const cdp = await page.context().newCDPSession(page);
    const urls = new Map();
    const messages = new Map();
    // What is told of a preflight by itself is not the whole truth.
    cdp.on('Network.requestWillBeSent', ({ requestId, request, initiator }) => {
      if (initiator.type !== 'preflight' && !urls.has(requestId)) urls.set(requestId, request.url);
    });
    cdp.on('Network.loadingFailed', ({ requestId, corsErrorStatus, errorText }) => {
      messages.set(urls.get(requestId), corsErrorStatus?.corsError ?? errorText);
    });
    await cdp.send('Network.enable');
    await page.goto(address);
    const found = await page.evaluate(fetchAll, requests);
    await told(messages, requests.filter((_, index) => !found[index].readable).map(({ url }) => url));
    results.push(found.map((result, index) => (
      result.readable ? result : { ...result, message: messages.get(requests[index].url) ?? 'no message' })));
    await page.close();
  }
  return results;
}

// Firefox says whether, and not why.
async function inFirefox({ websockets: doors, fetches: pages }) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    extraPrefsFirefox: {
      'network.dns.localDomains': 'shop.test,api.test,xn--bcher-kva.test',
      'network.websocket.delay-failed-reconnects': false,
    },
  });
  try {
    const page = await browser.newPage();
    if (doors) {
      await page.goto(doors.page);
      return await page.evaluate(openAll, doors.doors);
    }
    const results = [];
    for (const { page: address, requests } of pages) {
      await page.goto(address);
      results.push(await page.evaluate(fetchAll, requests));
    }
    return results;
  } finally {
    await browser.close();
  }
}

async function inChromium(job) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS });
  try {
    return await (job.websockets ? websockets(browser, job.websockets) : fetches(browser, job.fetches));
  } finally {
    await browser.close();
  }
}

async function main() {
  let text = '';
  for await (const piece of process.stdin) text += piece;
  const job = JSON.parse(text);
  process.stdout.write(JSON.stringify(await (job.firefox ? inFirefox(job) : inChromium(job))));
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
