import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { requireBrowser } from '../require-browser.ts';
import { FailingShop, tokens } from './failing-shop.ts';
import { openBrowser, openPage, screens, signIn } from './page-browser.ts';

// Measures how long a browser that is signed in waits for the first paint and for the incident, over loopback: `npm run dashboard:paint`.

const rounds = 15;

/** The browser makes the entry some time after it has painted. */
const firstPaint = `new Promise((resolve) => {
  const find = (list) => list.getEntriesByName('first-contentful-paint').forEach(({ startTime }) => resolve(startTime));
  new PerformanceObserver(find).observe({ type: 'paint', buffered: true });
})`;

requireBrowser();
const work = mkdtempSync(join(tmpdir(), 'candor-paint-'));
await buildDashboard(join(work, 'dashboard'));
const shop = await FailingShop.start(join(work, 'dashboard'));
const browser = await openBrowser();
try {
  await shop.fail();
  const { page } = await openPage(browser, screens[0]);
  await signIn(page, shop.url, tokens.operate);
  const cdp = await page.context().newCDPSession(page);
  for (const [name, disabled] of [
    ['without a cache', true],
    ['with the cache of the browser', false],
  ] as const) {
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: disabled });
    const [paints, incidents]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      await page.reload();
      await page.getByRole('article').first().waitFor();
      incidents.push(await page.evaluate<number>('performance.now()'));
      paints.push(await page.evaluate<number>(firstPaint));
    }
    console.log(`${name}: first paint ${quartiles(paints)}; the incident is seen ${quartiles(incidents)}`);
  }
} finally {
  await browser.close();
  await shop.close();
  rmSync(work, { recursive: true, force: true });
}

function quartiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toString();
  return `${at(0.5)} ms (quartiles ${at(0.25)} to ${at(0.75)}, highest ${at(1)})`;
}
