import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { currentDashboard } from '../../scripts/dashboard.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { withBrowser } from '../browser.ts';
import { FailingShop, tokens } from './failing-shop.ts';
import {
  accessibilityFindings,
  openBrowser,
  openPage,
  overflow,
  screens,
  scrolledCards,
  signIn,
} from './page-browser.ts';

// The dashboard in a real browser, of a real gateway whose upstreams fail.

/** Each page, and a text that it has when it is complete. */
const pages: readonly (readonly [hash: string, text: string])[] = [
  ['#/now', 'last 10 min'],
  ['#/timeline', 'What happened'],
  ['#/routes/payments', 'Objective: 99.9 % without failure'],
  ['#/routes/orders', 'api_keys missing ('],
  ['#/requests?query=-shape%3Anone&by=client', 'requests that match, by client'],
  ['#/upstreams', 'attempts in the last minute'],
  ['#/applications', 'It refuses connections'],
  ['#/releases', 'runs no application'],
  ['#/configuration', 'candor.yaml:'],
  ['#/configuration/3', '^ '],
  ['#/configuration?from=1&to=2', 'response_head: 20s'],
  ['#/maintenance', 'What wins over the configuration file now'],
  ['#/audit', 'Who changed what'],
  ['#/incidents/1', 'What is known'],
];

