import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientLimits } from '../core/configuration.ts';
import { Deadlines } from '../core/deadline.ts';
import type { Transport } from '../core/transport.ts';
import { SimulatedClock } from '../testing/testing.ts';
import { Patience } from './patience.ts';

const limits: ClientLimits = {
  headMs: 1000,
  contentMs: 2000,
  keepAliveMs: 3000,
  writeMs: 4000,
  headOctetsMax: 1000,
  fieldsMax: 10,
  targetOctetsMax: 100,
  contentOctetsMax: null,
  connectionsMax: 1,
  connectionsPerAddressMax: null,
  ipv6PrefixBits: 64,
  pipelinedMax: 16,
  headRateMin: 0,
  contentRateMin: 0,
  writeRateMin: 0,
  rateGraceMs: 10_000,
};

function waiting() {
  const clock = new SimulatedClock();
  const transport = { pendingOctets: 0 };
  const heard: string[] = [];
  const patience = new Patience(transport as Transport, limits, clock, {
    onOverdue: (awaited) => void heard.push(`${awaited} ${clock.now()}`),
    onNothingTaken: () => void heard.push(`nothing taken ${clock.now()}`),
  });
  new Deadlines(clock, 1).add(patience);
  const startedAt = clock.now();
  return { clock, transport, heard, patience, at: (ms: number) => startedAt + ms };
}

test('what is awaited has its limit, and is missed once', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('head');
  clock.advanceSync(10_000);
  assert.deepEqual(heard, [`head ${at(1000)}`]);
});

test('a limit that has passed does not come back with another', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('head');
  clock.advanceSync(1000);
  patience.watchWrite();
  clock.advanceSync(10_000);
  assert.deepEqual(heard, [`head ${at(1000)}`, `nothing taken ${at(5000)}`]);
});

test('a client that takes octets, if slowly, is not left', () => {
  const { clock, transport, heard, patience, at } = waiting();
  transport.pendingOctets = 100;
  patience.watchWrite();
  clock.advanceSync(3000);
  transport.pendingOctets = 99;
  clock.advanceSync(3000);
  assert.deepEqual(heard, []);
  clock.advanceSync(3000);
  assert.deepEqual(heard, [`nothing taken ${at(8000)}`]);
});

test('neither limit undoes the other', () => {
  const { clock, heard, patience, at } = waiting();
  patience.await('content');
  patience.watchWrite();
  patience.endWriteWatch();
  clock.advanceSync(1500);
  patience.watchWrite();
  clock.advanceSync(1000);
  assert.deepEqual(heard, [`content ${at(2000)}`]);
});

test('a client that still sends is read on, but not for ever', () => {
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

test('a client that is silent behind our last answer is left soon', () => {
  const { clock, heard, patience, at } = waiting();
  patience.linger();
  clock.advanceSync(5000);
  assert.deepEqual(heard, [`close ${at(2000)}`]);
});
