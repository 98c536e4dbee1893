import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { SeededRandom } from './seeded-random.ts';

const draw = (random: SeededRandom, count: number): number[] => Array.from({ length: count }, () => random.next());

test('the same seed gives the same numbers', () => {
  assert.deepEqual(draw(new SeededRandom(7), 20), draw(new SeededRandom(7), 20));
  assert.deepEqual(draw(new SeededRandom('7'), 20), draw(new SeededRandom(7), 20));
});

test('similar seeds give different numbers', () => {
  const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => new SeededRandom(seed).next()));
  assert.equal(firsts.size, 1000);
});

test('the first numbers are fixed, so that a change of the generator fails here', () => {
  const random = new SeededRandom('candor');
  assert.deepEqual(
    Array.from({ length: 4 }, () => random.integer(1000)),
    [882, 399, 449, 370],
  );
});

test('every number lies in [0, 1)', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => draw(new SeededRandom(seed), 200).every((n) => n >= 0 && n < 1)),
    { numRuns: 100 },
  );
});

test('numbers spread evenly over sixteen cells', () => {
  const cells = new Array<number>(16).fill(0);
  const random = new SeededRandom(1);
  for (let i = 0; i < 16_000; i++) cells[random.integer(16)]!++;
  for (const count of cells) assert.ok(Math.abs(count - 1000) < 150, cells.join(' '));
});

test('fill() sets every byte, and bytes take every value', () => {
  const bytes = new Uint8Array(8192);
  new SeededRandom(1).fill(bytes);
  assert.equal(new Set(bytes).size, 256);
});

test('fill() and next() go on where the other one stopped', () => {
  const [filling, drawing] = [new SeededRandom(4), new SeededRandom(4)];
  for (let round = 0; round < 3; round++) {
    const bytes = new Uint8Array(2); // A number takes two turns.
    filling.fill(bytes);
    assert.equal(bytes[0], Math.floor(drawing.next() * 256));
    assert.equal(filling.next(), drawing.next());
  }
});

test('a fork depends on seed and label, not on how many numbers were drawn', () => {
  const a = new SeededRandom(3);
  const b = new SeededRandom(3);
  draw(b, 10);
  assert.deepEqual(draw(a.fork('client'), 5), draw(b.fork('client'), 5));
  assert.notDeepEqual(draw(a.fork('client'), 5), draw(a.fork('origin'), 5));
});

test('pick() eventually returns every choice', () => {
  const random = new SeededRandom(1);
  const seen = new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])));
  assert.deepEqual([...seen].sort(), ['a', 'b', 'c']);
});
