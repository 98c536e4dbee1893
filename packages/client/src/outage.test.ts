import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../../src/testing/simulated-clock.ts';
import { nodeError } from './fetch-world.test-support.ts';
import { createFetch } from './resilient-fetch.ts';

const [clients, callsEach, downAt, upAt] = [12, 40, 10_000, 20_000];

interface OutageResult {
  readonly answered: number;
  readonly sentPerCall: number;
  /** Of the client that had to wait longest for its first good answer behind the outage. */
  readonly recoveryMs: number;
}

/** Clients with a call each second, of whose service nothing is to be had for ten seconds. */
async function outage(fail: () => Response): Promise<OutageResult> {
  const clock = new SimulatedClock();
  const chance = new SeededRandom('outage');
  const after = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.schedule((clock.now() + ms) as never, () => resolve(), undefined));
  let [sent, answered, recoveryMs] = [0, 0, 0];
  const fetch = async (): Promise<Response> => {
    await after(10);
    const isDown = clock.now() > downAt && clock.now() < upAt;
    // A connection that is refused brings no request to the service.
    if (!isDown || fail !== refuse) sent++;
    return isDown ? fail() : new Response(null, { status: 204 });
  };
  const calls = Array.from({ length: clients }, (_, client) => {
    const resilient = createFetch({ clock, random: new SeededRandom(client), fetch });
    let hasRecovered = false;
    return Array.from({ length: callsEach }, async (__, second) => {
      await after(1000 * (second + chance.next()));
      const status = await resilient('https://api.example.org/').then(
        (response) => response.status,
        () => 0,
      );
      if (status !== 204) return;
      answered++;
      if (clock.now() < upAt || hasRecovered) return;
      hasRecovered = true;
      recoveryMs = Math.max(recoveryMs, clock.now() - upAt);
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

const outages: readonly (readonly [what: string, fail: () => Response, answeredMin: number])[] = [
  ['answers 503', () => new Response(null, { status: 503 }), 0.8],
  ['refuses connections', refuse, 0.98],
  [
    'resets connections',
    () => {
      throw nodeError('ECONNRESET', 'read');
    },
    0.8,
  ],
];

for (const [what, fail, answeredMin] of outages) {
  test(`a service that ${what} gets at most a fifth more requests, and all of its clients back within 2 s`, async (context) => {
    const { answered, sentPerCall, recoveryMs } = await outage(fail);
    context.diagnostic(
      `${answered.toFixed(3)} answered, ${sentPerCall.toFixed(3)} sent per call, ${Math.round(recoveryMs)} ms`,
    );
    assert.ok(sentPerCall <= 1.2, String(sentPerCall));
    assert.ok(recoveryMs <= 2000, String(recoveryMs));
    assert.ok(answered >= answeredMin, String(answered));
  });
}
