import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { RepeatedPauses } from './repeated-pauses.ts';

/** The first second at which pauses are an incident, where so many responses are late in a second; null: never. */
function judged(lateAt: (second: number) => number, usual: number): number | null {
  const pauses = new RepeatedPauses();
  for (let second = 1; second <= 1200; second++) {
    const late = lateAt(second);
    pauses.addUsual(usual, second);
    for (let one = 0; one < late; one++) pauses.add(one % 2 === 0 ? 'cart' : 'search', 1, [], [], second);
    if (second > 300 && pauses.since(second) !== null) return second;
  }
  return null;
}

test('responses that are late now and then come together by chance, which is no pause', () => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed);
    // In some minutes they come together more often than in others.
    const share = (second: number): number => (second > 900 && second % 12 < 3 ? 0.5 : 0.02);
    assert.equal(
      judged((second) => [1, 2, 3].filter(() => random.next() < share(second)).length, 0.6),
      null,
    );
  }
});

test('beside these, pauses are found', () => {
  const found = judged((second) => (second > 600 && second % 12 === 0 ? 20 : second % 12 === 6 ? 1 : 0), 0.1);
  assert.ok(found !== null && found > 600 && found <= 660, String(found));
});
