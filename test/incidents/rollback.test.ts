import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReturnedPart } from '../../src/core/event.ts';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// A bad release, a rollback, and what is said of requests that fail after it.

const applied = (
  at: number,
  revision: number,
  returned: readonly ReturnedPart[] = [],
  changed = 'applications: web',
): ScenarioStep => ({
  at,
  event: {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision, reason: `revision ${revision} is active` },
    evidence: { contentHash: `${revision}`, source: 'candor.yaml', changed: [changed], returned },
  },
});

const fails = (from: number, to: number): ScenarioStep => ({ from, to, fail: 'application_5xx', share: 0.8 });

const suspectsOf = (steps: readonly ScenarioStep[]): readonly (string | undefined)[] =>
  playScenario(
    {
      seconds: 300,
      upstreams: { api: { endpoints: 1, rate: 20, medianMs: 20, p99Ms: 90, application: 'web' } },
      steps: [applied(1, 1, [], 'everything'), ...steps],
    },
    1,
  )
    .incidents.toSorted((a, b) => a.startedAt - b.startedAt)
    .map(({ suspects }) => suspects[0]?.name);

const back = [{ part: 'applications: web', revision: 1 }];

test('the release is suspected, and the rollback to what had worked is not, whatever fails after it', () => {
  const steps = [applied(80, 2), fails(85, 120), applied(118, 3, back), fails(200, 230)];
  assert.deepEqual(suspectsOf(steps), ['release', 'application_errors']);
});

test('a return to what had failed in the same way is suspected as any release', () => {
  const steps = [fails(50, 80), applied(118, 2), applied(190, 3, back), fails(195, 230)];
  assert.deepEqual(suspectsOf(steps), ['application_errors', 'release']);
});
