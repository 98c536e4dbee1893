import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, judgementText } from '../../bench/storms/criteria.ts';
import { type StormFigures, stormFigures } from '../../bench/storms/figures.ts';
import { storms } from '../../bench/storms/storms.ts';

// Each judge says "met" of good figures, "missed" of figures that break any one of its numbers, and neither of a run that shows nothing.

const empty = stormFigures('any', 'candor', {
  outcomes: [],
  totals: { requests: 0, checks: 0, connections: 0, executedTwice: 0 },
  ...{ seconds: 10, beganMs: [], overMs: null, isOutage: false, refusedConnections: null, truthful: [] },
  ...{ origins: 3, slowClients: null, namedAtMs: null },
});

/** All that is asked in any storm, just met. */
const good: StormFigures = {
  ...empty,
  ...{ requests: 3000, ok: 3000, troubles: 3, goodPerSecond: 300, p99Ms: 200, amplification: 1.2 },
  ...{ getsInFirstSecond: 200, failedGetsInFirstSecond: 2, getsLater: 800 },
  ...{ refusedConnections: 300, refusedPerOriginSecond: 5, recoveredMs: 3000, fullAgainMs: 2000, namedMs: 3000 },
  slowClients: { asked: 5000, connected: 5000 },
};

/** A third of 3,000 requests went well. */
const overloaded: StormFigures = {
  ...good,
  ...{ ok: 900, goodPerSecond: 90, refusals: 2100, refusalsWithRetryAfter: 2100, failures: { 503: 2100 } },
};

/** POSTs in flight failed. */
const inFlight: StormFigures = {
  ...good,
  ...{ ok: 2997, failures: { 502: 3 }, causes: { 'reset_before_response sent_unknown': 3 } },
};

const goodOf: Readonly<Record<string, StormFigures>> = {
  'restarts-abrupt': inFlight,
  overload: overloaded,
  'slow-down-adaptive': { ...overloaded, ok: 1500, goodPerSecond: 150, refusals: 1500, refusalsWithRetryAfter: 1500 },
};

/** By what is asked: figures that break that, and nothing else that is asked. */
const broken: Readonly<Record<string, readonly Partial<StormFigures>[]>> = {
  'no failure': [{ ok: 2999 }],
  'no GET fails': [{ failedGets: 1 }],
  'each failure is a POST in flight, a 502 that says sent_unknown': [
    { failedGets: 1 },
    { failures: { 502: 2, 503: 1 } },
    { failures: { 502: 2, reset: 1 } },
    { causes: {} },
    { causes: { 'reset_before_response sent_unknown': 2, 'connect_refused not_sent': 1 } },
  ],
  '<= 1 % of the GETs fail in the first second': [{ failedGetsInFirstSecond: 3 }],
  'no GET fails afterwards': [{ failedGetsLater: 1 }],
  '<= 1.2 attempts per request': [{ amplification: 1.21 }],
  '<= 5 connections/s to each origin': [{ refusedPerOriginSecond: 5.1 }],
  'as many go well as before within 2 s': [{ fullAgainMs: 2050 }, { fullAgainMs: 'never' }],
  '>= 90 % of what the origin can do': [{ goodPerSecond: 89 }],
  '>= 75 % of what the origin can do': [{ goodPerSecond: 149 }],
  'p99 <= 1000 ms': [{ p99Ms: 1001 }],
  'p99 <= 250 ms': [{ p99Ms: 251 }],
  'each failure is a refusal with Retry-After': [
    { refusalsWithRetryAfter: 1199 },
    { refusals: 1199, refusalsWithRetryAfter: 1199 },
  ],
  'as many slow clients as asked for': [{ slowClients: { asked: 5000, connected: 4000 } }],
  'the last failure within 3 s': [{ recoveredMs: 3001 }, { recoveredMs: 'never' }],
  'named within 3 s': [{ namedMs: 3001 }, { namedMs: 'never' }],
};

const judged = storms.filter(({ asked }) => asked.length > 0);

for (const { name, asked } of judged) {
  const own = goodOf[name] ?? good;
  describe(name, () => {
    test('is met by good figures', () => assert.deepEqual(judge(asked, own).verdict, 'met'));

    test('is not met by a run without requests and without trouble', () => {
      const { verdict, missed, notMeasured } = judge(asked, empty);
      assert.notEqual(verdict, 'met');
      assert.equal(missed.length + notMeasured.length, asked.length);
    });

    for (const criterion of asked) {
      for (const change of broken[criterion.asked] ?? []) {
        test(`is missed, by name, after ${JSON.stringify(change)}`, () => {
          const judgement = judge(asked, { ...own, ...change });
          assert.equal(judgement.verdict, 'missed');
          assert.ok(judgement.missed.includes(criterion.asked), judgementText(judgement));
          assert.equal(judgementText(judgement), `missed: ${judgement.missed.join('; ')}`);
        });
      }
    }
  });
}

test('each number that is asked is broken by some figures here', () => {
  const all = new Set(judged.flatMap(({ asked }) => asked.map((criterion) => criterion.asked)));
  assert.deepEqual([...all].toSorted(), Object.keys(broken).toSorted());
});

test('an outage without a count of refused connections is not measured', () => {
  const outage = judged.find(({ name }) => name === 'outage');
  const { verdict } = judge(outage?.asked ?? [], { ...good, refusedConnections: null, refusedPerOriginSecond: null });
  assert.equal(verdict, 'not measured');
});

test('restarts that did not happen are not measured', () => {
  for (const { asked } of judged.filter(({ name }) => name.startsWith('restarts-')))
    assert.equal(
      judge(asked, { ...inFlight, ok: 3000, failures: {}, causes: {}, troubles: 2 }).verdict,
      'not measured',
    );
});
