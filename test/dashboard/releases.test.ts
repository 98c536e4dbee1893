// Only `npm run test:complete` runs this file: it rolls releases out in front of a real browser. `npm test` tests what the page
// decides beside the source, and rollouts in `test/gateway/releases.test.ts`.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import type { Gateway } from '../../src/control/gateway-status.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { withBrowser } from '../browser.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { startFromYaml, until } from '../gateway/start-from-yaml.ts';
import {
  accessibilityFindings,
  openBrowser,
  openPage,
  overflow,
  screens,
  scrolledCards,
  signIn,
} from './page-browser.ts';
import { sampleReleases } from './sample-releases.ts';

const tokens = { operate: 'candor_operates', deploy: 'candor_deploys', read: 'candor_reads' } as const;

let folder: string;
let browser: Browser;

before(
  async () => {
    if (withBrowser.skip !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'candor-releases-'));
    await buildDashboard(join(folder, 'dashboard'));
    browser = await openBrowser();
  },
  { timeout: 120_000 },
);
after(async () => {
  await browser?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function adminOf(gateway: Gateway): Promise<{ admin: AdminServer; url: string }> {
  const roles = ['operate', 'deploy', 'read'] as const;
  const spec = {
    socket: null,
    listen: { host: '127.0.0.1', port: 0 },
    tokens: roles.map((role) => ({ name: role, hash: hashOfToken(tokens[role]), role })),
    hosts: [],
  };
  const dashboard = { folder: join(folder, 'dashboard'), random: systemRandom };
  const admin = await startAdminServer({ gateway, spec, clock: systemClock, dashboard });
  return { admin, url: `http://127.0.0.1:${admin.address?.port}/` };
}

async function fits(page: Page, width: number): Promise<void> {
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.equal(await overflow(page), 0, 'the page is wider than the screen');
  if (width < 600) assert.deepEqual(await scrolledCards(page), []);
}

async function confirm(page: Page, label: string): Promise<void> {
  await page.getByRole('button', { name: `${label} …`, exact: true }).click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(await accessibilityFindings(page), []);
  await dialog.getByRole('button', { name: label, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

describe('the page Releases', withBrowser, () => {
  const gateway = new FakeGateway();
  let admin: AdminServer;
  let url: string;

  before(async () => {
    gateway.releasesNow = sampleReleases;
    gateway.rolloutOutcome = { ok: true, value: sampleReleases[0]?.rollout ?? assert.fail() };
    ({ admin, url } = await adminOf(gateway));
  });
  after(() => admin?.close());

  for (const screen of screens)
    test(`on a screen, ${screen.name}, shows a canary with what the judge has computed, fits, and axe finds nothing`, async () => {
      const { page, errors } = await openPage(browser, screen);
      await signIn(page, `${url}#/releases`, tokens.operate);
      const rollout = page.getByRole('article', { name: 'Rollout of 2026-11-27.2' });
      await rollout.getByText('gets 25 % of the requests').waitFor();
      assert.equal(await rollout.locator('[aria-current=step]').innerText(), '25 %\n24 s left');
      await rollout.getByText('7.4 of 100, from which the release is bad').waitFor();
      await rollout.getByText('412 of 1\u2009501 needed').waitFor();
      await rollout.getByText('responses with 5xx on route cart').waitFor();
      const counts = await rollout.locator('tr').last().locator('td').allInnerTexts();
      assert.deepEqual(counts, ['25 %', '412', '0', '5 (1.2 %)', '6 (1.5 %)']);
      await page.getByText('CART_LIMIT added, DATABASE_URL changed').waitFor();
      await page.getByText('candor deploy worker --from FOLDER').waitFor();
      await fits(page, screen.width);
      assert.deepEqual(errors, []);
      await page.context().close();
    });

  test('asks for each order once, and says what the last rollout of a release came to', async () => {
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, `${url}#/releases`, tokens.operate);
    gateway.calls.length = 0;
    await confirm(page, 'Promote 2026-11-27.2');
    await page.getByRole('button', { name: 'Abort 2026-11-27.2 …' }).click();
    await page.getByLabel('Why').fill('wrong build');
    await page.getByRole('dialog').getByRole('button', { name: 'Abort 2026-11-27.2' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Roll back to r2 …' }).click();
    await page.getByText('Its last rollout was aborted: 9 of 31 requests').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back to r2' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const actor = 'admin:session:operate';
    assert.deepEqual(
      gateway.calls.filter((call) => call.startsWith('rollout ')),
      [
        { kind: 'promote', application: 'shop', reason: null },
        { kind: 'abort', application: 'shop', reason: 'wrong build' },
        { kind: 'rollback', application: 'search', to: 'r2' },
      ].map((change) => `rollout ${JSON.stringify([change, actor])}`),
    );
    await page.context().close();
  });

  test('has no buttons for who may only read', async () => {
    const { page } = await openPage(browser, screens[0]);
    await signIn(page, `${url}#/releases/search`, tokens.read);
    await page.getByText('was taken back: 9 of 31 requests').waitFor();
    assert.equal(await page.getByRole('button', { name: /^(?:Promote|Abort|Roll back)/ }).count(), 0);
    assert.equal(await page.getByRole('article').count(), 1, 'one application alone');
    await page.context().close();
  });
});

const program = (version: string): string => `
const { createServer } = require('node:http');
const server = createServer((_request, response) => response.end('${version}'));
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

const yaml = `
state: ./state
store: { path: ./store }
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    readiness: { path: /, interval: 20ms }
    releases: { strategy: canary, steps: [50% 60s], bake: 300ms }
routes: [{ to: shop }]
`;

test('a release is promoted and rolled back on the page', withBrowser, async () => {
  const edge = await startFromYaml(yaml, { files: { 'server.cjs': program('one') } });
  const { admin, url } = await adminOf(edge.gateway);
  try {
    const answer = async (): Promise<string> => (await edge.get('/')).body.toString();
    await until('it serves', async () => (await answer()) === 'one');
    const path = join(edge.folder, 'two');
    mkdirSync(path);
    writeFileSync(join(path, 'server.cjs'), program('two'));
    const { page, errors } = await openPage(browser, screens[3]);
    await signIn(page, `${url}#/releases`, tokens.operate);
    await page.getByText('candor deploy shop --from FOLDER').waitFor();

    const deployed = await fetch(`${url}v1/releases/deploy`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokens.deploy}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ application: 'shop', from: { kind: 'folder', path }, name: 'two' }),
    });
    assert.equal(deployed.status, 202, await deployed.text());
    await page.locator('.conclusion').getByText('two gets 50 % of the requests').waitFor();
    for (let count = 0; count < 40; count++) await answer();
    await page.getByText(/requests of (?:r1|two) seen/).waitFor();
    await fits(page, screens[3].width);
    await confirm(page, 'Promote two');
    await page.getByText('two in force').waitFor();
    await page.getByText('r1 is warm').waitFor();
    assert.equal(await answer(), 'two');

    await confirm(page, 'Roll back to r1');
    await page.getByText('r1 in force').waitFor();
    assert.equal(await answer(), 'one');
    await page.getByText('two is warm').waitFor();
    await fits(page, screens[3].width);

    await page.goto(`${url}#/timeline`);
    await page.getByText('two is rolled out in place of r1').waitFor();
    await page.goto(`${url}#/audit`);
    await page.getByText('Rollback (shop to r1)').waitFor();
    assert.deepEqual(errors, []);
    await page.context().close();
  } finally {
    await admin.close();
    await edge.stop();
  }
});

