// Only `npm run test:complete` runs this file: it looks for markup on every page in a real browser. `npm test` opens every page
// under the policy that forbids scripts (`pages.test.ts`, `build.test.ts`).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { buildDashboard } from '../../scripts/dashboard.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { withBrowser } from '../browser.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { openBrowser, openPage, screens, signIn } from './page-browser.ts';

// Whatever clients, applications, health documents, operators and configurations write: the pages show it as text.

const token = 'candor_of-the-person-on-call';
const script = '<img src=//elsewhere.test/x onerror=window.executed=1><script>window.executed=1</script>';
const encoded = encodeURIComponent(script);

/** Prints markup with the id of each request and without one, and dies of POST /die with markup as its last words. */
const application = `
const { createServer } = require('node:http');
const script = ${JSON.stringify(script)};
createServer((request, response) => {
  if (request.url.startsWith('/orders')) {
    console.log(script + ' request_id=' + request.headers['x-request-id']);
    console.error(script + ' without an id');
    response.statusCode = 500;
  }
  if (request.url !== '/die') return response.end(script);
  console.error('FATAL ' + script);
  process.exit(7);
}).listen(process.env.PORT, process.env.HOST);
`;

const configuration = (ill: string): string => `
# ${script}
applications:
  app:
    command: ["${process.execPath}", "-e", ${JSON.stringify(application)}]
    readiness: { path: /healthz, interval: 50ms, passes: 1 }
upstreams:
  ill: { endpoints: "${ill}", check: { path: /healthz, interval: 1s } }
routes:
  - { id: ill, path: /ill, to: ill }
  - { id: app, path: /, to: app }
store: { path: ./store }
log: { path: none, headers: [user-agent, x-note] }
`;

