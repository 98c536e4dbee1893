import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientLimits } from '../core/listener-spec.ts';
import { Deadlines } from '../core/deadline.ts';
import { after } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import { SimulatedClock } from '../testing/testing.ts';
import { ClientTimeouts, type Slowness } from './timeouts.ts';

const limits: ClientLimits = {
  headMs: 1000,
  bodyMs: 2000,
  keepAliveMs: 3000,
  writeMs: 4000,
  headBytesMax: 1000,
  headersMax: 10,
  targetBytesMax: 100,
  bodyBytesMax: null,
  connectionsMax: 1,
  connectionsPerAddressMax: null,
  handshakesPerSecondMax: null,
  ipv6PrefixBits: 64,
  pipelinedMax: 16,
  headRateMin: 0,
  bodyRateMin: 0,
  writeRateMin: 0,
  rateGraceMs: 10_000,
  bufferBytesMax: 134_217_728,
};

function waiting(changed: Partial<ClientLimits> = {}) {
  const clock = new SimulatedClock();
  const transport = { pendingBytes: 0, sentBytes: 0 };
  const heard: string[] = [];
  const seen = (slowness: Slowness | null): string =>
    slowness === null ? '' : ` ${slowness.bytesPerS} of ${slowness.bytesPerSMin} over ${slowness.overMs}`;
  const startedAt = clock.now();
  const client = { come: 0, kernel: 0 as number | null, looks: 0 };
  const untaken: SendQueueBytes = {
    look: (_facts, waiter) => {
      client.looks++;
      clock.schedule(after(clock.now(), 5), () => waiter.onSendQueueBytes(client.kernel), undefined);
    },
  };
  const patience = new ClientTimeouts(transport as Transport, { ...limits, ...changed }, clock, untaken, {
    bytesReceived: () => client.come,
    onOverdue: (awaited, slowness) => void heard.push(`${awaited} ${clock.now()}${seen(slowness)}`),
    onWriteStalled: (slowness) => void heard.push(`not taken ${clock.now()}${seen(slowness)}`),
  });
  new Deadlines(clock, 1).add(patience);
  return { clock, transport, client, heard, patience, at: (ms: number) => startedAt + ms };
}

test('each wait has its timeout, which fires once', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('head');
  clock.advanceSync(10_000);
  assert.deepEqual(heard, [`head ${at(1000)}`]);
});

test('a timeout that has fired does not fire again with another', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('head');
  clock.advanceSync(1000);
  patience.watchWrite();
  clock.advanceSync(10_000);
  assert.deepEqual(heard, [`head ${at(1000)}`, `not taken ${at(5000)}`]);
});

test('a client that reads slowly keeps its connection, without a minimum rate', () => {
  const { clock, transport, heard, patience, at } = waiting();
  transport.pendingBytes = 100;
  patience.watchWrite();
  clock.advanceSync(3000);
  transport.pendingBytes = 99;
  clock.advanceSync(3000);
  assert.deepEqual(heard, []);
  clock.advanceSync(3000);
  assert.deepEqual(heard, [`not taken ${at(8000)}`]);
});

test('the timeouts of receiving and sending do not reset each other', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('body');
  patience.watchWrite();
  patience.endWriteWatch();
  clock.advanceSync(1500);
  patience.watchWrite();
  clock.advanceSync(1000);
  assert.deepEqual(heard, [`body ${at(2000)}`]);
});

test('the bytes of a client that still sends after the last response are read, but not for ever', () => {
  const { clock, heard, patience, at } = waiting();
  for (let ms = 0; ms < 29_000; ms += 1000) {
    patience.linger();
    clock.advanceSync(1000);
  }
  assert.deepEqual(heard, []);
  patience.linger();
  clock.advanceSync(500);
  patience.linger();
  clock.advanceSync(3000);
  assert.deepEqual(heard, [`close ${at(30_000)}`]);
});

test('a client that is silent after the last response is closed soon', () => {
  const { clock, heard, patience, at } = waiting();
  patience.linger();
  clock.advanceSync(5000);
  assert.deepEqual(heard, [`close ${at(2000)}`]);
});

const paced = { headMs: 30_000, bodyMs: 60_000, writeMs: 60_000, rateGraceMs: 10_000 };
const slow = { ...paced, headRateMin: 200, bodyRateMin: 200, writeRateMin: 200 };

/** Every `everyMs` for `ms`. */
function drip(clock: SimulatedClock, ms: number, everyMs: number, once: () => void): void {
  for (let passed = 0; passed < ms; passed += everyMs) {
    once();
    clock.advanceSync(everyMs);
  }
}

test('a head below the minimum rate times out after the grace, with the observed rate', () => {
  const { clock, client, heard, patience, at } = waiting(slow);
  patience.awaitAtRate('head-end');
  drip(clock, 12_000, 1000, () => void (client.come += 10));
  assert.equal(heard.length, 1);
  // Ten bytes a second buy 50 ms of each.
  assert.match(heard[0] ?? '', new RegExp(`^head-end ${at(10_550)} 10 of 200 over 105\\d\\d$`));
});

test('a head at the minimum rate may take the whole head timeout', () => {
  const { clock, client, heard, patience, at } = waiting(slow);
  patience.awaitAtRate('head-end');
  drip(clock, 31_000, 500, () => void (client.come += 101));
  assert.deepEqual(heard, [`head-end ${at(30_000)}`]);
});

