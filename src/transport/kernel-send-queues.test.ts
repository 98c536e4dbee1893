import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { after, type Instant, type Timer } from '../core/time.ts';
import type { Transport, TransportFacts } from '../core/transport.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { KernelSendQueues } from './kernel-send-queues.ts';
import { type BoundListener, listen } from './listen.ts';

const facts: TransportFacts = {
  kind: 'tcp',
  remoteAddress: '192.0.2.7',
  remotePort: 50_000,
  localAddress: '127.0.0.1',
  localPort: 8080,
  tls: null,
};

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

function line(local: string, remote: string, queue: string): string {
  return `   1: ${local} ${remote} 01 ${queue}:00000000 01:00000014 00000000  1000        0 52345 2 0000000000000000 20 4 30\n`;
}

/** As a stream gives it: lines that begin in one piece and end in the next. */
function* inPieces(table: string): Generator<string, undefined> {
  for (let start = 0; start < table.length; start += 50) yield table.slice(start, start + 50);
}

const tables: readonly (readonly [what: string, place: Partial<TransportFacts>, tcp: string, tcp6: string])[] = [
  ['IPv4', {}, line('0100007F:1F90', '070200C0:C350', '00012345'), ''],
  [
    'IPv4 on a listener for both',
    {},
    '',
    line('0000000000000000FFFF00000100007F:1F90', '0000000000000000FFFF0000070200C0:C350', '00012345'),
  ],
  [
    'IPv6',
    { remoteAddress: '2001:db8::1:2', localAddress: '::1' },
    '',
    line('00000000000000000000000001000000:1F90', 'B80D0120000000000000000002000100:C350', '00012345'),
  ],
];

for (const [what, place, tcp, tcp6] of tables) {
  test(`the send queue of a connection is found in the table: ${what}`, async () => {
    const clock = new SimulatedClock();
    const other = line('0100007F:1F90', '070200C0:C351', '00000007');
    const queues = new KernelSendQueues(clock, (path) => inPieces(head + other + (path.endsWith('6') ? tcp6 : tcp)));
    const { promise, resolve } = Promise.withResolvers<number | null>();
    queues.look({ ...facts, ...place }, { onSendQueueBytes: resolve });
    await clock.advance(0);
    assert.equal(await promise, 0x12345);
  });
}

test('the send queue is unknown for a connection in no table, and on a system without tables', async () => {
  for (const table of ['', head, head + line('0100007F:1F90', '070200C0:C351', '00000007')]) {
    const clock = new SimulatedClock();
    const { promise, resolve } = Promise.withResolvers<number | null>();
    new KernelSendQueues(clock, () => inPieces(table)).look(facts, { onSendQueueBytes: resolve });
    await clock.advance(0);
    assert.equal(await promise, null);
  }
});

/** Time that also passes by work. */
class BusyClock extends SimulatedClock {
  busyMs = 0;

  override now(): Instant {
    return after(super.now(), this.busyMs);
  }

  override schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    return super.schedule(after(at, -this.busyMs), fire, subject);
  }
}

test('the tables are read once a second, however many connections wait', async () => {
  const clock = new SimulatedClock();
  let reads = 0;
  const readTable = (): Generator<string, undefined> => {
    reads++;
    return inPieces(head);
  };
  const queues = new KernelSendQueues(clock, readTable);
  let answers = 0;
  for (let second = 0; second < 5; second++) {
    for (let asked = 0; asked < 10; asked++) queues.look(facts, { onSendQueueBytes: () => void answers++ });
    await clock.advance(500);
  }
  await clock.advance(2000);
  assert.equal(answers, 50);
  assert.ok(reads <= 2 * 4, `${reads} reads`);
});

test('reading long tables takes a fiftieth of the time at most', async () => {
  const clock = new BusyClock();
  const readAt: number[] = [];
  function* readTable(path: string): Generator<string, undefined> {
    if (!path.endsWith('6')) readAt.push(clock.now());
    clock.busyMs += 20;
    yield head;
    clock.busyMs += 5;
  }
  const queues = new KernelSendQueues(clock, readTable);
  const asker = { onSendQueueBytes: (): void => queues.look(facts, asker) };
  queues.look(facts, asker);
  await clock.advance(20_000);
  const gaps = readAt.slice(1).map((at, index) => at - (readAt[index] as number));
  assert.ok(gaps.length >= 3, readAt.join());
  for (const gap of gaps) assert.equal(gap, 50 * 50);
});

test('reading stops once all connections are found', async () => {
  const clock = new SimulatedClock();
  const read: string[] = [];
  function* readTable(path: string): Generator<string, undefined> {
    try {
      read.push(path);
      yield* inPieces(head + line('0100007F:1F90', '070200C0:C350', '00000005') + head);
      read.push('end');
    } finally {
      read.push('closed');
    }
  }
  const queues = new KernelSendQueues(clock, readTable);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  queues.look(facts, { onSendQueueBytes: resolve });
  await clock.advance(0);
  assert.equal(await promise, 5);
  assert.deepEqual(read, ['/proc/self/net/tcp', 'closed']);
});

test('the bytes that a peer does not read are seen in the kernel', {
  skip: process.platform !== 'linux',
}, async () => {
  const accepted = Promise.withResolvers<Transport>();
  const listening = Promise.withResolvers<BoundListener>();
  listen(
    { host: '127.0.0.1', port: 0, sharePort: false },
    { onListening: listening.resolve, onListenFailed: assert.fail, onConnection: accepted.resolve },
  );
  const bound = await listening.promise;
  const client = connect(bound.address.port, '127.0.0.1');
  client.on('error', () => {});
  const transport = await accepted.promise;
  const piece = Buffer.alloc(1024 * 1024);
  while (transport.write(piece, 0, piece.length, 'owned'));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const clock = new SimulatedClock();
  new KernelSendQueues(clock).look(transport.facts, { onSendQueueBytes: resolve });
  await clock.advance(0);
  const untaken = await promise;
  assert.ok(untaken !== null && untaken > 10_000, `${untaken} bytes`);
  client.destroy();
  transport.close('reset');
  await bound.close();
});
