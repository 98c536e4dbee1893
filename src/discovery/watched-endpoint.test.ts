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
import { WatchedEndpoint, transcriptOf, healthReason } from './watched-endpoint.ts';
import type { CheckSpec } from '../core/upstream-spec.ts';
import type { Health } from '../policy/health.ts';

const everyMs = 5000;

/** An endpoint that is checked every five seconds and recovers after `passes`: what was reported, check by check. */
function watched(passes: number, looks: readonly ('up' | 'down')[]): string[] {
  return watch({ passes, fails: 1 }, looks).told;
}

/** The same, with the time of each check in seconds. */
function watch(
  thresholds: { passes: number; fails: number },
  looks: readonly ('up' | 'down' | 'hangs' | 'no descriptor')[],
  onChecked: (look: number, endpoint: WatchedEndpoint) => void = () => {},
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
      onChecked: () => onChecked(look + 1, endpoint),
    },
  );
  endpoint.start();
  while (look < looks.length - 1) clock.advanceSync(100);
  clock.advanceSync(1100);
  endpoint.stop();
  return { told, at };
}

test('an endpoint that wants no new requests is checked quickly until it is back, but not for ever', () => {
  const looks = ['up', 'up', 'down', 'down', 'up', 'up'] as const;
  const { at } = watch({ passes: 1, fails: 2 }, looks, (look, endpoint) => look === 1 && endpoint.expectEnd());
  assert.ok((at[4] ?? 5) < 2, `back after ${at[4]} s`);
  assert.ok((at[5] ?? 0) - (at[4] ?? 0) > everyMs / 2000, 'then as usual');
  const stays = watch(
    { passes: 1, fails: 2 },
    Array.from({ length: 200 }, () => 'up' as const),
    (look, endpoint) => {
      if (look === 1) endpoint.expectEnd();
    },
  );
  assert.ok(stays.at.filter((second) => second < 30).length > 50);
  assert.ok(stays.at.filter((second) => second > 40 && second < 140).length < 30);
});

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
  assert.match(endpoint.finding?.fix ?? '', /^set `protocol: fastcgi`/);
  assert.equal(endpoint.finding?.lasting, true);
  result = connected;
  clock.advanceSync(1000);
  assert.deepEqual([endpoint.state, endpoint.finding], ['healthy', null]);
  endpoint.stop();
});

const http = { kind: 'http', path: '/healthz' } as Exclude<CheckSpec, { kind: 'none' }>;
const tcp = { kind: 'tcp' } as Exclude<CheckSpec, { kind: 'none' }>;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const answered = (status: number, body: string): HealthCheckResult => ({
  kind: 'answered',
  address: '127.0.0.1:3000',
  status,
  location: null,
  firstBytes: bytes(body),
});

const cases: readonly [what: string, result: HealthCheckResult, check: typeof http, transcript: object][] = [
  [
    'a response',
    answered(503, 'database is gone'),
    http,
    { request: 'GET /healthz', status: 503, body: 'database is gone' },
  ],
  ['a response whose body is not read', answered(200, ''), http, { request: 'GET /healthz', status: 200, body: null }],
  ['a connection', { kind: 'connected', address: 'a' }, tcp, { request: null, status: null, body: null }],
  [
    'no response in time',
    { kind: 'timed_out', limitMs: 1, connected: true, status: null },
    http,
    { request: 'GET /healthz', status: null, body: null },
  ],
];
for (const [what, result, check, transcript] of cases) {
  test(`the transcript of a check has ${what}`, () => assert.deepEqual(transcriptOf(result, check), transcript));
}

test('the transcript has 200 bytes of a body, and no secrets', () => {
  assert.equal(transcriptOf(answered(500, 'x'.repeat(500)), http).body?.length, 200);
  const secret = transcriptOf(answered(500, 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789'), http).body;
  assert.doesNotMatch(secret ?? '', /abcdefghijklmnop/);
});

const thresholds = { passes: 3, passesAfterRefusal: 2, fails: 3, failsAfterRefusal: 2 };

// Every state with what its last check can have found: no sentence puts a state beside an observation that denies it.
const table: readonly (readonly [health: Health, found: string, reason: string])[] = [
  [{ state: 'unknown' }, '', 'its first check is not back yet'],
  [{ state: 'healthy', failsInRow: 0, refusals: 0 }, 'accepts connections', 'accepts connections'],
  [
    { state: 'healthy', failsInRow: 1, refusals: 0 },
    'answered 500',
    'its last check failed (answered 500), 1 of 3 in a row that take it out',
  ],
  [
    { state: 'healthy', failsInRow: 0, refusals: 1 },
    'accepts connections',
    'a request was refused a connection; a check follows at once',
  ],
  [
    { state: 'healthy', failsInRow: 1, refusals: 1 },
    'nothing listens there',
    'its last check failed (nothing listens there), 1 of 2 in a row that take it out',
  ],
  [{ state: 'unhealthy', passesInRow: 0, refuses: false }, 'answered 500', 'answered 500'],
  [
    { state: 'unhealthy', passesInRow: 1, refuses: false },
    'answered 200',
    'its last check passed (answered 200), 1 of 3 in a row that bring it back',
  ],
  [
    { state: 'unhealthy', passesInRow: 1, refuses: true },
    'accepts connections',
    'its last check passed (accepts connections), 1 of 2 in a row that bring it back',
  ],
];

for (const [health, found, reason] of table) {
  const row = 'failsInRow' in health ? health.failsInRow : 'passesInRow' in health ? health.passesInRow : 0;
  test(`${health.state} after "${found}", the ${row} of its row, says: ${reason}`, () => {
    assert.equal(healthReason(health, found, thresholds), reason);
  });
}
