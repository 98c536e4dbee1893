import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import type { OutputLine, OutputSource } from '../../src/core/output-line.ts';
import type { StoredExchange } from '../../src/core/store-messages.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { failedRecord } from '../fakes/samples.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { renderExplanation } from '../../src/cli/explanation.ts';
import { plain } from '../../src/cli/style.ts';
import { assertFits } from './golden.ts';

// `candor logs` against a gateway whose store is set by hand.

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let context: FakeProcessContext;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-logs-'));
  const sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  gateway = new FakeGateway();
  context = new FakeProcessContext(folder);
  admin = await startAdminServer({ gateway, spec: socketAlone(join(sockets, 'one.sock')), clock: systemClock });
});
afterEach(async () => {
  context.signal('SIGINT');
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

const stored = (path: string, standsFor = 1): StoredExchange => ({ record: { ...failedRecord, path }, standsFor });
const page = (exchanges: readonly StoredExchange[], cursor: string | null = null, end = '1-9') =>
  ({ kind: 'page', exchanges, cursor, end, timedOut: false }) as const;

test('candor logs prints what matches, the newest last, within 80 columns, with the id for candor explain', async () => {
  gateway.searched = page([stored('/second', 12), stored(`/first/${'x'.repeat(200)}`)]);
  assert.equal(await context.candor('logs', 'status:5xx', 'heap', '--since', '1h'), 0);
  assert.deepEqual(gateway.searches, [{ query: 'status:5xx heap since:1h', limit: 50, cursor: null, after: null }]);
  const { text } = context.stdout;
  assertFits(text);
  assert.ok(text.indexOf('/first') < text.indexOf('/second'), text);
  assert.ok(text.includes(failedRecord.id), text);
  assert.match(text, /and 11 more like it not stored/);
  assert.ok(text.includes(`${failedRecord.id}  from ${failedRecord.client.address}\n`), text);
  assert.match(context.stderr.text, /^2 exchanges, which stand for 13 requests\. /);
});

test('candor logs and candor explain show the user of a request, and nothing that a terminal would do', async () => {
  const record = { ...failedRecord, user: `ada\u001b[31m\r\nred${'x'.repeat(200)}` };
  gateway.searched = page([{ record, standsFor: 1 }]);
  assert.equal(await context.candor('logs'), 0);
  for (const text of [context.stdout.text, renderExplanation(record, plain)]) {
    assertFits(text);
    assert.ok(text.replace(/\s+/g, ' ').includes(`from ${failedRecord.client.address} as ada redxxx`), text);
  }
});

test('candor logs --json prints one record per line, with how many it stands for', async () => {
  gateway.searched = page([stored('/one', 3)]);
  assert.equal(await context.candor('logs', '--json'), 0);
  const [line = '', ...more] = context.stdout.text.trimEnd().split('\n');
  assert.deepEqual(more, []);
  const { stands_for, ...record } = JSON.parse(line) as { stands_for: number; path: string };
  assert.equal(stands_for, 3);
  assert.equal(record.path, '/one');
});

test('candor logs says that the store fails, and since when, also with --json, and does not ask whether names are right', async () => {
  const failing = {
    since: Date.UTC(2026, 10, 25, 12, 4, 5),
    reason: 'The store ./store cannot be used: the disk is full.',
  };
  gateway.searched = { ...page([]), failing };
  const told =
    'The store fails since 2026-11-25 12:04:05 UTC, and what is newer cannot be found yet. The store ./store cannot be used: the disk is full.';
  assert.equal(await context.candor('logs', 'route:shop'), 0);
  const [first = '', ...rest] = context.stderr.text.trimEnd().split('\n');
  assert.equal(first, 'No stored exchange matches route:shop.');
  assert.equal(rest.map((line) => line.trim()).join(' '), told);
  assert.equal(gateway.searches.length, 1);

  context = new FakeProcessContext(folder);
  assert.equal(await context.candor('logs', '--json'), 0);
  assert.equal(context.stderr.text.replaceAll(/\s+/g, ' ').trim(), told);
  assert.equal(context.stdout.text, '');
});

test('candor logs --follow says once that the store begins to fail', async () => {
  const failing = { since: Date.UTC(2026, 10, 25, 12, 4, 5), reason: 'The disk is full.' };
  gateway.searchExchanges = async (search) => {
    gateway.searches.push(search);
    return gateway.searches.length === 1 ? page([]) : { ...page([]), failing };
  };
  const done = context.candor('logs', '--follow');
  await until('it has asked some times', () => gateway.searches.length > 3);
  context.signal('SIGINT');
  await done;
  assert.equal(context.stderr.text.split('The store fails since').length, 2, context.stderr.text);
});

test('candor logs takes a limit that is written with its letter, and not for a word of the query', async () => {
  gateway.searched = page([stored('/one')]);
  for (const written of [['-n1'], ['-n=1'], ['-n', '1'], ['--limit=1']]) {
    gateway.searches.length = 0;
    assert.equal(await context.candor('logs', 'status:500', ...written), 0);
    assert.deepEqual(
      gateway.searches[0],
      { query: 'status:500', limit: 1, cursor: null, after: null },
      written.join(' '),
    );
  }
  assert.equal(await context.candor('logs', 'status:500', '-n0'), exitCodes.usage);
  assert.match(context.stderr.text, /a limit is a number from 1 to 999999/);
  gateway.searches.length = 0;
  assert.equal(await context.candor('logs', '-n2b'), 0);
  assert.equal(gateway.searches[0]?.query, '-n2b');
});

test('candor logs --limit goes on by pages until it has as many', async () => {
  const pages = [page([stored('/3'), stored('/2')], '1-2'), page([], '1-1'), page([stored('/1')], null)];
  gateway.searchExchanges = async (search) => {
    gateway.searches.push(search);
    return pages[gateway.searches.length - 1] ?? page([]);
  };
  assert.equal(await context.candor('logs', '--limit', '5'), 0);
  assert.deepEqual(
    gateway.searches.map(({ cursor, limit }) => [cursor, limit]),
    [
      [null, 5],
      ['1-2', 3],
      ['1-1', 3],
    ],
  );
  assert.match(context.stderr.text, /^3 exchanges\. /);
});

const timedOut = (exchanges: readonly StoredExchange[] = []) => ({ ...page(exchanges, '1-1'), timedOut: true });

for (const [what, pages, text] of [
  [
    'is full and nothing follows',
    [page([stored('/2'), stored('/1')], '1-1'), page([])],
    /^2 exchanges\. `candor explain/,
  ],
  [
    'is full and others follow',
    [page([stored('/2'), stored('/1')], '1-1'), page([stored('/0')], '1-0')],
    /There are more/,
  ],
  ['is full and nobody knows', [page([stored('/2'), stored('/1')], '1-1'), timedOut()], /The search was not finished/],
] as const)
  test(`candor logs looks one further where a page ${what}`, async () => {
    gateway.searchExchanges = async (search) => {
      gateway.searches.push(search);
      return pages[gateway.searches.length - 1] ?? page([]);
    };
    assert.equal(await context.candor('logs', '--limit', '2'), 0);
    assert.deepEqual(
      gateway.searches.map(({ cursor, limit }) => [cursor, limit]),
      [
        [null, 2],
        ['1-1', 1],
      ],
    );
    assert.match(context.stderr.text, text);
    assertFits(context.stderr.text);
  });

for (const argv of [
  ['logs', 'route:shop'],
  ['logs', 'route:shop', '--json'],
])
  test(`candor ${argv.join(' ')} says that a search was not finished, and how to narrow it`, async () => {
    gateway.searched = timedOut();
    assert.equal(await context.candor(...argv), 0);
    assert.match(context.stderr.text, /The search was not finished: older ones may\s+match\.[^]*since:1h/);
    assert.doesNotMatch(context.stderr.text, /No stored|nothing is stored|There are more/);
    assertFits(context.stderr.text);
  });

test('candor logs --follow prints what is stored from then on, until Ctrl-C', async () => {
  gateway.searchExchanges = async (search) => {
    gateway.searches.push(search);
    if (search.after === null) return page([stored('/old')], null, '1-1');
    return search.after === '1-1' ? page([stored('/new')], null, '1-2') : page([], null, '1-2');
  };
  const running = context.candor('logs', '-f');
  await until('the new one is printed', () => context.stdout.text.includes('/new'));
  context.signal('SIGINT');
  assert.equal(await running, 0);
  assert.equal(context.stdout.text.split('/new').length, 2, 'once');
});

test('candor logs says what is wrong in a query, and where', async () => {
  gateway.searched = { kind: 'not_a_query', problem: 'there is no key code; status: is meant', at: 5 };
  assert.equal(await context.candor('logs', 'heap', 'code:502'), exitCodes.usage);
  assert.match(context.stderr.text, /The query is wrong at character 6: there is no key code; status: is meant\./);
});

test('candor logs says what to do where the gateway has no store', async () => {
  assert.notEqual(await context.candor('logs'), 0);
  assert.match(context.stderr.text, /The configuration has no store/);
});

test('candor logs says that nothing matches', async () => {
  gateway.searched = page([]);
  assert.equal(await context.candor('logs', 'nothing'), 0);
  assert.match(context.stderr.text, /No stored exchange matches nothing\./);
  assert.equal(await context.candor('logs', 'kind:output', 'nothing'), 0);
  assert.match(context.stderr.text, /No stored output matches kind:output nothing\./);
  assert.equal(context.stdout.text, '');
});

test('candor logs says of which names nothing is stored, where nothing is found', async () => {
  gateway.searchExchanges = async (search) => page(search.query === 'upstream:shop' ? [stored('/')] : []);
  assert.equal(await context.candor('logs', 'route:nix', 'upstream:shop', 'since:1h'), 0);
  assert.match(context.stderr.text, /Of route:nix nothing is stored at all/);
  assert.doesNotMatch(context.stderr.text, /Of upstream:shop/);
});

const lineOf = (text: string, second: number, more: Partial<OutputSource> = {}): OutputLine => {
  const source = { application: 'shop', instance: 'shop/1', pid: 7, stream: 'stderr', path: null, ...more } as const;
  return { at: Date.parse(failedRecord.at) + second * 1000, source, text, leftOut: 0 };
};

test('candor logs prints exchanges and lines of applications in the order of time, within 80 columns', async () => {
  gateway.searched = page([stored('/ordered')]);
  gateway.foundOutput = {
    kind: 'page',
    timedOut: false,
    lines: [{ ...lineOf(`later \u001b[31m${'x'.repeat(900)}`, 60), leftOut: 3 }, lineOf('earlier', -60)],
    cursor: null,
    end: '1-2',
  };
  assert.equal(await context.candor('logs', 'shop'), 0);
  const { text } = context.stdout;
  assertFits(text);
  assert.match(text, /err shop\/1 +earlier\n[^]*\/ordered[^]*3 lines of shop left out[^]*err shop\/1 +later/);
  assert.ok(!text.includes('\u001b'), text);
  assert.match(context.stderr.text, /^1 exchange and 2 lines of applications\. /);
});

test('candor logs prints the newest of both up to the limit', async () => {
  gateway.searched = page([stored('/ordered')]);
  gateway.foundOutput = { kind: 'page', lines: [lineOf('later', 60)], cursor: null, end: '1-2', timedOut: false };
  assert.equal(await context.candor('logs', '--limit', '1', '--json'), 0);
  const [line = '', ...more] = context.stdout.text.trimEnd().split('\n');
  assert.deepEqual(more, []);
  const { kind, text, application, left_out } = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual([kind, text, application, left_out], ['output', 'later', 'shop', 0]);
});

test('candor explain shows what applications printed about the request, before the verdict', async () => {
  gateway.records.set(failedRecord.id, { ...failedRecord, application: 'shop' });
  gateway.context = {
    ...gateway.context,
    lines: [
      lineOf(`order ${failedRecord.id}`, 0),
      lineOf(`span ${failedRecord.trace_id}`, 1),
      lineOf(`mail ${failedRecord.id}`, 66),
      lineOf(`GET /${failedRecord.id} 404`, 66, { application: 'blog', instance: 'blog/1' }),
    ],
    nearby: [lineOf('no heap', 0)],
  };
  assert.equal(await context.candor('explain', failedRecord.id), 0);
  const { text } = context.stdout;
  assertFits(text);
  const [, ...parts] = text.split('\nOUTPUT ');
  const expected = [
    /^ with the id of the request\n.*err shop\/1 +order .*\n(?:.*\n)?$/,
    /^ with the id of its trace, .*\n.*span [^]*\n$/,
    /^ printed meanwhile \(perhaps for another request\)\n.*no heap\n$/,
    /^ with an id of the request, long before or after it\n.*mail [^]* its end, with the id of the request\n$/,
    /^ of applications that had no attempt of this request, with an id of it\n.*err blog\/1 +GET [^]* 64 s after its end, with the id of the request\n\nVERDICT /,
  ];
  assert.equal(parts.length, expected.length);
  for (const [index, pattern] of expected.entries()) assert.match(parts[index] ?? '', pattern);
});

test('candor explain says what the process of the instance used, and how it ended', async () => {
  gateway.records.set(failedRecord.id, failedRecord);
  const processes = [
    {
      ...{ instance: 'shop/1', pid: 4720, attempts: [1, 2], sample: null },
      exit: {
        ...{ at: failedRecord.at, code: null, signal: 'SIGKILL', out_of_memory: true },
        ...{ stopped_by_candor: false, replaced_by: null },
      },
      summary:
        '1.2 s before the attempt ended: RSS 480 MiB, its control group uses 500 MiB of 512 MiB, 24 of 1024 descriptors',
      remarks: ['killed by the kernel because memory ran out, at the same time as the attempt ended'],
    },
  ];
  gateway.context = { ...gateway.context, processes };
  assert.equal(await context.candor('explain', failedRecord.id), 0);
  const { text } = context.stdout;
  assertFits(text);
  assert.match(text, /PROCESS [^]*shop\/1[^]* pid 4720, attempts 1 and 2\n[^]*killed by the kernel[^]*RSS 480 MiB/);
});