const built = `
state: ./state
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    readiness: { path: /, interval: 20ms }
    releases: { bake: 100ms, build: sh build.sh }
routes: [{ to: shop }]
`;

test('a build is shown while it runs, and its log afterwards; one that fails says why', withBrowser, async () => {
  const edge = await startFromYaml(built, { files: { 'server.cjs': program('one') } });
  const { admin, url } = await adminOf(edge.gateway);
  const path = join(edge.folder, 'source');
  mkdirSync(path);
  const deploy = (script: string): Promise<unknown> => {
    writeFileSync(join(path, 'build.sh'), script);
    writeFileSync(join(path, 'server.cjs'), program('two'));
    const order = { application: 'shop', from: { kind: 'folder' as const, path }, name: null, strategy: null };
    return edge.gateway.deploy(order, 'the test');
  };
  try {
    await until('it serves', async () => (await edge.get('/')).status === 200);
    const { page, errors } = await openPage(browser, screens[2]);
    await signIn(page, `${url}#/releases`, tokens.read);
    await page.getByText('Never deployed').waitFor();

    const failing = deploy(
      'echo compiling; while [ ! -e ../../../go ]; do sleep 0.1; done; echo "no such module: cart"; exit 2',
    );
    await page.getByText('A release is being made · build: compiling').waitFor();
    await fits(page, screens[2].width);
    writeFileSync(join(edge.folder, 'state/go'), '');
    await failing;
    await page.getByText('The build has failed: it exited with code 2; last line: "no such module: cart".').waitFor();
    await page.getByText('Log of the build of r2').click();
    const log = page.getByLabel('Log of r2');
    await log.waitFor();
    assert.equal(
      await log.innerText(),
      'compiling\nno such module: cart\n✖ The build has failed: it exited with code 2; last line: "no such module: cart".\n',
    );
    await fits(page, screens[2].width);

    await deploy('echo compiled');
    await page.getByText('r2 in force').waitFor();
    assert.equal(await page.getByText('The build has failed').count(), 0);
    await page.getByText('Log of the build of r2').click();
    await page.getByText('✔ The build has ended with 0.').waitFor();
    await fits(page, screens[2].width);
    assert.deepEqual(errors, []);
    await page.context().close();
  } finally {
    await admin.close();
    await edge.stop();
  }
});
