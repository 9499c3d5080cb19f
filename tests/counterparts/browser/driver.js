// node driver.js <job.json: what pages are to do; prints what came of it, as JSON.
const { chromium } = require('playwright-core');
const puppeteer = require('puppeteer-core');
const { readFile } = require('node:fs/promises');

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

// What is wrong with one look at a page, in words.
async function lookAt(browser, { base, path, width, colorScheme, javaScriptEnabled }) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) wrong.push(`asks for ${request.url()}`);
  });
  const answer = await page.goto(base + path);
  if (answer.status() !== 200) wrong.push(`status ${answer.status()}`);
  const bytes = (await answer.body()).length;
  if (bytes >= 50_000) wrong.push(`${bytes} bytes`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) wrong.push(`${over} pixels wider than the window`);
  if (javaScriptEnabled) {
    await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const { id, nodes } of violations) wrong.push(`axe: ${id}: ${nodes[0].html.slice(0, 200)}`);
  }
  // A minute later nobody has made it anew: it is grey, and says so.
  const grey = await page.evaluate(() => {
    document.getAnimations().forEach((animation) => animation.finish());
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    return [style('main').filter, style('.stale-note').visibility];
  });
  if (grey.join() !== 'grayscale(1),visible') wrong.push(`stale, and yet ${grey}`);
  await context.close();
  return wrong.map((what) => `${path}, ${width} wide, ${colorScheme}, script ${javaScriptEnabled}: ${what}`);
}

// With its script a page is made anew in place, and whoever reads keeps the place.
async function staysFresh(browser, base) {
  const page = await browser.newPage();
  await page.clock.install();
  await page.goto(`${base}/`);
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.className);
  if (first !== 'skip') return [`the first stop of the keyboard is ${first}`];
  // The second of the links to one page, in another table.
  await page.evaluate(() => {
    const first = document.querySelector('main a[href^="/endpoint/"]');
    document.querySelectorAll(`main a[href="${first.getAttribute('href')}"]`)[1].focus();
  });
  const focused = () => page.evaluate(() => {
    const stops = [...document.querySelectorAll('main a[href], main [tabindex]')];
    return `${stops.indexOf(document.activeElement)} ${document.activeElement.getAttribute('href')}`;
  });
  const before = await focused();
  await page.evaluate(() => { document.querySelector('main').dataset.old = 'yes'; });
  await page.clock.fastForward(16_000);
  await page.waitForFunction(() => !document.querySelector('main').dataset.old, null, { polling: 50, timeout: 20_000 })
    .catch(() => {});
  const old = await page.evaluate(() => document.querySelector('main').dataset.old);
  const after = await focused();
  await page.close();
  return [old && 'it is not made anew', before !== after && `focus went from ${before} to ${after}`].filter(Boolean);
}

async function pages(browser, { base, paths }) {
  const wrong = await staysFresh(browser, base);
  for (const path of paths) {
    for (const width of [1280, 390]) {
      for (const colorScheme of ['light', 'dark']) {
        wrong.push(...await lookAt(browser, { base, path, width, colorScheme, javaScriptEnabled: true }));
      }
      wrong.push(...await lookAt(browser, { base, path, width, colorScheme: 'light', javaScriptEnabled: false }));
    }
  }
  return wrong;
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
    if (job.pages) return await pages(browser, job.pages);
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
