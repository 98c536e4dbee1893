// Only `npm run test:complete` runs this file: it acts in a real browser on two screens. `npm test` opens every page
// (`pages.test.ts`), and tests what pages decide beside the source.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { withBrowser } from '../browser.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { BreakablePath } from './breakable-path.ts';
import { FailingShop, tokens } from './failing-shop.ts';
import { accessibilityFindings, openBrowser, openPage, overflow, screens, signIn } from './page-browser.ts';

// What a person does on the dashboard, and what the gateway does then. On a desktop and on a phone.

/** While requests fail, and as long as their incidents go on. */
const unwell = /failing|degraded/;

describe('what a person does on the dashboard', withBrowser, () => {
  let folder: string;
  let shop: FailingShop;
  let browser: Browser;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-actions-'));
      await buildDashboard(join(folder, 'dashboard'));
      shop = await FailingShop.start(join(folder, 'dashboard'));
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

  const entries = (): readonly string[] => shop.edge.gateway.overlay().entries.map(({ id }) => id);

  for (const screen of [screens[0], screens[3]]) {
    describe(`on a screen: ${screen.name}`, () => {
      let page: Page;
      let errors: string[];
      const open = async (hash: string, heading: string): Promise<void> => {
        await page.goto(`${shop.url}${hash}`);
        await page.getByRole('heading', { name: heading, exact: true }).first().waitFor({ state: 'attached' });
      };
      const confirm = async (button: string, done: string): Promise<void> => {
        await page.getByRole('button', { name: button }).first().click();
        const dialog = page.getByRole('dialog');
        await dialog.waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        await dialog.getByRole('button', { name: done, exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
      };

      before(async () => {
        ({ page, errors } = await openPage(browser, screen));
        await page.goto(shop.url);
      });
      after(async () => {
        await page?.context().close();
        assert.deepEqual(errors, []);
      });

      test('a wrong token is refused in words, and a right one signs in', async () => {
        await page.getByLabel('Token').fill('candor_wrong');
        assert.deepEqual(await accessibilityFindings(page), []);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByText('does not know this token').waitFor();
        await signIn(page, shop.url, tokens.operate);
        await page.getByText(unwell).first().waitFor();
        assert.match(await page.title(), /^(?:failing|degraded) · shop\.example$/);
      });

      test('the incident leads to its requests, and a request to its verdict and its attempts', async () => {
        await open('#/now', 'Incidents');
        await page
          .getByRole('article')
          .filter({ hasText: 'payments' })
          .getByRole('link', { name: 'Its requests' })
          .click();
        await page.getByText('connect_refused').first().waitFor();
        await page.locator('[data-row]').first().click();
        await page.getByRole('heading', { name: 'Verdict' }).waitFor();
        await page.getByText('Next step').waitFor();
        await page.getByRole('table', { name: 'Stages of attempt 1' }).waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0);
      });

      test('an endpoint is drained after the question, and restored', async () => {
        await open('#/upstreams/shop', 'Upstream shop');
        await confirm('Drain …', 'Drain');
        await until('the endpoint is drained', () => entries().some((id) => id.startsWith('drain:shop/')));
        await confirm('Restore drain …', 'Restore drain');
        await until('it is restored', () => entries().length === 0);
      });

      test('an endpoint is ejected for a time and a reason, both are shown, and the last one only if that is confirmed', async () => {
        await open('#/upstreams/shop', 'Upstream shop');
        const ejects = page.getByRole('button', { name: 'Eject …', exact: true });
        await until('the page shows that both are ready', async () => (await ejects.count()) === 2);
        await ejects.first().click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('For', { exact: true }).selectOption('an hour');
        await dialog.getByLabel('Why').fill('slow disk');
        assert.deepEqual(await accessibilityFindings(page), []);
        await dialog.getByRole('button', { name: 'Eject', exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
        await page.getByText(/ejected by admin:session:oncall until .*: slow disk/).waitFor();
        await page.getByRole('button', { name: 'Eject …', exact: true }).click();
        await dialog.waitFor();
        assert.equal(await dialog.getByRole('button', { name: 'Eject', exact: true }).isDisabled(), true);
        await dialog.getByLabel(/although no other endpoint is ready/).check();
        assert.deepEqual(await accessibilityFindings(page), []);
        await dialog.getByRole('button', { name: 'Eject', exact: true }).click();
        await until('both are ejected', () => entries().length === 2);
        await dialog.waitFor({ state: 'detached' });
        const restores = page.getByRole('button', { name: 'Restore eject …' });
        await until('the page shows both', async () => (await restores.count()) === 2);
        await confirm('Restore eject …', 'Restore eject');
        await until('the page shows that one is restored', async () => (await restores.count()) === 1);
        await confirm('Restore eject …', 'Restore eject');
        await until('both are restored', () => entries().length === 0);
      });

      test('the configuration that runs is shown, those before it and the refused one, with the error at its line', async () => {
        await open('#/configuration', 'Configuration');
        await page.getByRole('row', { name: /^2 active .* the test/ }).waitFor();
        await page
          .getByLabel(/^Text of configuration 2/)
          .getByText('response_head: 20s')
          .waitFor();
        await page.getByRole('link', { name: '3', exact: true }).click();
        await page.getByRole('heading', { name: 'Configuration 3' }).waitFor();
        await page.locator('.wrong').getByText('drain: { timeout: soon }').waitFor();
        await page.locator('.lines em').getByText('soon').waitFor();
      });

      test('two configurations are compared', async () => {
        await open('#/configuration', 'Configuration');
        await page.getByRole('link', { name: 'Difference of configurations 1 and 2' }).click();
        await page.locator('.diff ins').getByText('response_head: 20s').waitFor();
        assert.equal(await page.locator('.diff del').count(), 1);
        await page.getByLabel('to', { exact: true }).selectOption({ index: 1 });
        await page.locator('.diff ins').getByText('timeout: soon').waitFor();
        assert.equal(new URL(page.url()).hash, '#/configuration?from=1&to=3');
      });

      test('the gateway says which route a request would take, and what is in effect', async () => {
        await open('#/configuration', 'Configuration');
        await page.getByLabel('URL').fill('https://shop.example/pay/1');
        await page.getByLabel('Headers').fill('X-Beta: 1');
        await page.getByRole('button', { name: 'Ask' }).click();
        await page.getByText('Route payments').waitFor();
        await page.getByText(/response_head_ms \d/).waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        assert.equal(await overflow(page), 0);
        await page.getByLabel('URL').fill('nowhere');
        await page.getByRole('button', { name: 'Ask' }).click();
        await page.getByText('url is http').waitFor();
      });

      test('the timeline leads to the configuration that was applied', async () => {
        await open('#/timeline', 'Timeline');
        await page
          .getByRole('row', { name: /revision 2 is active/ })
          .getByRole('link')
          .click();
        await page.getByRole('heading', { name: 'Configuration 2' }).waitFor();
      });

      test('nothing is done if the question is cancelled', async () => {
        await open('#/upstreams/shop', 'Upstream shop');
        await page.getByRole('button', { name: 'Drain …' }).first().click();
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        assert.deepEqual(entries(), []);
      });

      test('the weight of an endpoint is changed', async () => {
        await open('#/upstreams/shop', 'Upstream shop');
        await page.getByRole('spinbutton').first().fill('3');
        await confirm('Change weight …', 'Change weight');
        await until('the weight is changed', () => entries().some((id) => id.startsWith('weight:shop/')));
        await confirm('Restore weight …', 'Restore weight');
        await until('it is restored', () => entries().length === 0);
      });

      test('maintenance begins for a route, is shown with its actor, and ends', async () => {
        await open('#/maintenance', 'Maintenance and pause');
        await page.getByLabel('Route (empty: all)').fill('payments');
        await page.getByLabel('Message for clients').fill('Back at noon.');
        await confirm('Begin maintenance …', 'Begin maintenance');
        await page
          .getByRole('row', { name: /maintenance:payments/ })
          .getByText('oncall (dashboard)')
          .waitFor();
        assert.match((await shop.edge.get('/pay/1')).body.toString(), /Back at noon/);
        await confirm('Restore …', 'Restore');
        await page.getByText('Nothing: the configuration file applies as it is.').waitFor();
      });

      test('a pause is begun; a target that is not there is said in the dialog', async () => {
        await open('#/maintenance', 'Maintenance and pause');
        await page.getByLabel('Route or upstream').fill('paymets');
        await page.getByRole('button', { name: 'Pause …' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Pause', exact: true }).click();
        await dialog.getByRole('alert').filter({ hasText: 'payments' }).waitFor();
        await dialog.getByRole('button', { name: 'Cancel' }).click();
        await page.getByLabel('Route or upstream').fill('upstream:payments');
        await confirm('Pause …', 'Pause');
        await until(
          'the pause has begun',
          () => entries().includes('pause:upstream:payments') || entries().length === 1,
        );
        await confirm('Restore …', 'Restore');
        await until('it has ended', () => entries().length === 0);
      });

      test('every action is in the audit in words, with who did it', async () => {
        await open('#/audit', 'Audit');
        const switched = page.getByRole('row', { name: /Maintenance switched on for route payments/ });
        await switched.first().getByRole('cell', { name: 'oncall (dashboard)' }).waitFor();
        await page
          .getByRole('row', { name: /Pause \(paymets\).*nothing was changed: .*paymets/ })
          .first()
          .waitFor();
      });

      test('the search completes keys and values, and finds', async () => {
        await open('#/requests', 'Requests');
        await page.getByRole('row').filter({ hasText: '/cart' }).first().waitFor();
        await page.keyboard.press('/');
        await page.locator('#query:focus').waitFor();
        await page.keyboard.type('upst');
        await page.keyboard.press('Tab');
        await page.keyboard.type('pay');
        await page.getByRole('option', { name: 'upstream:payments' }).waitFor();
        await page.keyboard.press('Tab');
        assert.equal((await page.getByLabel('Search', { exact: true }).inputValue()).trim(), 'upstream:payments');
        await page.keyboard.press('Enter');
        // What was found before stays until the answer comes.
        await page.getByRole('row').filter({ hasText: '/cart' }).first().waitFor({ state: 'detached' });
        await page.locator('tr.failed').first().waitFor();
        assert.equal(new URL(page.url()).hash, '#/requests?query=upstream%3Apayments');
      });

      test('the search completes every route, also one that is in no incident', async () => {
        await open('#/requests', 'Requests');
        await page.keyboard.press('/');
        await page.locator('#query:focus').waitFor();
        await page.keyboard.type('status:5xx route:sho');
        await page.getByRole('option', { name: 'route:shop' }).waitFor();
        assert.equal(await page.locator('#query').getAttribute('aria-expanded'), 'true');
        assert.deepEqual(await accessibilityFindings(page), []);
      });

      test('/ leads from another page to the search before the next key', async () => {
        for (const hash of ['#/now', `#/requests/${await shop.garbageId()}`]) {
          await open(hash, hash === '#/now' ? 'Now' : 'At that moment');
          const focused = await page.evaluate<string>(`new Promise((resolve) => {
            document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }));
            setTimeout(() => resolve(document.activeElement.id), 0);
          })`);
          assert.equal(focused, 'query', hash);
          await page.keyboard.type('gn?');
          assert.equal(await page.locator('#query').inputValue(), 'gn?');
        }
      });

      test('a search says that the store fails, since when and why', async () => {
        const reason = 'The store ./store cannot be used: the disk is full.';
        await page.route('**/v1/exchanges?**', async (route) => {
          const json = { exchanges: [], cursor: null, end: '0-0', timed_out: false };
          await route.fulfill({ json: { ...json, store_failing: { since: '2026-11-25T12:04:05.000Z', reason } } });
        });
        await open('#/requests?query=status%3A500', 'Requests');
        const told = await page.getByRole('alert').filter({ hasText: reason }).innerText();
        assert.match(told, /^The store fails since .*, and what is newer cannot be found yet\. /);
        assert.deepEqual(await accessibilityFindings(page), []);
        await page.unroute('**/v1/exchanges?**');
      });

      test('a mistake in the query is explained', async () => {
        await open('#/requests?query=statsu%3A502', 'Requests');
        await page.getByText(/no key statsu/).waitFor();
      });

      test('new requests are shown while they are followed', async () => {
        await open(`#/requests?query=path%3A%2Fnew-${screen.width}`, 'Requests');
        await page.getByText('No stored request matches.').waitFor();
        await page.getByRole('button', { name: 'Follow' }).click();
        await shop.edge.get(`/new-${screen.width}`);
        await page.getByText(`/new-${screen.width}`).waitFor();
      });

      test('keys lead to pages and rows, and ? lists them', async () => {
        await open('#/now', 'Now');
        await page.keyboard.press('g');
        await page.keyboard.press('u');
        await page.getByRole('heading', { level: 1, name: 'Upstreams' }).waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('n');
        await page.getByRole('link', { name: 'search', exact: true }).first().waitFor();
        await page.keyboard.press('j');
        await page.keyboard.press('j');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 1, name: /^Route / }).waitFor();
        await page.keyboard.press('?');
        await page.getByRole('dialog', { name: 'Keys' }).waitFor();
        assert.deepEqual(await accessibilityFindings(page), []);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      });

      test('colours are chosen, and stay chosen', async () => {
        const other = screen.colorScheme === 'dark' ? 'light' : 'dark';
        await page.getByLabel('Colours').selectOption(other);
        await page.reload();
        await page.getByText(unwell).first().waitFor();
        assert.equal(await page.evaluate('getComputedStyle(document.documentElement).colorScheme'), other);
        await page.getByLabel('Colours').selectOption('system');
      });

      test('the session ends when it is ended', async () => {
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByLabel('Token').waitFor();
        await page.reload();
        await page.getByLabel('Token').waitFor();
      });

      test('a session that may only read sees everything and no action', async () => {
        await signIn(page, `${shop.url}#/upstreams`, tokens.read);
        await page.getByRole('heading', { level: 1, name: 'Upstreams' }).waitFor();
        await page.getByRole('button', { name: 'Sign out' }).waitFor();
        await until(
          'no action is offered',
          async () => (await page.getByRole('button', { name: 'Drain …' }).count()) === 0,
        );
        await page.goto(`${shop.url}#/maintenance`);
        await page.getByText('may only read').waitFor();
      });
    });
  }

  test('the page says since when it is stale while the gateway does not answer, and is live again by itself', async () => {
    const path = await BreakablePath.open(Number(new URL(shop.url).port));
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, `http://127.0.0.1:${path.port}/`, tokens.operate);
    await page.getByText('live', { exact: true }).waitFor();
    path.break();
    await page
      .getByRole('alert')
      .filter({ hasText: /^Stale since \d\d:\d\d:\d\d/ })
      .waitFor();
    assert.match(await page.title(), /^unknown/);
    assert.deepEqual(await accessibilityFindings(page), []);
    path.repair();
    await page.getByText('live', { exact: true }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    await page.context().close();
    path.close();
  });

  test('a range of time is dragged out of a chart, and leads to its requests', async () => {
    const { page, errors } = await openPage(browser, screens[0]);
    await signIn(page, `${shop.url}#/timeline`, tokens.operate);
    const chart = page.getByRole('img', { name: /^Requests per second/ }).locator('.u-over');
    const box = await chart.boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('link', { name: 'Its failures' }).click();
    await page.getByText('connect_refused').first().waitFor();
    assert.match(new URL(page.url()).hash, /since%3A.*until%3A/);
    assert.deepEqual(errors, []);
    await page.context().close();
  });
});
