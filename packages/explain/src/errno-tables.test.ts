import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoWordOf } from './apache/error-line.ts';
import { errnoSense } from './nginx/connect-rules.ts';

/** On Linux; on macOS and FreeBSD; on Windows. */
const senses = {
  refused: [111, 61, 10_061],
  timed_out: [110, 60, 10_060],
  unroutable: [113, 101, 65, 51, 10_065, 10_051],
  reset: [104, 54, 32, 10_054],
  missing: [2],
  backlog_full: [11, 35],
  ports_spent: [99, 49],
  descriptors_spent: [24, 23],
} as const;

for (const [sense, numbers] of Object.entries(senses)) {
  test(`numbers for "${sense}" mean the same in the logs of nginx and Apache, on every system`, () => {
    for (const number of numbers)
      assert.deepEqual([errnoSense(number), errnoWordOf(number)], [sense, sense], `${number}`);
  });
}
