import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// What to do is what helps now, also when no request fails any more.

test('an endpoint that is leaving when its failures have ended is not to be drained', () => {
  const nextStep = (...more: readonly ScenarioStep[]): string | undefined =>
    playScenario(
      {
        seconds: 240,
        upstreams: { api: { endpoints: 2, rate: 20, medianMs: 20, p99Ms: 90 } },
        steps: [{ from: 85, to: 120, fail: 'app_error', share: 1, endpoints: [1] }, ...more],
      },
      1,
    ).incidents[0]?.suspects.find(({ name }) => name === 'one_endpoint')?.nextStep;
  assert.match(nextStep() ?? '', /`candor drain api\/1`/);
  const leaves = { from: 121, to: 240, state: 'draining', reason: 'replaced', endpoints: [1] };
  assert.equal(nextStep(leaves), 'Look at api/1 itself.');
});
