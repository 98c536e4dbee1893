import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { fail } from '#failures/failure.ts';
import { countStaleReuses } from './stale-reuses.ts';

test('counts what was closed while it was idle, and not what the endpoint has ended by an error', () => {
  const closed = { address: '10.0.0.1:80', reused: true, idleMs: 10 };
  const attempts = [
    { reused: true, failure: fail('closed_before_response', 'response', closed) },
    { reused: true, failure: fail('closed_before_response', 'response', { ...closed, goAway: 'ENHANCE_YOUR_CALM' }) },
    { reused: false, failure: fail('closed_before_response', 'response', { ...closed, reused: false }) },
  ].map((attempt) => ({ retry: null, status: 0, ...attempt }) as unknown as AttemptFacts);
  const counts = { staleReusesRetried: 0, staleReusesFailed: 0 };
  countStaleReuses({ attempts } as unknown as EndedExchange, counts);
  assert.deepEqual(counts, { staleReusesRetried: 0, staleReusesFailed: 1 });
});
