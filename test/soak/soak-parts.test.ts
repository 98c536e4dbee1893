import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import type { LostRecord } from '../../src/core/record.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { refusingAddress } from '../../src/testing/testing.ts';
import { agree } from './agree.ts';
import { compareLost } from './compare-lost.ts';
import { LoadConnection, type Outcome } from './load-connection.ts';
import type { Sent } from './load-driver.ts';
import type { Entry } from './mixed-clients.ts';
import { growthOf } from './mixed-soak.ts';

// Tests of the counters that the soaks rely on: they must find what they should.

describe('a connection of the load', () => {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => behave(socket)));
  let behave: (socket: Socket) => void;
  after(() => server.close());

  const cases: readonly [what: string, kind: string, behave: (socket: Socket) => void][] = [
    ['a whole answer', 'answered', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
    ['an answer that ends with the connection', 'answered', (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nok')],
    ['a FIN before a byte', 'lost', (socket) => void socket.end()],
    ['a RST before a byte', 'lost', (socket) => void socket.resetAndDestroy()],
    ['a FIN within the head', 'cut', (socket) => void socket.end('HTTP/1.1 200 O')],
    ['a FIN within the body', 'cut', (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')],
    ['bytes after the answer', 'wrong', (socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\nmore')],
    ['bytes that are no answer', 'wrong', (socket) => void socket.end('220 mail.test\r\n')],
    ['no byte', 'silent', () => {}],
  ];

  for (const [what, kind, does] of cases) {
    test(`calls ${what} ${kind}`, async () => {
      behave = does;
      assert.equal((await askServer()).kind, kind);
    });
  }

  test('calls a connection refused if nothing listens', async () => {
    const unreachable = await refusingAddress();
    const connection = new LoadConnection(unreachable);
    assert.equal((await connection.ask(get)).kind, 'refused');
    await unreachable.close();
  });

  const get = { method: 'GET', bytes: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', timeoutMs: 300 };

  async function askServer(): Promise<Outcome> {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const connection = new LoadConnection({ host: '127.0.0.1', port });
    const outcome = await connection.ask(get);
    connection.close();
    return outcome;
  }
});

describe('the losses with a worker', () => {
  const log = (ids: readonly string[], lost: number) => ({
    exchanges: ids.map((id) => ({ id, end: 'forwarded' }) as ExchangeRecord),
    lost: [{ exchanges: lost } as LostRecord],
  });
  const sent = (id: string, kind: Sent['kind']): Sent => ({ id, kind }) as Sent;
  const all = [sent('a', 'answered'), sent('b', 'answered'), sent('c', 'lost'), sent('d', 'cut'), sent('e', 'lost')];
  const seen = new Map([
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['d', 1],
  ]);

  test('are the requests without a record that the origin had, and those that were answered and not recorded', () => {
    for (const [lost, broken] of [
      [2, 1],
      [3, 0],
      [4, 0],
      [5, 1],
    ] as const) {
      assert.equal(compareLost(all, seen, log(['a'], lost)).broken.length, broken, `${lost} by the lost records`);
    }
  });

  test('include no recorded request, and no request is recorded twice', () => {
    const { broken } = compareLost(all, seen, log(['a', 'b', 'b', 'x'], 2));
    assert.deepEqual(broken, ['1 exchanges were recorded twice', '1 records are of requests that no client has sent']);
  });
});

describe('counters, log and clients', () => {
  const entry = (id: string, kind: Entry['kind'], status: number | null): Entry => ({
    id,
    what: 'test',
    method: 'GET',
    kind,
    status,
    endedAt: 0,
    disturbed: false,
    note: '',
  });
  const record = (id: string, end: string, status: number | null) =>
    ({ id, end, status, method: 'GET' }) as ExchangeRecord;
  const good = {
    metrics: [
      'candor_exchanges_total{route="/",status_class="2xx",end="forwarded"} 1',
      'candor_exchanges_total{route="/",status_class="5xx",end="generated"} 1',
      'candor_exchanges_total{route="/",status_class="2xx",end="truncated"} 1',
      'candor_exchanges_total{route="/",status_class="none",end="abandoned"} 1',
      'candor_exchanges_total{route="",status_class="none",cause="gateway_fault",end="truncated"} 14',
    ].join('\n'),
    log: {
      exchanges: [
        record('a', 'forwarded', 200),
        record('b', 'generated', 502),
        record('c', 'truncated', 200),
        record('d', 'abandoned', null),
      ],
      lost: [],
    },
    entries: [
      entry('a', 'answered', 200),
      entry('b', 'answered', 502),
      entry('c', 'cut', 200),
      entry('d', 'left', null),
    ],
    seen: new Map<string, number>(),
  };

  test('agree if they count the same', () => {
    const { broken, rows } = agree(good);
    assert.deepEqual(broken, []);
    assert.deepEqual(rows['2xx'], { counters: 1, log: 1, clients: 1 });
    assert.deepEqual(rows['cut'], { counters: 1, log: 1, clients: 1 });
  });

  const disagreements: readonly [what: string, spoilt: Partial<typeof good>][] = [
    ['a counter is one ahead', { metrics: good.metrics.replace('"forwarded"} 1', '"forwarded"} 2') }],
    ['a client saw another status', { entries: [entry('a', 'answered', 204), ...good.entries.slice(1)] }],
    ['a truncated answer passed for a complete one', { entries: good.entries.with(2, entry('c', 'answered', 200)) }],
    ['a client got nothing, and the record has an answer', { entries: good.entries.with(0, entry('a', 'lost', null)) }],
    ['a request has no record', { entries: [...good.entries, entry('e', 'lost', null)] }],
    [
      'an exchange is recorded twice',
      { log: { ...good.log, exchanges: [...good.log.exchanges, record('a', 'forwarded', 200)] } },
    ],
  ];

  for (const [what, spoilt] of disagreements) {
    test(`disagree if ${what}`, () => assert.notDeepEqual(agree({ ...good, ...spoilt }).broken, []));
  }
});

test('a rising line distinguishes memory that grows from memory that comes and goes', () => {
  const samples = (bytes: (atS: number) => number) =>
    Array.from({ length: 1800 }, (_, atS) => ({ atS, residentBytes: bytes(atS), descriptors: 0 }));
  const mebibyte = 1024 * 1024;
  const flat = growthOf(
    samples((atS) => 200 * mebibyte + (atS % 60) * 0.5 * mebibyte),
    1800,
  );
  assert.ok(flat !== null && flat.grownBytes < flat.boundBytes);
  const leaking = growthOf(
    samples((atS) => 200 * mebibyte + atS * 20_000),
    1800,
  );
  assert.ok(leaking !== null && leaking.grownBytes > leaking.boundBytes, JSON.stringify(leaking));
  assert.equal(
    growthOf(
      samples(() => 1),
      60,
    ),
    null,
  );
});
