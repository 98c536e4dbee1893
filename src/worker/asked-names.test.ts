import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AskedNames } from './asked-names.ts';

test('names are reported once for each batch, and a flood of names is bounded', () => {
  const names = new AskedNames(new SimulatedClock());
  assert.deepEqual(names.take(), []);
  names.noteAsked('a.test');
  names.noteAsked('a.test');
  assert.deepEqual(names.take(), ['a.test']);
  assert.deepEqual(names.take(), []);
  for (let n = 0; n < 100_000; n++) names.noteAsked(`${n}.test`);
  assert.equal(names.take().length, 64);
});

test('names that have a certificate are reported once a minute, also while others are asked for', () => {
  const clock = new SimulatedClock();
  const names = new AskedNames(clock);
  names.noteUsed('used.test');
  assert.deepEqual(names.take(), ['used.test']);
  names.noteUsed('used.test');
  names.noteAsked('a.test');
  assert.deepEqual(names.take(), ['a.test']);
  clock.advanceSync(60_000);
  assert.deepEqual(names.take(), ['used.test']);
  for (let n = 0; n < 5000; n++) names.noteUsed(`${n}.test`);
  clock.advanceSync(60_000);
  assert.equal(names.take().length, 1024);
});
