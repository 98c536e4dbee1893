import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectTarget, ConnectWaiter } from '../core/connector.ts';
import { Deadlines } from '../core/deadline.ts';
import { fail } from '#failures/failure.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createHealthChecker } from '../upstream/health-check.ts';
import { WatchedEndpoint } from './watched-endpoint.ts';

const everyMs = 5000;

/** An endpoint that is checked every five seconds and recovers after `passes`: what was reported, check by check. */
function watched(passes: number, looks: readonly ('up' | 'down')[]): string[] {
  return watch({ passes, fails: 1 }, looks).told;
}

/** The same, with the time of each check in seconds. */
function watch(
  thresholds: { passes: number; fails: number },
  looks: readonly ('up' | 'down' | 'hangs' | 'no descriptor')[],
): { told: string[]; at: number[] } {
  const clock = new SimulatedClock();
  let look = -1;
  const told: string[] = [];
  const at: number[] = [];
  const connector = {
    resolve: () => assert.fail(),
    connect(_target: ConnectTarget, waiter: ConnectWaiter) {
      at.push(clock.now() / 1000);
      const found = looks[++look];
      if (found === 'hangs') return { cancel: () => undefined };
      if (found === 'no descriptor') waiter.onConnectFailed({ stage: 'connect', code: 'EMFILE', alertId: null });
      else if (found === 'down') waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
      else {
        waiter.onTransportConnected();
        waiter.onConnected(createTransportPair({ clock })[0]);
      }
      return { cancel: () => undefined };
    },
  };
  const ports = { clock, deadlines: new Deadlines(clock), connector, onUnclassified: () => assert.fail() };
  const endpoint = new WatchedEndpoint(
    {
      address: { kind: 'tcp', host: '10.0.0.1', port: 80 },
      tls: null,
      check: { kind: 'tcp', intervalMs: everyMs, timeoutMs: 1000, ...thresholds },
    },
    { clock, random: new SeededRandom(1), checker: createHealthChecker(ports) },
    {
      onChange: () => void told.push(`${look + 1}: ${endpoint.state}, ${endpoint.schedule.passesNeeded} to go`),
      onChecked: () => undefined,
    },
  );
  endpoint.start();
  while (look < looks.length - 1) clock.advanceSync(100);
  clock.advanceSync(1100);
  endpoint.stop();
  return { told, at };
}

test('a check that the gateway could not make for want of a descriptor changes nothing', () => {
  const { told } = watch({ passes: 1, fails: 1 }, [
    'up',
    'no descriptor',
    'no descriptor',
    'down',
    'no descriptor',
    'up',
  ]);
  assert.deepEqual(told, ['1: healthy, 0 to go', '4: unhealthy, 1 to go', '6: healthy, 0 to go']);
});

test('a healthy endpoint whose check failed is checked again after half of the interval, and found out in two intervals', () => {
  const { told, at } = watch({ passes: 2, fails: 3 }, ['up', 'hangs', 'hangs', 'hangs']);
  assert.deepEqual(told, ['1: healthy, 0 to go', '4: unhealthy, 2 to go']);
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0) - (index === 0 ? 0 : 1));
  assert.ok((pauses[0] ?? 0) >= 4.5, `${pauses[0]} s after a check that passed`);
  for (const pause of pauses.slice(1)) assert.ok(pause >= 2.2 && pause <= 2.8, `${pause} s after one that failed`);
});

test('each check that brings an endpoint closer to recovery is reported, since Retry-After depends on it', () => {
  assert.deepEqual(watched(4, ['down', 'up', 'up', 'up', 'up', 'up']), [
    '1: unhealthy, 4 to go',
    '2: unhealthy, 3 to go',
    '3: unhealthy, 2 to go',
    '4: unhealthy, 1 to go',
    '5: healthy, 0 to go',
  ]);
});

test('a check with the same result as the last one is not reported', () => {
  assert.deepEqual(watched(2, ['down', 'down', 'down', 'up', 'down', 'up', 'up', 'up']), [
    '1: unhealthy, 2 to go',
    '4: unhealthy, 1 to go',
    '5: unhealthy, 2 to go',
    '6: unhealthy, 1 to go',
    '7: healthy, 0 to go',
  ]);
});

test('an endpoint that speaks another protocol is unhealthy at the first check that finds it, with what to do, until a check passes', () => {
  const clock = new SimulatedClock();
  const evidence = { address: '10.0.0.1:80', guess: 'fastcgi', firstBytes: '010a0000' } as const;
  const spoken: HealthCheckResult = {
    ...{ kind: 'failed', firstBytes: new Uint8Array(0) },
    failure: fail('response_not_http', 'response', evidence),
  };
  const connected = { kind: 'connected', address: '10.0.0.1:80' } as const;
  let result: HealthCheckResult = connected;
  const checker = {
    check: (_request: unknown, onResult: (result: HealthCheckResult) => void) => {
      onResult(result);
      return { cancel: () => undefined };
    },
  };
  const endpoint = new WatchedEndpoint(
    {
      ...{ address: { kind: 'tcp', host: '10.0.0.1', port: 80 }, tls: null },
      check: { kind: 'tcp', intervalMs: everyMs, timeoutMs: 1000, passes: 2, fails: 3 },
    },
    { clock, random: new SeededRandom(1), checker },
    { onChange: () => undefined, onChecked: () => undefined },
  );
  endpoint.start();
  assert.deepEqual([endpoint.state, endpoint.finding], ['healthy', null]);
  result = spoken;
  clock.advanceSync(6000);
  assert.equal(endpoint.state, 'unhealthy');
  assert.match(endpoint.reason, /^10\.0\.0\.1:80 speaks FastCGI and not HTTP/);
  assert.match(endpoint.finding?.fix ?? '', /^put a server that speaks both before it/);
  assert.equal(endpoint.finding?.lasting, true);
  result = connected;
  clock.advanceSync(1000);
  assert.deepEqual([endpoint.state, endpoint.finding], ['healthy', null]);
  endpoint.stop();
});
