import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CDPSession, Page } from 'playwright-core';
import { buildDashboard } from '../scripts/dashboard.ts';
import { startAdminServer } from '../src/admin/server.ts';
import { hashOfToken } from '../src/admin/token.ts';
import { ExchangeStore } from '../src/store/exchange-store.ts';
import { LineDivider } from '../src/store/line-divider.ts';
import { systemClock, systemRandom } from '../src/system/system.ts';
import { requireBrowser } from '../test/require-browser.ts';
import { openBrowser, openPage, screens, signIn } from '../test/dashboard/page-browser.ts';
import { startFromYaml, type YamlGateway } from '../test/gateway/start-from-yaml.ts';
import { storedLine } from './stored-line.ts';

/**
 * How a million stored exchanges are browsed in the dashboard: `npm run bench:browse`, `npm run bench:browse -- --exchanges 20000 --pages 8 --rounds 3`.
 *
 * A page of the list has 200 rows. Each time is from the scroll, the query, the click or the response to the frame in which the rows are seen.
 */
const { values } = parseArgs({
  options: {
    exchanges: { type: 'string', default: '1000000' },
    pages: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '20' },
  },
});
const [total, pages, rounds] = [Number(values.exchanges), Number(values.pages), Number(values.rounds)];
const queries = [
  '',
  'status:5xx',
  'status:502 route:shop heap',
  'route:shop path:/products/70',
  'econnreset fresh',
  'duration:>60ms since:1h',
];
const token = 'candor_of-the-bench';
const work = mkdtempSync(join(tmpdir(), 'candor-bench-browse-'));

function fillStore(path: string): void {
  const spec = { path, keepAgeMs: 1e12, keepBytes: 4e9, successesPerSecond: 200, slowMs: 1000 };
  const store = new ExchangeStore(spec, systemClock, {
    onCorrupt: () => undefined,
    onRemoved: () => undefined,
    onOtherVersion: () => undefined,
  });
  const [divider, startedAt] = [new LineDivider(), systemClock.wallTime() - total];
  for (let first = 0; first < total; first += 5000) {
    const numbers = Array.from({ length: Math.min(5000, total - first) }, (_, offset) => first + offset);
    const divided = numbers.map((number) => divider.divide(storedLine(number, startedAt + number).line));
    store.append(divided.flatMap((line) => (line === null ? [] : [{ line, standsFor: 1 }])));
    store.maintain();
  }
  store.close();
}

async function browse(): Promise<void> {
  const edge = await startFromYaml(
    `upstreams: { shop: "127.0.0.1:9" }\nstore: { path: ${join(work, 'store')}, keep: { age: 30d, size: 4GiB } }\n`,
  );
  const spec = {
    socket: null,
    listen: { host: '127.0.0.1', port: 0 },
    tokens: [{ name: 'bench', hash: hashOfToken(token), role: 'operate' }],
    hosts: [],
  } as const;
  const dashboard = { folder: join(work, 'dashboard'), random: systemRandom };
  const admin = await startAdminServer({ gateway: edge.gateway, spec, clock: systemClock, dashboard });
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, `http://127.0.0.1:${admin.address?.port}/#/requests`, token);
    await page.locator('[data-row]').first().waitFor();
    console.log(`exchanges ${total}`);
    await measure(page, edge, await page.context().newCDPSession(page));
  } finally {
    await browser.close();
    await admin.close();
    await edge.stop();
  }
}

async function measure(page: Page, edge: YamlGateway, session: CDPSession): Promise<void> {
  const before = await heapMegabytes(session);
  const run = (script: string): Promise<number> => page.evaluate<number>(script);
  await repeated('next page', pages, () => run(nextPage));
  await repeated('back to rows that were released', rounds, (round) => run(jumpTo(round % 2 === 0 ? 0.1 : 0.6)));
  const [after, rows] = [await heapMegabytes(session), await page.locator('.request-list tr').count()];
  for (const query of queries) await repeated(query === '' ? 'all' : query, rounds, () => run(search(query)));
  await run(search(''));
  await page.getByRole('button', { name: 'Follow' }).click();
  await repeated('a new request while they are followed', rounds, async (round) => {
    const path = `/followed-${round}`;
    await edge.get(path);
    return run(timed('', `document.querySelector('.request-list')?.innerText.includes('${path}') === true`));
  });
  await repeated('the requests of a time that was dragged out', rounds, async () => {
    await dragOut(page);
    return run(timed(`document.querySelector('.selection a').click()`, isSeen));
  });
  console.log(`memory of the page: ${before} MB at first, ${after} MB after ${pages} pages; ${rows} rows drawn`);
}

/** Prints the percentiles of what `act` returns. */
async function repeated(name: string, count: number, act: (round: number) => Promise<number>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) times.push(await act(round));
  const late = times.filter(Number.isNaN).length;
  const sorted = times.filter((ms) => !Number.isNaN(ms)).toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0);
  const missed = late === 0 ? '' : `, ${late} of ${count} not within ${limitMs / 1000} s`;
  console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms${missed}`);
}

async function heapMegabytes(session: CDPSession): Promise<string> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return (usedSize / 1e6).toFixed(1);
}

/** Of the last ten minutes the newer half. */
async function dragOut(page: Page): Promise<void> {
  await page.evaluate(`location.hash = '#/timeline'`);
  const box = await page
    .getByRole('img', { name: /^Requests per second/ })
    .locator('.u-over')
    .boundingBox();
  if (box === null) throw new Error('the timeline has no chart');
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 2, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.locator('.selection a').first().waitFor();
}

const limitMs = 20_000;

/** Runs in the page: the milliseconds until `isThere` holds in a frame; NaN after `limitMs`. */
function timed(begin: string, isThere: string): string {
  return `(async () => {
    const frame = () => document.querySelector('.request-list');
    const before = frame()?.scrollHeight ?? 0;
    const started = performance.now();
    ${begin};
    for (;;) {
      await new Promise(requestAnimationFrame);
      if (${isThere}) return performance.now() - started;
      if (performance.now() - started > ${limitMs}) return NaN;
    }
  })()`;
}

const nextPage = timed('frame().scrollTop = frame().scrollHeight', 'frame().scrollHeight > before');

/** Rows are within the frame, and none of them is still to come. */
const isSeen = `(() => {
  const box = frame()?.getBoundingClientRect();
  const isWithin = (row) => { const { top } = row.getBoundingClientRect(); return top >= box.top && top < box.bottom; };
  return box !== undefined && [...frame().querySelectorAll('[data-row]')].some(isWithin) && frame().querySelector('td.quiet[colspan]') === null;
})()`;

function jumpTo(share: number): string {
  return timed(`frame().scrollTop = frame().scrollHeight * ${share}; await new Promise(requestAnimationFrame)`, isSeen);
}

/** From a search that finds nothing, so that the rows are those of the query. */
function search(query: string): string {
  const show = (text: string): string =>
    `location.hash = ${JSON.stringify(`#/requests?query=${encodeURIComponent(text)}`)}`;
  const nothing = `frame() === null && document.body.innerText.includes('No stored request')`;
  return `${timed(show('path:/nothing-has-this'), nothing)}.then(() => ${timed(show(query), isSeen)})`;
}

requireBrowser();
try {
  fillStore(join(work, 'store'));
  await buildDashboard(join(work, 'dashboard'));
  await browse();
} finally {
  rmSync(work, { recursive: true, force: true });
}
