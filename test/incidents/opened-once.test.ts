import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownScenarios } from './own-scenarios.ts';
import { playScenario, type ScenarioUpstream } from './play-scenario.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

const busy: ScenarioUpstream = { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 90 };

test('what is found to have begun at another upstream before goes on as the incident that was reported', () => {
  const played = sampled([1, 2, 3, 4, 5, 6, 7, 8], 2).map((seed) =>
    playScenario(
      {
        seconds: 200,
        upstreams: { seldom: { ...busy, rate: 0.35 }, shop: busy },
        steps: [
          { from: 80, to: 130, fail: 'descriptors_exhausted', share: 1 },
          { upstream: 'shop', from: 84, to: 130, fail: 'descriptors_exhausted', share: 0.5 },
        ],
      },
      seed,
    ),
  );
  const ofShop = played.filter(({ changes }) => changes[0]?.incident.upstream === 'shop');
  assert.ok(ofShop.length > 0);
  for (const { changes, incidents } of ofShop) {
    const told = changes
      .map(({ kind, incident }) => `${kind} ${incident.id}`)
      .filter((one) => !one.startsWith('grown'));
    assert.deepEqual(told, ['opened 1', 'resolved 1']);
    const [incident, ...others] = incidents;
    assert.deepEqual(incident?.upstreams.map(({ upstream }) => upstream).toSorted(), ['seldom', 'shop']);
    assert.equal(others.length, 0);
    assert.ok((incident?.startedAt ?? 0) <= (incident?.openedAt ?? 0));
  }
});

test('no incident of the corpus is reported as opened twice, or resolved twice', () => {
  for (const scenario of sampled(ownScenarios, 4)) {
    const told = playScenario(scenario, 3)
      .changes.filter(({ kind }) => kind !== 'grown')
      .map(({ kind, incident }) => `${kind} ${incident.id}`);
    assert.deepEqual(told, [...new Set(told)], scenario.name);
  }
});
