import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../../src/testing/simulated-clock.ts';
import { nodeError } from './fetch-world.test-support.ts';
import { createFetch } from './resilient-fetch.ts';

const [clients, downAt, upAt, endAt] = [12, 10_000, 20_000, 40_000];
const retryAfterMs = 2000;

interface OutageResult {
  readonly answered: number;
  readonly sentPerCall: number;
  /** Of the client that had to wait longest for its first good answer behind the outage, or behind the last wait that it was asked for. */
  readonly recoveryMs: number;
}

/** Clients of whose service nothing is to be had for ten seconds. */
async function outage(fail: () => Response, everyMs: number): Promise<OutageResult> {
  const clock = new SimulatedClock();
  const chance = new SeededRandom('outage');
  const after = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.schedule((clock.now() + ms) as never, () => resolve(), undefined));
  let [sent, answered, recoveryMs] = [0, 0, 0];
  const calls = Array.from({ length: clients }, (_, client) => {
    let backAt = upAt;
    const fetch = async (): Promise<Response> => {
      await after(10);
      const isDown = clock.now() > downAt && clock.now() < upAt;
      // A connection that is refused brings no request to the service.
      if (!isDown || fail !== refuse) sent++;
      if (isDown && fail === unavailable) backAt = Math.max(upAt, clock.now() + retryAfterMs);
      return isDown ? fail() : new Response(null, { status: 204 });
    };
    const resilient = createFetch({ clock, random: new SeededRandom(client), fetch });
    let hasRecovered = false;
    return Array.from({ length: endAt / everyMs }, async (__, at) => {
      await after(everyMs * (at + chance.next()));
      const status = await resilient('https://api.example.org/').then(
        (response) => response.status,
        () => 0,
      );
      if (status !== 204) return;
      answered++;
      if (clock.now() < upAt || hasRecovered) return;
      hasRecovered = true;
      recoveryMs = Math.max(recoveryMs, clock.now() - backAt);
    });
  }).flat();
  for (let second = 0; second < 80; second++) await clock.advance(1000);
  await Promise.all(calls);
  assert.equal(clock.timersLive, 0);
  return { answered: answered / calls.length, sentPerCall: sent / calls.length, recoveryMs };
}

const refuse = (): never => {
  throw nodeError('ECONNREFUSED', 'connect');
};
const unavailable = (): Response =>
  new Response(null, { status: 503, headers: { 'retry-after': `${retryAfterMs / 1000}` } });
const reset = (): never => {
  throw nodeError('ECONNRESET', 'read');
};

const outages: readonly (readonly [what: string, fail: () => Response, everyMs: number, answeredMin: number])[] = [
  ['answers 503', () => new Response(null, { status: 503 }), 1000, 0.8],
  ['answers 503 with Retry-After', unavailable, 1000, 0.97],
  ['answers 503 with Retry-After to few calls', unavailable, 2500, 0.95],
  ['refuses connections', refuse, 1000, 0.98],
  ['refuses the connections of few calls', refuse, 2500, 0.98],
  ['resets connections', reset, 1000, 0.8],
];

for (const [what, fail, everyMs, answeredMin] of outages) {
  test(`a service that ${what} gets at most a fifth more requests, and all of its clients back within 2 s`, async (context) => {
    const { answered, sentPerCall, recoveryMs } = await outage(fail, everyMs);
    context.diagnostic(
      `${answered.toFixed(3)} answered, ${sentPerCall.toFixed(3)} sent per call, ${Math.round(recoveryMs)} ms`,
    );
    assert.ok(sentPerCall <= 1.2, String(sentPerCall));
    assert.ok(recoveryMs <= 2000, String(recoveryMs));
    assert.ok(answered >= answeredMin, String(answered));
  });
}
