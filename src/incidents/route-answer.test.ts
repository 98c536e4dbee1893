import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerKey, contentKindOfText } from '../core/content-kind.ts';
import { RouteAnswer } from './route-answer.ts';

const keyOf = (status: number): number => answerKey(status, 'GET', contentKindOfText('application/json'), 900, false);
const [good, denied] = [keyOf(200), keyOf(403)];
const changedS = 240;

/** The seconds after `changedS` in which the route answers otherwise than before: with 403 in place of nearly all. */
function changedSeconds(requestsPerS: (second: number) => number): readonly number[] {
  const route = new RouteAnswer(0, new Set());
  const found: number[] = [];
  for (let second = 0; second < changedS + 120; second++) {
    const count = requestsPerS(second);
    const others = second < changedS ? 0 : Math.ceil(0.8 * count);
    const counts = [good, count - others, 0x0f0f0f0f, denied, others, 0x0f0f0f0f];
    route.add(counts.slice(others === count ? 3 : 0, others === 0 ? 3 : 6), second);
    if (route.changedSince(second) !== null) found.push(second - changedS);
    route.settle(second, true);
  }
  return found;
}

test('a route that is asked every other second has changed after twelve other answers', () => {
  assert.equal(changedSeconds((second) => (second % 2 === 0 ? 1 : 0))[0], 22);
});

test('what has become usual is no change from that second on, though it was one until then', () => {
  // Slices are learnt a minute after their end: two of them make the other answers more than 5 % of all.
  assert.deepEqual(
    changedSeconds(() => 10),
    Array.from({ length: 77 }, (_, at) => 4 + at),
  );
});
