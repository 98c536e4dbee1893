import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReturnedPart } from '../../src/core/event.ts';
import type { LiveIncident, SuspectKind } from '../../src/core/live-incident.ts';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// The same fault before and after a pause of traffic, and a change in the pause.

const applied = (at: number, revision: number, returned: readonly ReturnedPart[] = []): ScenarioStep => ({
  at,
  event: {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision, reason: `revision ${revision} is active` },
    evidence: {
      contentHash: `${revision}`,
      source: 'candor.yaml',
      changed: ['applications: web', 'upstreams: api'],
      returned,
    },
  },
});

const drained: ScenarioStep = {
  at: 148,
  event: {
    ...{ kind: 'overlay_changed', subject: 'overlay:weight:api/1', actor: 'operator', reason: 'try less there' },
    evidence: { before: null, after: { weight: 1 } },
  },
};

const disagrees = (at: number): ScenarioStep => ({
  at,
  event: {
    ...{ kind: 'health_disagreement', subject: 'endpoint:api/1', reason: 'its checks pass, but 9 of 20 failed' },
    evidence: { check: 'http', failures: 9, requests: 20 },
  },
});

const resets = (from: number, to: number): ScenarioStep => ({
  ...{ from, to, fail: 'reset_before_response', share: 0.5, stale: true },
});
const pause = (from: number, to: number): ScenarioStep => ({ from, to, rate: 0 });

const incidentsOf = (
  steps: readonly ScenarioStep[],
  application?: string,
  routes?: readonly string[],
): readonly LiveIncident[] =>
  playScenario(
    {
      seconds: 330,
      upstreams: {
        api: {
          ...{ endpoints: 1, rate: 20, medianMs: 20, p99Ms: 90 },
          ...(application === undefined ? {} : { application }),
          ...(routes === undefined ? {} : { routes }),
        },
      },
      steps,
    },
    1,
  ).incidents.toSorted((a, b) => a.startedAt - b.startedAt);

const suspectsOf = (...steps: readonly ScenarioStep[]): readonly (readonly SuspectKind[])[] =>
  incidentsOf(steps).map(({ suspects }) => suspects.map(({ name }) => name));

/** An incident is over only when a request was answered after its last failure: some are, until the pause begins. */
const beforeAndAfter = [resets(50, 70), pause(70.3, 150), resets(150, 200)];

test('a change is no suspect where requests failed in the same way before it, and none has shown that this was over', () => {
  for (const change of [applied(148, 2), drained])
    assert.deepEqual(suspectsOf(...beforeAndAfter, change).at(-1)?.[0], 'keep_alive_race');
  const all = suspectsOf(...beforeAndAfter, applied(148, 2), drained).flat();
  assert.ok(!all.includes('configuration_change') && !all.includes('operator_action'), all.join());
});

test('and neither is a release', () => {
  const steps = (until: number): readonly ScenarioStep[] => [
    { from: 50, to: 70, fail: 'app_error', share: 0.5 },
    pause(70.3, until),
    applied(148, 2),
    { from: 150, to: 200, fail: 'app_error', share: 0.5 },
  ];
  const last = (until: number) => incidentsOf(steps(until), 'web').at(-1)?.suspects[0]?.name;
  assert.equal(last(150), 'application_errors');
  assert.equal(last(71), 'release');
});

test('a change is suspected where requests were answered between the failures before it and those after it', () => {
  const steps = [resets(50, 70), pause(70.3, 110), resets(150, 200), applied(148, 2)];
  assert.deepEqual(
    suspectsOf(...steps).map(([first]) => first),
    ['keep_alive_race', 'configuration_change'],
  );
});

test('a change is suspected where other failures came before it', () => {
  const steps = [{ from: 50, to: 70, fail: 'response_head_timeout', share: 0.5 } as const, pause(70.3, 150)];
  const found = suspectsOf(...steps, applied(148, 2), resets(150, 200));
  assert.equal(found.at(-1)?.[0], 'configuration_change');
});

test('a change that came before the first of these failures is suspected after a pause too', () => {
  const steps = [applied(48, 2), resets(50, 70), pause(70.3, 150), resets(150, 200)];
  const found = suspectsOf(...steps);
  assert.equal(found.length, 1, 'no request has shown meanwhile that it was over');
  for (const names of found) assert.ok(names.includes('configuration_change'));
});

test('a change that brings back the settings with which requests failed is suspected', () => {
  const back = [{ part: 'upstreams: api', revision: 2 }];
  const steps = [applied(20, 2), resets(50, 70), pause(70.3, 150), applied(120, 3), applied(148, 4, back)];
  assert.ok(
    suspectsOf(...steps, resets(150, 200))
      .at(-1)
      ?.includes('configuration_change'),
  );
});

test('the health check is not blamed for connections that are cut when they are used again', () => {
  assert.deepEqual(suspectsOf(disagrees(55), resets(50, 100))[0]?.includes('lying_check'), false);
  const fresh: ScenarioStep = { from: 50, to: 100, fail: 'reset_before_response', share: 0.5 };
  assert.deepEqual(suspectsOf(disagrees(55), fresh)[0]?.includes('lying_check'), true);
});

test('nor is it one where another route begins to fail so while the incident goes on', () => {
  const cut = (from: number, to: number, route: string): ScenarioStep => ({
    ...{ from, to, fail: 'reset_before_response', share: 1, routes: [route] },
  });
  const added = (...before: readonly ScenarioStep[]): readonly SuspectKind[] => {
    const steps = [...before, pause(70.3, 150), applied(148, 2), cut(150, 260, '/a'), cut(190, 260, '/b')];
    const [addition, ...more] = incidentsOf(steps, undefined, ['/a', '/b']).at(-1)?.additions ?? [];
    assert.deepEqual([addition?.routes, more], [['/b'], []]);
    return addition?.suspects.map(({ name }) => name) ?? [];
  };
  assert.ok(added().includes('configuration_change'));
  assert.ok(!added(cut(50, 70, '/a')).includes('configuration_change'));
});
