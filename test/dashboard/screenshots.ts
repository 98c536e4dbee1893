import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { requireBrowser } from '../require-browser.ts';
import { snakeCased } from '#failures/json-case.ts';
import { FailingShop, tokens } from './failing-shop.ts';
import { openBrowser, openPage, type Screen, screens, signIn } from './page-browser.ts';
import { sampleCost } from '../fakes/sample-usage.ts';
import { sampleReleases } from './sample-releases.ts';
import { sampleUsageSeries } from './sample-usage-series.ts';

// Writes pictures of the pages for docs/dashboard.md; with a folder and `all` every page on every screen, for people who change them.

const [folder = join(repositoryRoot, 'docs', 'dashboard'), amount] = process.argv.slice(2);
const [desktop, , , phone] = screens;

const shown: readonly (readonly [name: string, hash: string, screen: Screen])[] = [
  ['now', '#/now', desktop],
  ['timeline', '#/timeline', desktop],
  ['request', '#/requests', desktop],
  ['now-phone', '#/now', phone],
  ['releases', '#/releases', desktop],
  ['resources', '#/resources?range=24h', desktop],
  ['configuration', '#/configuration', desktop],
];
const hashes = [
  ...[
    'now',
    'timeline',
    'requests',
    'request',
    'upstreams',
    'routes/shop',
    'applications',
    'releases',
    'resources',
    'configuration',
    'configuration/3',
    'configuration?from=1&to=2',
  ],
  ...['maintenance', 'audit', 'incidents/1', 'requests?query=path:/nothing', 'requests?query=statsu:1', 'login'],
];
const every = screens.flatMap((screen) =>
  hashes.map((hash) => [`${hash.replace(/\W/g, '-')}-${screen.name.replace(', ', '-')}`, `#/${hash}`, screen] as const),
);

requireBrowser();
const work = mkdtempSync(join(tmpdir(), 'candor-screenshots-'));
await buildDashboard(join(work, 'dashboard'));
const shop = await FailingShop.start(join(work, 'dashboard'));
const browser = await openBrowser();
try {
  mkdirSync(resolve(folder), { recursive: true });
  // So that the charts have more than one step.
  for (let step = 0; step < (amount === 'all' ? 1 : 5); step++) {
    await shop.fail(5 + step);
    if (amount !== 'all') await sleep(9000);
  }
  if (amount === 'all') await shop.reconfigure();
  for (const [name, hash, screen] of amount === 'all' ? every : shown) {
    if (name === 'configuration') await shop.reconfigure();
    const { page } = await openPage(browser, screen);
    // The shop runs no application.
    const releases = { json: snakeCased({ applications: sampleReleases }) };
    await page.route('**/v1/releases', (route) => route.fulfill(releases));
    await page.route('**/v1/usage?*', (route) => route.fulfill({ json: snakeCased(sampleUsageSeries()) }));
    await page.route('**/v1/cost', (route) => route.fulfill({ json: snakeCased(sampleCost) }));
    const isRequest = name.startsWith('request-') || name === 'request';
    await signIn(
      page,
      `${shop.url}${isRequest ? '#/requests?query=-shape:none upstream:search' : hash}`,
      tokens.operate,
    );
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
    if (isRequest) await page.locator('[data-row]').first().click();
    await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {});
    if (amount === 'all') await page.screenshot({ path: join(resolve(folder), `${name}.png`), fullPage: true });
    else writeFileSync(join(resolve(folder), `${name}.webp`), await picture(page));
    await page.context().close();
  }
} finally {
  await browser.close();
  await shop.close();
  rmSync(work, { recursive: true, force: true });
}

/** In a format that is small, which the library does not offer. */
async function picture(page: Page): Promise<Buffer> {
  const browser = await page.context().newCDPSession(page);
  const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  return Buffer.from(data, 'base64');
}
