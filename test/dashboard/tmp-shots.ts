import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { snakeCased } from '#failures/json-case.ts';
import { FailingShop, tokens } from './failing-shop.ts';
import { openBrowser, openPage, screens, signIn } from './page-browser.ts';
import { sampleCost } from '../fakes/sample-usage.ts';
import { sampleUsageSeries } from './sample-usage-series.ts';
const work = mkdtempSync(join(tmpdir(), 'candor-shots-'));
await buildDashboard(join(work, 'dashboard'));
const shop = await FailingShop.start(join(work, 'dashboard'));
const browser = await openBrowser();
try {
  for (const screen of screens) {
    const { page } = await openPage(browser, screen);
    await page.route('**/v1/usage?*', (route) => route.fulfill({ json: snakeCased(sampleUsageSeries()) }));
    await page.route('**/v1/cost', (route) => route.fulfill({ json: snakeCased(sampleCost) }));
    await signIn(page, `${shop.url}#/resources?range=24h`, tokens.operate);
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached', timeout: 60_000 });
    await page.locator('canvas').first().waitFor({ timeout: 60_000 });
    await new Promise((r) => setTimeout(r, 1500));
    const name = screen.name.replace(/\W+/g, '-');
    await page.screenshot({ path: `/tmp/k-usage-shots/${name}.png`, fullPage: true });
    console.log(name);
    await page.context().close();
  }
} finally {
  await browser.close();
  await shop.close();
  rmSync(work, { recursive: true, force: true });
}
