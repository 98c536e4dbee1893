import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RepeatedFailures } from './event-lines.ts';

interface Run {
  readonly clock: SimulatedClock;
  readonly told: string[];
  readonly failures: RepeatedFailures;
  readonly fail: (times: number, what?: Partial<ExchangeRecord>) => void;
}

function begin(): Run {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const failures = new RepeatedFailures(clock, {
    one: ({ id }) => told.push(id),
    more: (count, withinMs, { id }) => told.push(`${count} in ${withinMs}, last ${id}`),
    skipped: (count, withinMs) => told.push(`${count} not read in ${withinMs}`),
  });
  let number = 0;
  const fail = (times: number, what: Partial<ExchangeRecord> = {}): void => {
    for (let at = 0; at < times; at += 1) {
      number += 1;
      const record = { shape: 'unreachable', cause: 'connect_refused', upstream: 'api', route: '/', id: `#${number}` };
      failures.note({ ...record, ...what } as ExchangeRecord);
    }
  };
  return { clock, told, failures, fail };
}

test('three failures are printed in full, and later ones are counted in one line every ten seconds while they continue', () => {
  const { clock, told, fail } = begin();
  fail(40);
  assert.deepEqual(told.splice(0), ['#1', '#2', '#3']);
  clock.advanceSync(10_000);
  assert.deepEqual(told.splice(0), ['37 in 10000, last #40']);
  fail(2);
  assert.deepEqual(told, []);
  clock.advanceSync(10_000);
  assert.deepEqual(told.splice(0), ['2 in 10000, last #42']);
  clock.advanceSync(10_000);
  fail(1);
  assert.deepEqual(told, ['#43'], 'after ten seconds without one it is news again');
});

test('failures that were not read are counted in one line every ten seconds, and at the end', () => {
  const { clock, told, failures } = begin();
  for (const count of [5, 10]) failures.skip(count);
  clock.advanceSync(10_000);
  assert.deepEqual(told.splice(0), ['15 not read in 10000']);
  clock.advanceSync(60_000);
  failures.skip(1);
  clock.advanceSync(500);
  failures.end();
  assert.deepEqual([told, clock.timersLive], [['1 not read in 500'], 0]);
});

test('a few failures in ten seconds are all printed in full', () => {
  const { clock, told, fail } = begin();
  for (let second = 0; second < 60; second += 5) {
    fail(1);
    clock.advanceSync(5000);
  }
  assert.equal(told.length, 12);
});

test('a failure with another cause or upstream is printed in full', () => {
  const { told, fail } = begin();
  fail(9);
  fail(1, { cause: 'response_head_timeout' });
  fail(1, { upstream: 'web' });
  assert.deepEqual(told, ['#1', '#2', '#3', '#10', '#11']);
});

test('end() prints the count of unprinted failures, and leaves no timer', () => {
  const { clock, told, failures, fail } = begin();
  fail(5);
  clock.advanceSync(4000);
  failures.end();
  assert.equal(told.at(-1), '2 in 4000, last #5');
  assert.equal(clock.timersLive, 0);
});
