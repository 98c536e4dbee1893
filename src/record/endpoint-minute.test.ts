import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { EndpointMinute } from './endpoint-minute.ts';

function outcomes(endpoint: string, successes: number, latencyMs: number, failures = 0): EndpointOutcomes {
  return { upstream: 'api', endpoint, state: 'healthy', successes, latencyMs, failures } as unknown as EndpointOutcomes;
}

test('the last minute of an endpoint has what was answered and failed, and how long answers took', () => {
  const clock = new SimulatedClock();
  const minute = new EndpointMinute(clock);
  minute.add([outcomes('a', 3, 30), outcomes('b', 0, 0, 2)]);
  clock.advanceSync(30_000);
  minute.add([outcomes('a', 1, 50)]);
  assert.deepEqual(minute.of('a'), { answered: 4, failed: 0, meanMs: 20 });
  assert.deepEqual(minute.of('b'), { answered: 0, failed: 2, meanMs: null });
  assert.deepEqual(minute.of('c'), { answered: 0, failed: 0, meanMs: null });
  clock.advanceSync(31_000);
  assert.deepEqual(minute.of('a'), { answered: 1, failed: 0, meanMs: 50 });
  clock.advanceSync(60_000);
  assert.deepEqual(minute.of('a'), { answered: 0, failed: 0, meanMs: null });
});
