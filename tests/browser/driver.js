// A browser that is told by lines of JSON on its standard input what to do, and answers each with a line.
// node driver.js PLAYWRIGHT_FOLDER CHROMIUM BASE USERNAME PASSWORD

const readline = require('readline');
const [PLAYWRIGHT, CHROMIUM, BASE, username, password] = process.argv.slice(2);
const { chromium } = require(PLAYWRIGHT);

// Software rendering, of what is drawn by WebGL alone, as of the whole page it takes longer; nothing calls home.
const FLAGS = [
  '--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
  '--disable-gpu-compositing', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const PATIENCE_MS = 60000;

let browser, page, complaints, held;

const verbs = {
  // A fresh window with nothing remembered; the password is given when the node asks for it, and never before.
  // Answers whose address has `hold` in it come once they are released.
  async open({ path, height = 900, hold }) {
    await page?.context().close();
    const context = await browser.newContext({
      viewport: { width: 1400, height },
      httpCredentials: { username, password },
    });
    context.setDefaultTimeout(PATIENCE_MS);
    complaints = [];
    page = await context.newPage();
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('console', line => /Error Boundary/.test(line.text()) && complaints.push(line.text()));
    page.on('response', answer => answer.status() >= 400 && complaints.push(`${answer.status()} ${answer.url()}`));
    await page.addInitScript(() => localStorage.setItem('shownTours', '["basicViewerTour"]'));
    await page.route(address => address.origin !== BASE, route => route.abort());
    held = [];
    if (hold) {
      await page.route(address => address.pathname.includes(hold), route => (held ? held.push(route) : route.continue()));
    }
    await page.goto(BASE + path);
  },
  async release() {
    const waiting = held;
    held = null;
    await Promise.all(waiting.map(route => route.continue()));
  },
  url: async () => page.url().replace(BASE, ''),
  complaints: async () => complaints,
  evaluate: ({ script, given }) => page.evaluate(`(${script})(${JSON.stringify(given ?? null)})`),
  // While the page is not as far as the script supposes, it fails; the last failure is told when patience ends.
  async until({ script, given, patience = PATIENCE_MS }) {
    const tried = `(() => { try { return (${script})(${JSON.stringify(given ?? null)}); }
      catch (error) { window.lastFailure = String(error); return false; } })()`;
    try {
      const found = await page.waitForFunction(tried, null, { polling: 200, timeout: patience });
      return await found.jsonValue();
    } catch (error) {
      throw new Error(`${error.message} ${(await page.evaluate('window.lastFailure')) ?? ''} ${script}`);
    }
  },
  click: ({ selector }) => page.locator(selector).first().click(),
  dblclick: ({ selector }) => page.locator(selector).first().dblclick(),
  texts: ({ selector }) => page.locator(selector).allInnerTexts(),
  async wait({ selector }) {
    await page.locator(selector).first().waitFor();
  },
  screenshot: async ({ path }) => void (await page.screenshot({ path })),
  // The colours of the window at some points, as they are drawn.
  async colours({ points }) {
    const picture = (await page.screenshot()).toString('base64');
    return page.evaluate(async ([data, places]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const drawn = canvas.getContext('2d');
      drawn.drawImage(image, 0, 0);
      return places.map(([x, y]) => [...drawn.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3));
    }, [picture, points]);
  },
};

async function obey(line) {
  const { verb, ...given } = JSON.parse(line);
  try {
    return { answer: (await verbs[verb](given)) ?? null };
  } catch (error) {
    return { error: `${verb}: ${error.message}`, complaints };
  }
}

(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await obey(line))}\n`);
  }
  await browser.close();
})();
