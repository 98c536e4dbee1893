import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

/** What is told of one route with so many requests each second. */
function told(rate: number, seconds: number, ...steps: readonly ScenarioStep[]) {
  const upstreams = { api: { endpoints: 2, rate, medianMs: 20, p99Ms: 90 } };
  return playScenario({ seconds, upstreams, steps }, 5).changes.filter(({ kind }) => kind !== 'grown');
}

test('an outage that fails whole, then rejects few for minutes, is not over meanwhile', () => {
  const changes = told(
    6,
    700,
    { from: 300, to: 320, fail: 'app_error', share: 1 },
    { from: 320, to: 560, fail: 'app_error', share: 0.03 },
  );
  const [opened, resolved] = changes;
  assert.equal(opened?.kind, 'opened');
  assert.ok(resolved === undefined || resolved.second > 560, `${resolved?.second}`);
  assert.ok(changes.length <= 2);
});

describe('few failures of one route are an incident, and named', () => {
  for (const [rate, share, withinS] of [
    [2, 0.05, 240],
    [5, 0.03, 150],
    [10, 0.03, 90],
  ] as const)
    test(`${share * 100} % of ${rate} requests/s`, () => {
      const [opened] = told(rate, 300 + withinS, { from: 300, to: 300 + withinS, fail: 'app_error', share });
      assert.equal(opened?.kind, 'opened');
      assert.equal(opened.incident.suspects[0]?.name, 'application_errors');
    });
});