describe('the dashboard', withBrowser, () => {
  let folder: string;
  let shop: FailingShop;
  let browser: Browser;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-pages-'));
      // Built anew only where its sources have changed; `build.test.ts` looks at what is built.
      const built = join(repositoryRoot, 'node_modules', '.cache', 'dashboard-for-tests');
      shop = await FailingShop.start(await currentDashboard(built));
      await shop.reconfigure();
      await shop.fail();
      browser = await openBrowser();
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await browser?.close();
    await shop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // One of them with `npm test`: a phone, whose pages are the narrowest.
  for (const screen of sampled(screens, 4, 2)) {
    describe(`on a screen: ${screen.name}`, () => {
      let page: Page;
      let errors: string[];
      before(async () => {
        ({ page, errors } = await openPage(browser, screen));
        await signIn(page, shop.url, tokens.operate);
      });
      after(() => page?.context().close());

      for (const [hash, text] of pages) {
        test(`${hash} is complete, fits, and axe finds nothing`, async () => {
          await page.goto(`${shop.url}${hash}`);
          await page.getByText(text).first().waitFor();
          assert.deepEqual(await accessibilityFindings(page), []);
          assert.equal(await overflow(page), 0, 'the page is wider than the screen');
          if (screen.width < 600) assert.deepEqual(await scrolledCards(page), []);
          assert.deepEqual(errors, []);
        });
      }

      test('the page of a request shows what the gateway knew, and what it could not parse', async () => {
        await page.goto(`${shop.url}#/requests/${await shop.garbageId()}`);
        await page.getByRole('heading', { name: 'At that moment' }).waitFor();
        await page.getByText('of 1 ready').waitFor();
        await page.getByRole('link', { name: 'Configuration 2' }).waitFor();
        await page.getByLabel('Bytes of attempt').first().getByText('53 53 48 2d 32 2e 30').waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        assert.deepEqual(errors, []);
      });

      test('the page of a request shows what an application printed meanwhile, and axe finds nothing', async () => {
        const text = 'TypeError: x is undefined';
        const of = { application: 'shop', instance: 'shop/1', pid: 1, stream: 'stderr', path: null };
        const line = { kind: 'output', at: new Date().toISOString(), ...of, text, left_out: 0 };
        await page.route('**/v1/context/**', async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), nearby: [line] } });
        });
        // Once this page is seen, the next one asks again: the one before may have been the same.
        await page.goto(`${shop.url}#/requests`);
        await page.getByRole('heading', { name: 'Requests', level: 1 }).waitFor();
        await page.goto(`${shop.url}#/requests/${await shop.garbageId()}`);
        await page.getByText(text).waitFor();
        await page.unroute('**/v1/context/**');
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
      });

      test('the page of applications shows jobs, and axe finds nothing', async () => {
        const run = { run: 2, state: 'failed', by: 'schedule', started_at: new Date().toISOString(), ms: 1500 };
        const job = { job: 'shop.report', failing: 'it ended with 1', missed: null, schedule: '0 3 * * *' };
        const runs = [{ ...run, output: ['no space left on device, write /var/reports/2026-11-28.csv'] }];
        const jobs = [{ ...job, next_at: new Date(Date.now() + 3_600_000).toISOString(), runs }];
        await page.route('**/v1/jobs', (route) => route.fulfill({ json: { jobs } }));
        await page.goto(`${shop.url}#/applications`);
        await page.getByText('What shop.report has printed last').click();
        await page.getByText('no space left on device').waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        const source = { application: 'shop', instance: 'shop.report', pid: null, stream: 'stdout', path: null };
        const line = {
          kind: 'output',
          at: run.started_at,
          ...source,
          text: 'no paper',
          left_out: 0,
          left_out_why: null,
        };
        const asked: string[] = [];
        await page.route('**/v1/output?*', (route) => {
          asked.push(new URL(route.request().url()).searchParams.get('query') ?? '');
          return route.fulfill({ json: { lines: [line] } });
        });
        await page.getByRole('link', { name: 'shop.report' }).click();
        await page.getByText('no paper').waitFor();
        assert.equal(asked[0], 'kind:output instance:shop.report');
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        for (const pattern of ['**/v1/jobs', '**/v1/output?*']) await page.unroute(pattern);
      });

      test('limits that refuse stand on the page Now, with the clients that they refuse most, and lead to their route', async () => {
        for (let count = 0; count < 3; count++) await shop.edge.get('/');
        await page.goto(`${shop.url}#/now`);
        const rules = page.getByRole('region', { name: 'Rules about clients' });
        await rules.getByText('visitors 2/1h by address, dry run').waitFor();
        await rules.getByText(/^127\.0\.0\.1 \(\d+\)$/).waitFor();
        await rules.getByRole('link', { name: 'shop' }).click();
        await page.getByRole('heading', { name: 'Who may enter' }).waitFor();
        await rules.getByText('127.0.0.1').waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        if (screen.width < 600) assert.deepEqual(await scrolledCards(page), []);
      });

      test('the page of the configuration shows all settings when it is asked to', async () => {
        await page.goto(`${shop.url}#/configuration`);
        await page.getByText('All settings, with defaults').click();
        await page.getByText('idle_connections_max: 256').first().waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
      });
    });
  }

  test('an incident has one next step: that of the cause with which requests fail now', async () => {
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, shop.url, tokens.read);
    const step = 'Restart the database.';
    const suspects = [{ name: 'crash', fit: 0.9, sentence: 'The database is gone.', evidence: [], next_step: step }];
    const addition = { since: new Date().toISOString(), routes: [], endpoints: [], causes: [], suspects };
    const more = { next_step: step, additions: [{ ...addition, reason: 'Also: the database is gone.' }] };
    await page.route('**/v1/incidents/1', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), ...more } });
    });
    await page.goto(`${shop.url}#/incidents/1`);
    await page.getByText(step).waitFor();
    assert.deepEqual(await page.getByText('Next step').locator('..').allInnerTexts(), [`Next step ${step}`]);
    assert.equal(await page.getByText(step).count(), 1);
    assert.deepEqual(await accessibilityFindings(page), []);
    await page.context().close();
  });

  test('who may only read sees that bytes could not be parsed, and not which', async () => {
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, shop.url, tokens.read);
    await page.goto(`${shop.url}#/requests/${await shop.garbageId()}`);
    await page.getByText('may see them').waitFor();
    assert.equal(await page.getByLabel('Bytes of attempt').count(), 0);
    await page.context().close();
  });
});
