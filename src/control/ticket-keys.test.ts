import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { TicketKeys } from './ticket-keys.ts';

test('ticket keys are rotated every twelve hours, and a key of the predecessor is used for what is left of its time', () => {
  const clock = new SimulatedClock();
  const changes: Uint8Array[] = [];
  const keys = new TicketKeys(clock, new SeededRandom(1), (key) => void changes.push(key));
  const first = keys.current;
  assert.equal(first.length, 48);
  keys.adopt(new Uint8Array(47), 0);
  keys.adopt(null, 0);
  assert.equal(keys.current, first);
  const adopted = new Uint8Array(48).fill(9);
  keys.adopt(adopted, 11 * 3_600_000);
  assert.equal(keys.current, adopted);
  assert.equal(keys.ageMs, 11 * 3_600_000);
  clock.advanceSync(3_600_000);
  clock.advanceSync(12 * 3_600_000);
  assert.equal(changes.length, 3);
  assert.equal(new Set([first, ...changes].map((key) => Buffer.from(key).toString('hex'))).size, 4);
});
