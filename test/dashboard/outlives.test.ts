// Only `npm run test:complete` runs this file: it restarts and upgrades a gateway under a real browser. `npm test` opens every
// page (`pages.test.ts`).
// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { withBrowser } from '../browser.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { GatewayProgram } from '../upgrade/gateway-program.ts';
import { openBrowser, openPage, screens, signIn } from './page-browser.ts';

// A page that stays open while the gateway is restarted or upgraded: it says so, and goes on with the same session.

const token = 'candor_of-the-person-on-call';

describe('an open page of the dashboard', withBrowser, () => {
  let folder: string;
  let browser: Browser;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-outlives-'));
      await buildDashboard(join(folder, 'dashboard'));
      browser = await openBrowser();
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Signed in, with the banners that the page shows from now on in `said`. A reload would forget them. */
  async function openAt(url: string): Promise<{ page: Page; errors: string[] }> {
    const opened = await openPage(browser, screens[0]);
    const { page } = opened;
    // A program in a test bundle has no built page of its own.
    await page.route(/\/(?:assets\/.*)?$/, (route) => {
      const path = new URL(route.request().url()).pathname;
      const file = path === '/' ? 'index.html' : path.slice(1);
      const contentType = { html: 'text/html', css: 'text/css', js: 'text/javascript' }[file.split('.').at(-1) ?? ''];
      return route.fulfill({ body: readFileSync(join(folder, 'dashboard', file)), contentType: contentType ?? '' });
    });
    await signIn(page, url, token);
    await page.getByText('live', { exact: true }).waitFor();
    await page.evaluate(`
      window.said = [];
      new MutationObserver(() => {
        const text = document.querySelector('.stale-banner')?.textContent;
        if (text) said.push(text);
      }).observe(document.body, { childList: true, subtree: true });
    `);
    return opened;
  }

  async function wentOn(page: Page): Promise<void> {
    await page.locator('.stale-banner').waitFor({ state: 'detached' });
    await page.getByText('live', { exact: true }).waitFor();
    const said = await page.evaluate<string[] | undefined>('window.said');
    assert.ok(said !== undefined, 'the page was loaded again');
    assert.match(said[0] ?? '', /^Stale since \d\d:\d\d:\d\d: the gateway does not answer/);
    assert.equal(await page.getByLabel('Token').count(), 0, 'the session has ended');
  }

  test('goes on after a restart of the gateway, and says meanwhile that it does not answer', async () => {
    const port = await freePort();
    const start = async (deployment: string): Promise<() => Promise<void>> => {
      const edge = await startFromYaml(`deployment: ${deployment}\nupstreams: { shop: "127.0.0.1:9" }\n`);
      const spec = {
        socket: null,
        listen: { host: '127.0.0.1', port },
        tokens: [{ name: 'oncall', hash: hashOfToken(token), role: 'operate' }],
        hosts: [],
      } as const;
      const state = join(folder, 'state');
      const dashboard = { folder: join(folder, 'dashboard'), random: systemRandom, stateFolder: state };
      const admin = await startAdminServer({ gateway: edge.gateway, spec, clock: systemClock, dashboard });
      return async () => {
        await admin.close();
        await edge.stop();
      };
    };
    let stop = await start('before.test');
    try {
      const { page, errors } = await openAt(`http://127.0.0.1:${port}/#/maintenance`);
      await stop();
      await page.locator('.stale-banner').waitFor();
      stop = await start('after.test');
      await page.getByRole('link', { name: 'after.test' }).waitFor();
      await wentOn(page);
      assert.equal(new URL(page.url()).hash, '#/maintenance');
      await page.getByRole('button', { name: 'Begin maintenance …' }).waitFor();
      assert.deepEqual(errors, []);
      await page.context().close();
    } finally {
      await stop();
    }
  });

  test('goes on after an upgrade of the gateway', async () => {
    const port = await freePort();
    const program = new GatewayProgram(
      `admin: { socket: '{folder}/admin.sock', listen: '127.0.0.1:${port}', tokens: { oncall: '${hashOfToken(token)}' } }\n`,
    );
    try {
      await program.serves();
      const { page } = await openAt(`http://127.0.0.1:${port}/#/now`);
      await page.getByText(`pid ${program.pid},`).waitFor();
      const { lines } = await program.upgrade();
      const { outcome, pid } = lines.at(-1) ?? {};
      assert.equal(outcome, 'done', JSON.stringify(lines));
      await page.getByText(`pid ${pid},`).waitFor();
      await wentOn(page);
      await page.context().close();
    } finally {
      await program.end();
    }
  });
});
