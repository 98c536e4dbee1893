import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { LastRun } from './last-run.ts';

const bySignal = { code: null, signal: 'SIGTERM', outOfMemory: false } as const;

test('the end of a program that was asked to stop is not explained by the line that it happened to write last', () => {
  const run = new LastRun();
  run.exited(bySignal, 'stopping', 5 as Instant, { error: 'Error: oops' });
  assert.equal(run.ending, 'killed by SIGTERM');
  assert.equal(run.exit?.lastLine, 'Error: oops');
  assert.deepEqual(run.exit?.stopped, { replacedBy: null });
});

test('the end of a program by itself is told with its last line', () => {
  const run = new LastRun();
  run.exited(bySignal, 'ready', 5 as Instant, { error: 'Error: oops' });
  assert.equal(run.ending, 'killed by SIGTERM; last line: "Error: oops"');
  assert.equal(run.exit?.stopped, undefined);
});
