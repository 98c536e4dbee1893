import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incidentSentence, incidentTitle } from '../../src/incidents/incident-sentence.ts';
import { incidentStatus } from '../../src/incidents/incident-status.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import type { DirectLook } from '../../src/incidents/watched-upstream.ts';
import { playScenario, type PlayedScenario, type ScenarioUpstream } from './play-scenario.ts';

// An application stops: its kernel accepts connections until the queue is full, and then connections do not come about.

const accepting: DirectLook = {
  ...{ endpoint: 'api/1', isAccepting: true, isHanging: true, cause: null, tookMs: null },
  ...{ answer: 'no answer in time', at: 1_795_000_064_000 },
};

function stopped(upstream: Partial<ScenarioUpstream>, look: DirectLook | null, seconds = 98): LiveIncident {
  const { incidents } = playScenario(
    {
      seconds,
      upstreams: { api: { endpoints: 1, rate: 10, medianMs: 20, p99Ms: 90, ...upstream } },
      steps: [
        { from: 60, to: 78, fail: 'response_head_timeout', share: 1 },
        { from: 78, to: 100, fail: 'connect_timeout', share: 1 },
        { from: 100, to: 120, state: 'unhealthy', reason: 'no connection in time', checkCause: 'connect_timeout' },
        { from: 100, to: 120, fail: 'no_endpoint_ready', share: 1 },
      ],
      ...(look === null ? {} : { look }),
    } satisfies PlayedScenario,
    3,
  );
  assert.equal(incidents.length, 1);
  return incidents[0] as LiveIncident;
}

const ownSuspect = (incident: LiveIncident): string | undefined => incidentStatus(keptOf(incident)).suspects[0]?.name;

const keptOf = (incident: LiveIncident): Parameters<typeof incidentStatus>[0] => ({
  ...incident,
  ...{ key: 'a', interrupted: false, findings: [] },
});

test('connections that do not come about follow from an application that accepted one and did not answer', () => {
  for (const look of [accepting, { ...accepting, isHanging: false, answer: 'accepted a connection' }]) {
    const incident = stopped({}, look, 120);
    assert.deepEqual(incident.additions, []);
    assert.equal(incidentTitle(incident), 'The application did not answer in time (upstream api)');
    assert.equal(ownSuspect(incident), 'slow_application');
    assert.deepEqual(
      incident.causes.filter(({ isConsequence }) => isConsequence).map(({ cause }) => cause),
      ['connect_timeout', 'no_endpoint_ready'],
    );
  }
});

test('they do not follow from one that answered the look, or that no connection reached', () => {
  for (const look of [
    { ...accepting, isHanging: false, tookMs: 4 },
    { ...accepting, isAccepting: false },
  ]) {
    assert.equal(ownSuspect(stopped({}, look)), 'network', JSON.stringify(look));
  }
});

test('a cause that is known stays the cause of what began later, and does not become unknown', () => {
  // The endpoints of scenarios have no names of instances.
  const processes = [
    { instance: '', beforeExit: null, strains: [], stopped: { pids: [77], isWhole: true } },
  ] as unknown as NonNullable<ScenarioUpstream['processes']>;
  const incident = stopped({ application: 'api', processes }, null);
  assert.equal(incident.additions.length, 1);
  assert.match(
    incidentSentence(incident),
    /requests failed, \d+ of them with response_head_timeout\. The application is stopped/,
  );
  assert.equal(ownSuspect(incident), 'slow_application');
});
