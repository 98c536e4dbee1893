import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import type { Clock, Instant } from './time.ts';
import { inTurns } from './turns.ts';

/** Each item takes as many milliseconds as its value. */
async function runOf(costs: readonly number[], failsAt = -1) {
  let nowMs = 0;
  const slices: number[] = [0];
  const clock: Clock = {
    now: () => nowMs as Instant,
    wallTime: () => nowMs,
    schedule: (_at, fire, subject) => {
      slices.push(0);
      queueMicrotask(() => fire(subject));
      return { cancel: () => undefined };
    },
  };
  const done: number[] = [];
  const error = await inTurns(costs.entries(), clock, ([index, cost]) => {
    if (index === failsAt) throw new Error('this item fails');
    done.push(index);
    nowMs += cost;
    slices[slices.length - 1] = (slices.at(-1) ?? 0) + cost;
  }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { done, slices, error };
}

const costs = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 });

describe('work in turns', () => {
  test('does every item once, in order, and no slice begins an item after its time is over', async () => {
    await fc.assert(
      fc.asyncProperty(costs, async (each) => {
        const { done, slices, error } = await runOf(each);
        assert.equal(error, null);
        assert.deepEqual(done, [...each.keys()]);
        // The last item of a slice may take up to 12 ms after less than 5.
        assert.ok(Math.max(...slices) < 5 + 12, `a slice of ${Math.max(...slices)} ms`);
      }),
    );
  });

  test('ends with the first item that fails', async () => {
    const { done, error } = await runOf([3, 3, 3, 3, 3], 3);
    assert.deepEqual(done, [0, 1, 2]);
    assert.match(String(error), /this item fails/);
  });
});
