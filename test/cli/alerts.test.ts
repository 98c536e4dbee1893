import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';
import type { AlertTestResult } from '../../src/core/schemas/alerts.ts';

// `candor alert list` and `candor alert test` against a gateway whose targets are set by hand.

const refused: AlertTestResult = {
  target: 'chat',
  type: 'slack',
  destination: 'hooks.slack.com',
  ok: false,
  reason: 'Slack refused it: no_service (404)',
  nextStep: 'Create the incoming webhook in Slack anew, and write its URL.',
  exchange: [
    '> POST to hooks.slack.com',
    `> {"text": "${'long '.repeat(40)}"}`,
    '< HTTP 404',
    '< \u001b[31mno_service',
  ],
  tookMs: 143,
};

let folder: string;
const gateway = new FakeGateway();
let admin: AdminServer;
let context: FakeProcessContext;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-alerts-'));
  const sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  admin = await startAdminServer({ gateway, spec: socketAlone(join(sockets, 'one.sock')), clock: systemClock });
});
beforeEach(() => {
  context = new FakeProcessContext(folder);
});
after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

test('alert list shows what waits, and exits with 1 where a target fails', async () => {
  assert.equal(await context.candor('alert', 'list'), exitCodes.failure);
  assertFits(context.stdout.text);
  assert.match(
    context.stdout.text,
    /✔ +chat slack hooks\.slack\.com: 3 sent[^]*✖ +ops [^]*2 waiting[^]*refused the connection/,
  );
});

test('alert list --json prints what the admin API answers', async () => {
  await context.candor('alert', 'list', '--json');
  const { targets } = JSON.parse(context.stdout.text) as {
    targets: { id: string; failure: { next_step: string } | null }[];
  };
  assert.deepEqual(
    targets.map(({ id, failure }) => [id, failure === null]),
    [
      ['chat', true],
      ['ops', false],
    ],
  );
});

test('alert test shows what was sent, what came back and what to do, and exits with 1', async () => {
  gateway.alertTests = [refused, { ...refused, target: 'ops', ok: true, nextStep: null, reason: 'taken' }];
  assert.equal(await context.candor('alert', 'test'), exitCodes.failure);
  assertFits(context.stdout.text);
  assert.match(
    context.stdout.text,
    /✖ chat \(slack\): not accepted[^]*Create the incoming[^]*> POST to[^]*< HTTP 404[^]*✔ ops/,
  );
  assert.ok(!context.stdout.text.includes('\u001b[31m'));
  assert.ok(gateway.calls.includes('testAlerts null'));
});

test('alert test of one target exits with 0 where it is accepted', async () => {
  gateway.alertTests = [{ ...refused, ok: true, nextStep: null }];
  assert.equal(await context.candor('alert', 'test', 'chat', '--json'), exitCodes.ok);
  assert.ok(gateway.calls.includes('testAlerts chat'));
  assert.equal((JSON.parse(context.stdout.text) as { results: unknown[] }).results.length, 1);
});

test('alert test of a target that does not exist names those that there are', async () => {
  gateway.alertTests = null;
  assert.equal(await context.candor('alert', 'test', 'nobody'), exitCodes.not_found);
  assert.match(context.stderr.text, /No target of alerts is called nobody; there is chat, ops/);
});

test('check --strict prints the advice of the running gateway for timeouts that the file has too', async () => {
  const socket = join(folder, `candor-${userInfo().uid}`, 'one.sock');
  const { statusNow } = gateway;
  gateway.statusNow = { ...statusNow, source: join(folder, 'candor.yaml') };
  const write = (limit: string): void =>
    writeFileSync(
      join(folder, 'candor.yaml'),
      `admin: { socket: ${socket} }\nupstreams: { app: "127.0.0.1:1" }\nroutes: [{ path: /search, to: app, timeouts: { response_head: ${limit} } }]\n`,
    );
  write('60s');
  assert.equal(await context.candor('check', '--strict'), exitCodes.failure, context.stderr.text);
  assert.match(context.stdout.text, /is valid\.\n[^]*`response_head` of \/search \(60s\)[^]*Set `timeouts/);
  write('1s');
  assert.equal(await context.candor('check', '--strict'), exitCodes.ok);
  assert.doesNotMatch(context.stderr.text, /An incident is open/);
  gateway.statusNow = { ...gateway.statusNow, incidents: [{ id: 1 } as never] };
  assert.equal(await context.candor('check', '--strict'), exitCodes.ok);
  assert.match(context.stderr.text, /An incident is open: which timeouts fit is said again an hour after its end/);
  rmSync(join(folder, 'candor.yaml'));
  gateway.statusNow = statusNow;
});

test('a gateway without targets says which key names them', async () => {
  const { statusNow } = gateway;
  gateway.statusNow = { ...statusNow, alerts: [] };
  assert.equal(await context.candor('alert', 'test'), exitCodes.refused);
  assert.match(context.stderr.text, /The configuration has no targets/);
  assert.equal(await context.candor('alert', 'list'), exitCodes.ok);
  gateway.statusNow = statusNow;
});
