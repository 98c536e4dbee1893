import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AskedNames } from './asked-names.ts';

test('names are reported once for each batch, and a flood of names is bounded', () => {
  const names = new AskedNames(new SimulatedClock());
  assert.deepEqual(names.take(), []);
  names.noteAsked('a.test', '192.0.2.1');
  names.noteAsked('a.test', '192.0.2.1');
  assert.deepEqual(names.take(), [{ name: 'a.test', client: '192.0.2.1' }]);
  assert.deepEqual(names.take(), []);
  for (let n = 0; n < 100_000; n++) names.noteAsked(`${n}.test`, `192.0.2.${n % 255}`);
  assert.equal(names.take().length, 64);
});

test('a flood from one client, or from one prefix of IPv6, leaves room for the names of others', () => {
  const names = new AskedNames(new SimulatedClock());
  for (let n = 0; n < 100_000; n++) names.noteAsked(`${n}.test`, '192.0.2.1');
  for (let n = 0; n < 100_000; n++) names.noteAsked(`six-${n}.test`, `2001:db8::${(n % 0xffff).toString(16)}`);
  names.noteAsked('other.test', '198.51.100.1');
  assert.deepEqual([names.take().length, names.take().length], [8 + 8 + 1, 0]);
});

test('names that have a certificate are reported once a minute, also while others are asked for', () => {
  const clock = new SimulatedClock();
  const names = new AskedNames(clock);
  names.noteUsed('used.test');
  assert.deepEqual(names.take(), [{ name: 'used.test', client: null }]);
  names.noteUsed('used.test');
  names.noteAsked('a.test', '192.0.2.1');
  assert.deepEqual(names.take(), [{ name: 'a.test', client: '192.0.2.1' }]);
  clock.advanceSync(60_000);
  assert.deepEqual(names.take(), [{ name: 'used.test', client: null }]);
  for (let n = 0; n < 5000; n++) names.noteUsed(`${n}.test`);
  clock.advanceSync(60_000);
  assert.equal(names.take().length, 1024);
});
