import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { sampleCost, sampleUsage } from '../fakes/sample-usage.ts';
import { assertFits } from './golden.ts';

// `candor top` and `candor cost` against a gateway whose figures are set by hand.

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let context: FakeProcessContext;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-usage-'));
  const sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  gateway = new FakeGateway();
  gateway.usageRows = sampleUsage;
  context = new FakeProcessContext(folder);
  admin = await startAdminServer({ gateway, spec: socketAlone(join(sockets, 'one.sock')), clock: systemClock });
});
afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

test('top prints applications with their programs, workers and folders once where no terminal is', async () => {
  assert.equal(await context.candor('top'), exitCodes.ok, context.stderr.text);
  assertFits(context.stdout.text);
  assert.deepEqual(
    context.stdout.text.split('\n').map((line) => line.replace(/ +/g, ' ')),
    [
      'APPLICATION CPU MEM RST REQ/S ERR/S P50 P99',
      'shop r12 41 % 180 MiB 1 41.2 0.1 8.1 ms 61 ms',
      ' shop/1 (4711) 20 % 90 MiB',
      ' shop/2 (4712) 21 % 90 MiB',
      'shop.mail r12 2.0 % 40 MiB 0',
      ' shop.mail/1 (4720) 2.0 % 40 MiB',
      'shop (disk) 500 MiB',
      '',
      '3 programs: 43 % of a core, 220 MiB. RST: restarts of the last day',
      '',
    ],
  );
});

test('top leaves out what an application of files alone cannot have', async () => {
  type Row = (typeof sampleUsage)[number];
  const [shop] = sampleUsage;
  gateway.usageRows = [{ ...shop, release: '', cores: null, memoryBytes: 0, processes: 0, programs: [] } as Row];
  assert.equal(await context.candor('top'), exitCodes.ok, context.stderr.text);
  const [, line] = context.stdout.text.split('\n').map((one) => one.replace(/ +/g, ' '));
  assert.equal(line, 'shop 41.2 0.1 8.1 ms 61 ms');
});

test('top says that nothing runs', async () => {
  gateway.usageRows = [];
  await context.candor('top');
  assert.equal(context.stdout.text, 'No program of an application runs, and none gets requests.\n');
});

test('top --json has the figures as the API has them', async () => {
  await context.candor('top', '--json');
  const { rows } = JSON.parse(context.stdout.text) as { rows: { programs: object[]; memory_bytes: number }[] };
  assert.deepEqual([rows.length, rows[0]?.programs.length, rows[0]?.memory_bytes], [3, 2, 188_743_680]);
});

test('top sorts at s and ends at q, and leaves the last table on the terminal', async () => {
  const terminal = new FakeProcessContext(folder, { terminal: true, env: { NO_COLOR: '1' } });
  const keys: ((key: string) => void)[] = [];
  let left = 0;
  Object.assign(terminal, {
    onKey: (listener: (key: string) => void) => {
      keys.push(listener);
      return () => left++;
    },
  });
  gateway.usageRows = [...sampleUsage].reverse();
  const ended = terminal.candor('top');
  while (keys.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (const key of ['s', 's', 'q']) keys[0]?.(key);
  assert.equal(await ended, exitCodes.ok, terminal.stderr.text);
  const [, last = ''] = terminal.stdout.text.split('\u001b[?25h\u001b[?1049l');
  assert.match(last, /Sorted by memory/);
  assert.ok(last.indexOf('shop r12') < last.indexOf('shop.mail r12'), last);
  assert.equal(left, 1);
});

test('cost prints what was used, what it costs, and what the month will cost', async () => {
  assert.equal(await context.candor('cost'), exitCodes.ok, context.stderr.text);
  assertFits(context.stdout.text);
  const text = context.stdout.text.replace(/ +/g, ' ');
  assert.match(text, /^From \d{4}-\d\d-01 00:00 to .* UTC; measured since 2026-11-04 10:00\.$/m);
  assert.match(text, /^6\.49 EUR a month is divided by CPU and memory: 5\.11 EUR for this time\.$/m);
  assert.match(text, /^shop 5\.51 EUR$/m);
  assert.match(text, /^ to clients 38\.2 GB at 0\.01: 0\.38 EUR$/m);
  assert.match(text, /^ CPU 102\.4 CPU-hours$/m);
  assert.match(text, /^ worker mail 4\.3 CPU-hours 21\.7 GB-hours$/m);
  assert.match(text, /^By the end of 2026-11: the cost about 6\.12 EUR, from 6\.05 EUR to 6\.19 EUR\.$/m);
});

test('cost without prices shows quantities, and says how to price them', async () => {
  gateway.cost = {
    ...sampleCost,
    ...{ currency: null, fixed: null, total: null, forecasts: [] },
    applications: sampleCost.applications.map((one) => ({
      ...one,
      ...{ cost: null, fixed: null },
      items: one.items.map((item) => ({ ...item, price: null, cost: null })),
    })),
  };
  await context.candor('cost', '--since', '7d');
  assertFits(context.stdout.text);
  assert.match(context.stdout.text.replace(/\s+/g, ' '), /Nothing has a price\. `prices` in the configuration/);
  assert.match(context.stdout.text, /No forecast yet/);
});

for (const [what, flags, says] of [
  ['two beginnings', ['--month', '--since', '7d'], /two beginnings/],
  ['a time that cannot be read', ['--since', 'soon'], /since is a time ago/],
] as const)
  test(`cost refuses ${what}`, async () => {
    assert.equal(await context.candor('cost', ...flags), exitCodes.usage);
    assert.match(context.stderr.text.replaceAll('\n', ' '), says);
  });
