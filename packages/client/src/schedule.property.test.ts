import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../../src/testing/simulated-clock.ts';
import type { CallFailure } from './call-failure.ts';
import { sampleFailure } from './fetch-world.test-support.ts';
import { budgetDefaults } from './retry-defaults.ts';
import { isFree } from './retry-decision.ts';
import { createRetryPolicy } from './retry-policy.ts';

/** What became of an attempt: null is a success. */
const outcome = fc.option(
  fc.record({
    delivery: fc.constantFrom('not_sent', 'partial', 'sent_unknown', 'refused_by_peer', 'response_started'),
    status: fc.constantFrom(null, 429, 500, 502, 503, 504),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 40_000 })),
    temporary: fc.boolean(),
  }),
  { freq: 3 },
);
const calls = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'PUT', 'POST', 'PATCH'),
    gapMs: fc.integer({ min: 0, max: 3000 }),
    durationMs: fc.integer({ min: 0, max: 12_000 }),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 8 }),
    overallMs: fc.constantFrom(1000, 30_000, null),
    replayable: fc.boolean(),
    honoured: fc.boolean(),
  }),
  { maxLength: 40 },
);

interface Sent {
  readonly at: number;
  readonly failure: CallFailure | null;
}

test('whatever fails: never before Retry-After, never beyond the budget, never late, and a POST twice only where it was not executed', async () => {
  await fc.assert(
    fc.asyncProperty(calls, fc.integer(), async (planned, seed) => {
      const clock = new SimulatedClock();
      const honoured = 'https://honours.example';
      const policy = createRetryPolicy({
        clock,
        random: new SeededRandom(seed),
        idempotency: { honouredBy: [honoured] },
      });
      const perOrigin = new Map<string, { succeeded: number; paid: number }>();
      for (const plan of planned) {
        await clock.advance(plan.gapMs);
        const origin = plan.honoured ? honoured : 'https://api.example';
        const counted = perOrigin.get(origin) ?? { succeeded: 0, paid: 0 };
        perOrigin.set(origin, counted);
        const startedAt = clock.now();
        const { method, overallMs, replayable } = plan;
        const call = policy.begin({ method, url: origin, overallMs, replayable, hasIdempotencyKey: plan.honoured });
        const sent: Sent[] = [];
        for (;;) {
          const refusal = call.admit();
          let next = refusal?.next;
          if (next === undefined) {
            const known = plan.outcomes[sent.length % plan.outcomes.length] ?? null;
            const at = clock.now();
            await clock.advance(plan.durationMs);
            const failure = known && {
              ...sampleFailure,
              ...known,
              mayHaveBeenExecuted: known.delivery !== 'not_sent' && known.delivery !== 'refused_by_peer',
            };
            sent.push({ at, failure });
            if (failure === null) {
              call.succeeded();
              counted.succeeded++;
              break;
            }
            next = call.failed(failure);
            if (next.retry && !isFree(failure)) counted.paid += failure.retryAfterMs ? 0.9 : 1;
            const floor = clock.now() + (failure.retryAfterMs ?? 0);
            if (next.retry) assert.ok(clock.now() + next.delayMs >= floor);
          }
          if (!next.retry) break;
          if (overallMs !== null) assert.ok(clock.now() + next.delayMs < startedAt + overallMs);
          await clock.advance(next.delayMs);
        }
        judge(sent, plan);
        const bound =
          budgetDefaults.minimum + budgetDefaults.share * counted.succeeded + clock.now() / budgetDefaults.refillMs;
        assert.ok(counted.paid <= bound + 1e-6, `${counted.paid} retries beside ${counted.succeeded} good calls`);
      }
    }),
    { numRuns: 400 },
  );
});

function judge(sent: readonly Sent[], plan: { method: string; replayable: boolean; honoured: boolean }): void {
  const isIdempotent = plan.method === 'GET' || plan.method === 'PUT';
  for (const [at, { failure }] of sent.slice(0, -1).entries()) {
    assert.ok(failure !== null && failure.temporary && plan.replayable);
    if (failure.mayHaveBeenExecuted) assert.ok(isIdempotent || plan.honoured);
    assert.ok((sent[at + 1] as Sent).at >= (sent[at] as Sent).at + (failure.retryAfterMs ?? 0));
  }
}

test('the waits have full jitter: between nothing and twice as much each time, up to the cap', () => {
  for (const chance of [0, 0.5, 0.999]) {
    const random = { next: () => chance, fill: () => {} };
    const policy = createRetryPolicy({
      clock: new SimulatedClock(),
      random,
      breaker: false,
      retry: { attemptsMax: 9, capMs: 1000 },
      budget: { minimum: 9 },
    });
    const call = policy.begin({ method: 'GET', url: 'https://a.example' });
    const waits = Array.from({ length: 5 }, () => {
      call.admit();
      const next = call.failed(sampleFailure);
      return next.retry ? next.delayMs : -1;
    });
    assert.deepEqual(
      waits,
      [200, 400, 800, 1000, 1000].map((ceiling) => ceiling * chance),
    );
  }
});

test('a policy forgets the origin that was used longest ago', () => {
  const policy = createRetryPolicy({ clock: new SimulatedClock() });
  for (let number = 0; number < 1500; number++) {
    policy.begin({ method: 'GET', url: 'https://always.example' });
    policy.begin({ method: 'GET', url: `https://${number}.example` });
  }
  const origins = policy.origins().map(({ origin }) => origin);
  assert.equal(origins.length, 1000);
  assert.ok(origins.includes('https://always.example') && !origins.includes('https://0.example'));
});
