import assert from 'node:assert/strict';
import { test } from 'node:test';
import { additionSentence } from '../../src/incidents/incident-sentence.ts';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// A second endpoint fails for a while during an incident of the first one.

const told = (...later: readonly ScenarioStep[]): string | undefined => {
  const { incidents } = playScenario(
    {
      seconds: 200,
      upstreams: { api: { endpoints: 3, rate: 30, medianMs: 20, p99Ms: 90 } },
      steps: [{ from: 60, to: 200, fail: 'response_head_timeout', share: 1, endpoints: [1] }, ...later],
    },
    1,
  );
  assert.deepEqual(
    incidents.map(({ resolvedAt, additions }) => [resolvedAt, additions.length]),
    [[null, 1]],
  );
  return incidents[0]?.additions.map(additionSentence)[0];
};

const fails = (from: number, to: number): ScenarioStep => ({
  ...{ from, to, fail: 'response_head_timeout', share: 1, endpoints: [2] },
});

test('an endpoint that has recovered is said to have failed, and until when, while the incident goes on', () => {
  const [, from, to] =
    /^From (\S+) to (\S+) UTC the endpoint api\/2 failed as well/.exec(told(fails(100, 130)) ?? '') ?? [];
  const secondsOf = (time = ''): number => Date.parse(`2026-01-01T${time}Z`) / 1000;
  assert.equal(secondsOf(to) - secondsOf(from), 29);
});

test('an endpoint that still fails, or fails again, is said to fail', () => {
  for (const later of [[fails(100, 200)], [fails(100, 130), fails(190, 200)]])
    assert.match(told(...later) ?? '', /^Since \S+ UTC the endpoint api\/2 fails as well/);
});
