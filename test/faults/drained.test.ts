import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import {
  headerOf,
  type RawClient,
  type RawOutcome,
  unansweringAddress,
  type UnreachableAddress,
} from '../../src/testing/testing.ts';
import { originForTests } from '../gateway/origin-for-tests.ts';
import type { RawAnswer } from '../gateway/raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type ExpectedRow, loadExpected } from './load-expected.ts';
import { recordsIn } from '../records.ts';

// Requests in flight at a gateway that stops; `expected.md` has the result of each.

const rows = loadExpected().filter(({ whenStopping }) => whenStopping);
const origin = originForTests('ok');
const timeoutMs = 10_000;

/** The progress of each request before the drain timeout; its path is its name and method. */
const answers: Readonly<Record<string, RawAnswer>> = {
  'drained-while-held': (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  'drained-in-content': (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  'drained-in-content-until-close': (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nhalf'),
  'drained-tunnel': (socket) =>
    void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nhalf'),
};

/** Cases with an upstream of their own. */
const ownRoutes: Readonly<Record<string, string>> = {
  'drained-while-connecting': 'nobody',
  'drained-in-queue': 'full',
};

function pathOf({ name, request: { method, held } }: ExpectedRow): string {
  return `/${held ? 'held' : (ownRoutes[name] ?? 'now')}/${name}/${method}`;
}

function bytesOf(row: ExpectedRow): string {
  const { method, bodyBytes } = row.request;
  const headers = ['Accept: application/json', ...(bodyBytes > 0 ? [`Content-Length: ${bodyBytes}`] : [])];
  if (row.name === 'drained-tunnel') headers.push('Connection: Upgrade', 'Upgrade: echo/1');
  const whole = requestText(method, pathOf(row), headers, 'x'.repeat(bodyBytes));
  if (row.name === 'drained-in-upload') return whole.slice(0, -5);
  return row.name === 'drained-in-head' ? whole.slice(0, -3) : whole;
}

describe('a request in flight when the drain timeout of a stopping gateway expires', () => {
  let edge: YamlGateway;
  let unreachable: UnreachableAddress;
  const outcomes = new Map<ExpectedRow, RawOutcome>();
  let records: ExchangeRecord[] = [];

  before(async () => {
    unreachable = await unansweringAddress();
    origin.answer = ({ line }) => answers[line.split('/')[2] ?? ''] ?? null;
    edge = await startFromYaml(`
upstreams:
  app: { endpoints: "${origin.address}", check: none }
  full: { endpoints: "${origin.address}", check: none, connections: { max: 1, queue_timeout: 60s } }
  nobody: { endpoints: "${unreachable.host}:${unreachable.port}", check: none }
routes:
  - { path: /nobody, to: nobody, timeouts: { connect: 60s } }
  - { path: /full, to: full }
  - { path: /held, to: app, commit_delay: 60s }
  - { path: /, to: app, commit_delay: none }
disclosure: operator
log: { path: ./exchange.log }
`);
    const occupant = edge.connect();
    occupant.write(requestText('GET', '/full/occupant/GET'));
    await until('the only connection is in use', () => origin.requests.length === 1);
    const clients = rows.map((row): [ExpectedRow, RawClient] => [row, edge.connect()]);
    for (const [row, client] of clients) client.write(bytesOf(row));
    const seen = rows.reduce((sum, row) => sum + row.originSees.min, 1);
    await until(
      'the origin has received the requests',
      () => origin.connectionsUsed === seen && origin.requests.length === seen,
    );
    for (const [row, client] of clients) {
      if (row.end === 'truncated') assert.ok(await client.waitFor(() => client.bytes.includes('half'), timeoutMs));
    }
    await until('all requests are in flight', () => edge.counts().active === rows.length);
    const stopping = edge.gateway.stop('the test says so');
    void edge.gateway.stop('at once');
    for (const [row, client] of clients) {
      outcomes.set(row, await client.response(row.request.method, timeoutMs));
      await client.waitFor(() => client.state !== 'open', timeoutMs);
      client.close();
    }
    await stopping;
    occupant.close();
    const text = await readFile(join(edge.folder, 'exchange.log'), 'utf8');
    records = recordsIn(text);
  });
  after(async () => {
    await edge?.stop();
    await unreachable?.close();
  });

  for (const row of rows) {
    test(`expected.md:${row.line} ${row.name}: ${row.requestText}`, () => {
      const outcome = outcomes.get(row);
      assert.ok(outcome !== undefined);
      checkClient(row, outcome);
      const found = records.filter(({ path }) => path === pathOf(row));
      assert.equal(found.length, 1, 'the exchange is recorded once');
      checkRecord(row, found[0] as ExchangeRecord);
    });
  }

  test('no other exchange is recorded, and no connection or timer is left', () => {
    assert.equal(records.length, rows.length + 1);
    assert.equal(edge.gateway.status().state, 'stopped');
    assert.deepEqual(
      edge.eventsOf('drain_phase').map(({ to }) => to),
      ['draining', 'force_closing', 'drained'],
    );
  });
});

function checkClient(row: ExpectedRow, { response }: RawOutcome): void {
  assert.ok(response !== null, 'no response');
  assert.equal(response.status, row.status);
  // The bytes after a 101 are no body: the tunnel is closed by a reset.
  if (row.status !== 101) assert.equal(response.complete, row.clientSees === 'complete');
  if (row.end !== 'generated') return;
  const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
  const { cause, delivery, proxy_error: error } = problem;
  assert.deepEqual({ cause, delivery, error }, { cause: row.cause, delivery: row.delivery, error: row.error });
  assert.match(headerOf(response, 'retry-after') ?? '', /^[1-9]/);
  assert.equal(headerOf(response, 'connection'), 'close');
}

function checkRecord(row: ExpectedRow, record: ExchangeRecord): void {
  const { status, type, cause, shape, delivery, end, method } = record;
  const expected = { status: row.status, type: row.error, cause: row.cause, shape: row.shape, delivery: row.delivery };
  assert.deepEqual({ status, type, cause, shape, delivery }, expected);
  assert.deepEqual([end, method, record.stage], [row.end, row.request.method, row.tells.get('stage')]);
  assert.match(
    record.detail ?? '',
    record.kind === 'tunnel' ? /ended at once .*, and the tunnel/ : /ended at once .* while the request/,
  );
  assert.equal(record.kind, row.name === 'drained-tunnel' ? 'tunnel' : 'exchange');
  assert.deepEqual(
    record.attempts.map(({ retry_reason }) => retry_reason),
    row.attempts?.[0],
  );
}
