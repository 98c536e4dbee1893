import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentSuspect, LiveIncident } from '../../src/core/live-incident.ts';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// Changes of the configuration after the first failures of an incident.

const applied = (at: number, revision: number): ScenarioStep => ({
  at,
  event: {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision, reason: `revision ${revision} is active` },
    evidence: { contentHash: `${revision}`, source: 'candor.yaml', changed: ['upstreams: api'], returned: [] },
  },
});

function incidentOf(seconds: number, ...steps: readonly ScenarioStep[]): LiveIncident | undefined {
  const upstreams = { api: { endpoints: 1, rate: 10, medianMs: 20, p99Ms: 90 } };
  const { incidents } = playScenario({ seconds, upstreams, steps }, 1);
  assert.equal(incidents.length, 1);
  return incidents[0];
}

const firstSuspect = (...steps: readonly ScenarioStep[]): IncidentSuspect | undefined =>
  incidentOf(140, ...steps)?.suspects[0];

const few: ScenarioStep = { from: 60, to: 61, fail: 'response_head_timeout', share: 1 };

test('the change that nearly all failures came after is suspected, not an earlier one that hardly any followed', () => {
  const found = firstSuspect(few, applied(61.5, 2), applied(80, 3), {
    ...{ from: 80.2, to: 139, fail: 'queue_timeout', share: 1 },
  });
  assert.equal(found?.name, 'configuration_change');
  assert.match(found.evidence[0] ?? '', /^revision 3,/);
  assert.match(found.sentence, / after the first failure; \d+ of \d+ failures came after it\.$/);
});

test('of an incident that goes on for long, as many failures are said to have come after a change as it has', () => {
  const incident = incidentOf(780, few, applied(80, 3), { from: 80.2, to: 780, fail: 'queue_timeout', share: 1 });
  const [, later, all] = / (\d+) of (\d+) failures came after it\.$/.exec(incident?.suspects[0]?.sentence ?? '') ?? [];
  const before = incident?.causes.find(({ cause }) => cause === 'response_head_timeout')?.failed ?? 0;
  assert.deepEqual([Number(all), Number(all) - Number(later)], [incident?.failed, before]);
});

test('a change while requests fail as before is not suspected', () => {
  for (const at of [75, 110]) {
    const found = firstSuspect({ ...few, to: 139 }, applied(at, 2));
    assert.equal(found?.name, 'slow_application', `${at}`);
  }
});