describe('markup in what the dashboard shows', withBrowser, () => {
  let folder: string;
  let origin: Server;
  let edge: YamlGateway;
  let admin: AdminServer;
  let browser: Browser;
  let page: Page;
  let url: string;
  let errors: string[];
  const elsewhere: string[] = [];
  let failures: readonly ExchangeRecord[] = [];

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-markup-'));
      await buildDashboard(join(folder, 'dashboard'));
      origin = await startIllOrigin();
      const yaml = configuration(`127.0.0.1:${(origin.address() as AddressInfo).port}`);
      edge = await startFromYaml(yaml, { keepsText: true });
      const tokens = [{ name: 'oncall', hash: hashOfToken(token), role: 'operate' }] as const;
      const spec = { socket: null, listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
      const dashboard = { folder: join(folder, 'dashboard'), random: systemRandom };
      admin = await startAdminServer({ gateway: edge.gateway, spec, clock: systemClock, dashboard });
      url = `http://127.0.0.1:${admin.address?.port}/`;
      await until('the application serves', async () => (await edge.get('/')).status === 200, 30_000);
      await edge.reload(`${yaml}drain: { timeout: ${JSON.stringify(script)} }\n`);
      failures = await sendRequests(edge);
      browser = await openBrowser();
      ({ page, errors } = await openPage(browser, screens[0]));
      page.on('request', (request) => {
        if (!request.url().startsWith(url)) elsewhere.push(request.url());
      });
      await signIn(page, url, token);
      await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
      await page.evaluate(actions(edge));
    },
    { timeout: 180_000 },
  );
  after(async () => {
    await browser?.close();
    await admin?.close();
    await edge?.stop();
    origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page, and a text that it has when it shows what was stored; null: nothing of it is to be seen there. */
  const shown: readonly (readonly [hash: string, text: string | RegExp])[] = [
    ['#/now', 'Traffic'],
    ['#/timeline', 'What happened'],
    ['#/requests', /%3Cimg%20src%3D/],
    [`#/requests?query=${encoded}`, 'Requests'],
    [`#/requests/${encoded}`, 'Request'],
    ['#/upstreams', /<img src=/],
    [`#/upstreams/${encoded}`, /There is no upstream <img/],
    ['#/configuration', /# <img src=/],
    ['#/configuration/2', /\^ .*<img src=/],
    [`#/configuration/${encoded}`, 'Configuration'],
    ['#/maintenance', /<img src=/],
    ['#/audit', 'oncall (dashboard)'],
    [`#/incidents/${encoded}`, 'Incident'],
    [`#/${encoded}`, 'Traffic'],
  ];
  for (const [hash, text] of shown)
    test(`is text at ${decodeURIComponent(hash)}`, async () => {
      await page.goto(`${url}${hash}`);
      await page.getByText(text).first().waitFor();
      await isText();
    });

  test('is text on the pages of the incidents', async () => {
    for (const { id } of edge.gateway.incidents()) {
      await page.goto(`${url}#/incidents/${id}`);
      await page.getByRole('article').waitFor();
      await isText();
    }
  });

  test('is text on the pages of the requests, with what their application printed', async () => {
    for (const { id, path } of failures) {
      await page.goto(`${url}#/requests/${id}`);
      await page.getByText(id).first().waitFor();
      await page.locator('summary').getByText('The record').click();
      if (path === '/orders/1') {
        const output = page.getByRole('region', { name: 'Output of the application' }).first();
        await output.getByRole('row', { name: /this request <img src=/ }).waitFor();
        await output
          .getByRole('row', { name: /meanwhile <img src=/ })
          .first()
          .waitFor();
      }
      await isText();
    }
  });

  test('is text on the page of a request whose process has ended, with what the process used', async () => {
    const record = failures.find(({ path }) => path === '/die');
    assert.ok(record !== undefined);
    await until(
      'the process was looked at',
      async () => (await edge.gateway.requestContext(record)).processes.some(({ summary }) => summary !== ''),
      15_000,
    );
    await page.goto(`${url}#/requests/${record.id}`);
    const section = page
      .locator('section')
      .filter({ has: page.getByRole('heading', { name: 'Process of the application' }) });
    await section.getByRole('heading', { name: /^app\/1 pid \d+, attempt 1$/ }).waitFor();
    await section.getByText(/RSS \d+ MiB, \d+ of \d+ descriptors/).waitFor();
    await isText();
  });

  async function isText(): Promise<void> {
    const made = await page.evaluate<number>(
      `document.querySelectorAll('main :is(img, script, iframe, object)').length`,
    );
    assert.equal(made, 0, 'text has become elements');
    assert.equal(await page.evaluate('window.executed'), undefined);
    assert.deepEqual([errors, elsewhere], [[], []]);
  }
});

/** Its health document is markup. */
async function startIllOrigin(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(503, script.slice(0, 20), { 'Content-Type': 'application/health+json' });
    response.end(JSON.stringify({ status: 'fail', output: script, notes: [script], description: script }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Markup in targets, hosts and headers, of which some is refused. Returns records of each kind. */
async function sendRequests(edge: YamlGateway): Promise<readonly ExchangeRecord[]> {
  const fields = [`User-Agent: ${script}`, `X-Note: ${script}`];
  const first = await edge.get('/orders/1', fields);
  // Before it ends: what a process used is known from a look at it while it ran.
  await until(
    'the process was looked at',
    async () =>
      (await edge.gateway.requestContext(await edge.record(first))).processes.some(({ summary }) => summary !== ''),
    15_000,
  );
  const answers = [
    first,
    await edge.get(`/orders/${encoded}?q=${encoded}`, fields),
    await edge.send(`GET /${script.replaceAll(' ', '')} HTTP/1.1\r\nHost: a\r\n\r\n`),
    await edge.get('/ill', fields),
    await edge.send(`POST /die HTTP/1.1\r\nHost: a\r\nUser-Agent: ${script}\r\nContent-Length: 0\r\n\r\n`),
  ];
  await edge.send(`GET / HTTP/1.1\r\nHost: ${script}\r\n\r\n`).catch(() => null);
  const records: ExchangeRecord[] = [];
  for (const answer of answers) records.push(await edge.record(answer));
  await until('the output is stored', async () => {
    const found = await Promise.all(records.map((record) => edge.gateway.requestContext(record)));
    return found.some(({ lines, nearby }) => lines.length > 0 && nearby.length > 0);
  });
  return records;
}

/** Operators write too: the text of a maintenance and the reason of an ejection. Runs in the page, which has the session. */
function actions(edge: YamlGateway): string {
  const [endpoint] = edge.gateway.status().upstreams.find(({ id }) => id === 'ill')?.endpoints ?? [];
  const post = (operation: string, body: object): string =>
    `fetch('/v1/overlay/${operation}', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: ${JSON.stringify(JSON.stringify(body))} })`;
  return `Promise.all([
    ${post('maintenance', { route: 'ill', message: script })},
    ${post('eject', { endpoint: endpoint?.id ?? '', reason: script, force: true })},
  ]).then((answers) => { if (!answers.every(({ ok }) => ok)) throw new Error(answers.map(({ status }) => status).join()); })`;
}
