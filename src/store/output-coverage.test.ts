import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutputLine } from '../core/output-line.ts';
import {
  clock,
  exchangeOf,
  golden,
  numbered,
  open,
  outputOf,
  store,
  storeForEachTest,
  use,
} from './exchange-store.test-support.ts';
import { coversOutput } from './output-coverage.ts';

storeForEachTest();

const exchange = (number: number) => exchangeOf(numbered(golden[0] as string, number));
const idOf = (number: number): string => `019aa5d2-5f1c-7c3e-9f0b-${String(number).padStart(12, '0')}`;

/** Whether the store says that it has all output of the request with this number, which an instance had for 100 ms. */
const isComplete = (at: number, number = 1): boolean =>
  store.context({
    ids: [idOf(number)],
    endedAt: at + 100,
    visits: [{ instance: 'shop/1', attempt: 1, since: at, until: at + 100, ended: at + 50 }],
  }).hasAllOutput;

describe('an application is known to have printed nothing for a request', () => {
  test('once its output must have come, where the exchange is stored', () => {
    const at = clock.wallTime();
    store.append([exchange(1)], [], [outputOf('before', { at: at - 1 })]);
    assert.equal(isComplete(at), false);
    clock.advanceSync(1200);
    assert.deepEqual([isComplete(at), isComplete(at, 2)], [true, false]);
  });

  for (const [what, lines, expected] of [
    ['a line came after some that were left out', [{ at: 50, leftOut: 3 }], false],
    ['the next line came after some that were left out', [{ at: 5000, leftOut: 3 }], false],
    [
      'lines of another application were left out',
      [{ at: 50, application: 'pay', instance: 'pay/1', leftOut: 3 }],
      true,
    ],
    ['lines were left out later', [{ at: 2000 }, { at: 5000, leftOut: 3 }], true],
    [
      'it wrote to a file, which no instance is known of',
      [{ at: 900, instance: null, stream: 'file', path: 'a' }],
      false,
    ],
    ['it wrote to a file later', [{ at: 5000, instance: null, stream: 'file', path: 'a' }], true],
  ] as const)
    test(`${expected ? 'also' : 'but not'} where ${what}`, () => {
      const at = clock.wallTime();
      const more = lines.map((one): OutputLine => outputOf('line', { ...one, at: at + one.at }));
      store.append([exchange(1)], [], [outputOf('before', { at: at - 1 }), ...more]);
      clock.advanceSync(10_000);
      assert.equal(isComplete(at), expected);
    });

  test('but not where the lines of that time were deleted', () => {
    store.close();
    use(open({ keepBytes: 2 ** 21 }));
    const began = clock.wallTime();
    store.append([exchange(1)], [], [outputOf('first', { at: began - 1 })]);
    clock.advanceSync(10_000);
    assert.equal(isComplete(began), true);
    const late = began + 400_000;
    const many = Array.from({ length: 400 }, (_, n) => outputOf('x'.repeat(500), { at: began + n * 1000 }));
    store.append([exchange(2)], [], many);
    clock.advanceSync(500_000);
    assert.deepEqual([isComplete(began), isComplete(late, 2)], [false, true]);
  });
});

describe('files have all output since a request began', () => {
  const files = (...all: readonly (readonly [number: number, ReturnType<typeof coverage>])[]) =>
    all.map(([number, found]) => ({ number, coverage: () => found }));
  const coverage = (found: 'all' | 'all_since_begin' | 'some') => found;
  for (const [what, expected, from, ...all] of [
    ['where the file of its exchange has', true, 3, [4, 'some'], [3, 'all'], [2, 'some']],
    ['where an earlier one has the rest', true, 3, [3, 'all_since_begin'], [2, 'all'], [1, 'some']],
    ['where there was none before', true, 2, [2, 'all_since_begin'], [1, 'all_since_begin']],
    ['but not where an earlier one was deleted', false, 3, [3, 'all_since_begin']],
    ['but not where one between is damaged', false, 3, [3, 'all_since_begin'], [1, 'all']],
    ['but not where an earlier one lacks lines', false, 3, [3, 'all_since_begin'], [2, 'some']],
    ['but not where the file of its exchange has gone', false, 3, [4, 'all'], [2, 'all']],
  ] as const)
    test(what, () => assert.equal(coversOutput(files(...all), from), expected));
});
