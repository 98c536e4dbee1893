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

const fails = (from: number, to: number): ScenarioStep => ({ from, to, fail: 'app_error', share: 0.8 });

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

const rate = (from: number, to: number, perS: number): ScenarioStep => ({ from, to, rate: perS });

test('a bad release that had no requests before it was taken back is suspected when it comes again', () => {
  const again = [{ part: 'applications: web', revision: 2 }];
  const steps = [applied(80, 2), rate(79, 184, 0), applied(135, 3, back), applied(184, 4, again), fails(185, 240)];
  assert.deepEqual(suspectsOf(steps), ['release']);
});

test('a return is one to what had worked, though the last revision with its settings was active for a moment only', () => {
  const last = [{ part: 'applications: web', revision: 2 }];
  const steps = [applied(80, 2, [], 'listeners'), applied(81, 3), applied(135, 4, last), fails(140, 200)];
  assert.deepEqual(suspectsOf(steps), ['application_errors']);
});