test('a body below the minimum rate times out although it never pauses', () => {
  const { clock, client, heard, patience } = waiting(slow);
  drip(clock, 20_000, 1000, () => {
    client.come += 20;
    if (heard.length === 0) patience.awaitAtRate('body');
  });
  assert.match(heard.join(), /^body \d+ 18 of 200 over 11\d\d\d$/);
});

test('time in which the gateway does not wait for the client does not count', () => {
  const { clock, client, heard, patience } = waiting(slow);
  for (let turn = 0; turn < 50; turn++) {
    client.come += 1000;
    patience.awaitAtRate('body');
    clock.advanceSync(4000);
    patience.await('nothing');
    clock.advanceSync(60_000);
  }
  assert.deepEqual(heard, []);
});

test('a burst pays for one full silence, and for no slow bytes after it', () => {
  const { clock, client, heard, patience } = waiting(slow);
  patience.awaitAtRate('body');
  client.come += 10_000_000;
  clock.advanceSync(59_000);
  patience.awaitAtRate('body');
  assert.deepEqual(heard, []);
  drip(clock, 80_000, 1000, () => {
    client.come += 1;
    if (heard.length === 0) patience.awaitAtRate('body');
  });
  assert.match(heard.join(), /^body \d+ [01] of 200 over 6\d\d\d\d$/);
});

test('the next request begins with the full grace', () => {
  const { clock, client, heard, patience } = waiting(slow);
  patience.awaitAtRate('body');
  clock.advanceSync(9000);
  patience.await('nothing');
  patience.await('next-request');
  clock.advanceSync(1);
  client.come = 0;
  patience.awaitAtRate('body');
  clock.advanceSync(9900);
  assert.deepEqual(heard, []);
  clock.advanceSync(200);
  assert.equal(heard.length, 1);
});

test('a body has no minimum rate once its response has begun', () => {
  const { clock, heard, patience } = waiting(slow);
  patience.awaitAtRate('body');
  clock.advanceSync(5000);
  patience.await('body');
  clock.advanceSync(50_000);
  assert.deepEqual(heard, []);
});

test('a client that reads too slowly is given up after two looks at its send queue', () => {
  const { clock, transport, client, heard, patience } = waiting(slow);
  transport.sentBytes = 3_000_000;
  transport.pendingBytes = 100_000;
  client.kernel = 2_500_000;
  patience.watchWrite();
  drip(clock, 30_000, 1000, () => void (client.kernel = (client.kernel ?? 0) - 3));
  assert.ok(client.looks === 2 || client.looks === 3, `${client.looks} looks`);
  assert.match(heard.join(), /^not taken \d+ [23] of 200 over 10\d\d\d$/);
});

test('a client is not given up for the steps in which the kernel accepts more', () => {
  const { clock, transport, client, heard, patience } = waiting(slow);
  transport.sentBytes = 3_000_000;
  transport.pendingBytes = 100_000;
  client.kernel = 2_500_000;
  patience.watchWrite();
  // 1,000 bytes a second; nothing of it is to be seen by us for more than ten minutes.
  drip(clock, 600_000, 1000, () => void (client.kernel = (client.kernel ?? 0) - 1000));
  assert.deepEqual(heard, []);
  assert.ok(client.looks > 5 && client.looks < 40, `${client.looks} looks`);
});

test('only silence counts where the send queue is unknown', () => {
  const { clock, transport, client, heard, patience } = waiting(slow);
  transport.pendingBytes = 100_000;
  client.kernel = null;
  patience.watchWrite();
  drip(clock, 100_000, 50_000, () => void (transport.pendingBytes -= 1));
  assert.deepEqual(heard, []);
});

test('a client is never given up while nothing is to be sent', () => {
  const { clock, transport, client, heard, patience } = waiting(slow);
  client.kernel = 1000;
  for (let event = 0; event < 100; event++) {
    transport.sentBytes += 1000;
    transport.pendingBytes = 100;
    patience.watchWrite();
    clock.advanceSync(200);
    transport.pendingBytes = 0;
    patience.endWriteWatch();
    clock.advanceSync(300_000);
  }
  assert.deepEqual(heard, []);
  assert.equal(client.looks, 0);
});

test('a tunnel has no minimum rate', () => {
  const { clock, transport, client, heard, patience, at } = waiting(slow);
  patience.beginTunnel();
  transport.pendingBytes = 100;
  client.kernel = 1000;
  patience.watchWrite();
  clock.advanceSync(59_000);
  assert.deepEqual(heard, []);
  clock.advanceSync(2000);
  assert.deepEqual(heard, [`not taken ${at(60_000)}`]);
});

test('a tunnel that begins with pending bytes has the whole timeout for silence', () => {
  const { clock, transport, client, heard, patience, at } = waiting(slow);
  transport.pendingBytes = 100;
  client.kernel = 1000;
  patience.watchWrite();
  patience.beginTunnel();
  clock.advanceSync(59_000);
  assert.deepEqual(heard, []);
  clock.advanceSync(2000);
  assert.deepEqual(heard, [`not taken ${at(60_000)}`]);
});
