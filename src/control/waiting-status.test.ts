import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { awaitedStatus, isUnusual, waitingStatus } from './waiting-status.ts';

const at = 'upstream web';
const instant = (ms: number): Instant => ms as Instant;
const reports = [
  { at, for: 'response', count: 12, sinceInstant: instant(1000), newestInstant: instant(4900) },
  { at, for: 'response', count: 8, sinceInstant: instant(1400), newestInstant: instant(4950) },
  { at: 'upstream api', for: 'response', count: 1, sinceInstant: instant(0), newestInstant: instant(0) },
] as const;

test('requests that wait for a response are summed over the workers', () => {
  assert.deepEqual(awaitedStatus(at, reports, instant(5000)), { count: 20, oldestMs: 4000, newestMs: 50 });
  assert.deepEqual(waitingStatus(at, reports, instant(5000)), [{ for: 'response', count: 20, oldestMs: 4000 }]);
  assert.equal(awaitedStatus('upstream other', reports, instant(5000)), null);
});

test('a wait for a response is told only above a second and above what is usual there', () => {
  const wait = (oldestMs: number) => ({ for: 'response', count: 1, oldestMs }) as const;
  assert.equal(isUnusual(wait(900), 22), false);
  assert.equal(isUnusual(wait(4000), 22), true);
  assert.equal(isUnusual(wait(4000), null), true);
  assert.equal(isUnusual(wait(4000), 25_000), false);
  assert.equal(isUnusual({ for: 'connection', count: 1, oldestMs: 5 }, null), true);
});
