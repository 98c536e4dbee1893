import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyCellOf, latencyCells } from '../core/latency-cells.ts';
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
  const none = { p50Ms: null, p99Ms: null };
  assert.deepEqual(minute.of('a'), { answered: 4, failed: 0, meanMs: 20, ...none });
  assert.deepEqual(minute.of('b'), { answered: 0, failed: 2, meanMs: null, ...none });
  assert.deepEqual(minute.of('c'), { answered: 0, failed: 0, meanMs: null, ...none });
  clock.advanceSync(31_000);
  assert.deepEqual(minute.of('a'), { answered: 1, failed: 0, meanMs: 50, ...none });
  clock.advanceSync(60_000);
  assert.deepEqual(minute.of('a'), { answered: 0, failed: 0, meanMs: null, ...none });
});

test('percentiles are of the last minute, too', () => {
  const clock = new SimulatedClock();
  const minute = new EndpointMinute(clock);
  const latencies = Array.from({ length: latencyCells }, () => 0);
  const [fast, slow] = [latencyCellOf(10), latencyCellOf(500)];
  minute.add([{ ...outcomes('a', 100, 1000), latencies: latencies.with(fast, 98).with(slow, 2) }]);
  const { p50Ms, p99Ms } = minute.of('a');
  assert.ok(p50Ms !== null && p50Ms >= 8 && p50Ms <= 12, `${p50Ms}`);
  assert.ok(p99Ms !== null && p99Ms >= 384 && p99Ms <= 512, `${p99Ms}`);
  clock.advanceSync(30_000);
  minute.add([{ ...outcomes('a', 100, 50_000), latencies: latencies.with(slow, 100) }]);
  assert.ok((minute.of('a').p50Ms ?? 0) > 300);
  clock.advanceSync(60_000);
  assert.deepEqual([minute.of('a').p50Ms, minute.of('a').p99Ms], [null, null]);
});

test('percentiles lie between the shortest and the longest latency of the last minute', () => {
  const clock = new SimulatedClock();
  const minute = new EndpointMinute(clock);
  const outcomesOf = (ms: number): EndpointOutcomes => {
    const latencies = Array.from({ length: latencyCells }, () => 0).with(latencyCellOf(ms), 1);
    return { ...outcomes('a', 1, ms), latencies, latencyMsMin: ms, latencyMsMax: ms };
  };
  minute.add([outcomesOf(2)]);
  minute.add([outcomesOf(41.2)]);
  assert.ok((minute.of('a').p50Ms ?? 0) >= 2);
  assert.ok((minute.of('a').p99Ms ?? Infinity) <= 41.2);
  clock.advanceSync(65_000);
  minute.add([outcomesOf(17.25)]);
  assert.deepEqual([minute.of('a').p50Ms, minute.of('a').p99Ms], [17.25, 17.25]);
});
