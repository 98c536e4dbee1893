import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentSuspect } from '../../src/core/live-incident.ts';
import { playScenario, type ScenarioStep } from './play-scenario.ts';

// An application ends again and again, for longer than all of its exits are kept.

/** Of a kind of event 600 are kept. */
const until = 700;

/** An exit each second. */
const exits = (application: string, from: number, to: number): readonly ScenarioStep[] =>
  Array.from({ length: to - from }, (_, index) => ({
    at: from + index,
    event: {
      ...{ kind: 'instance_exited', subject: `instance:${application}/1`, from: 'ready', to: 'backing_off' },
      ...{ reason: 'exited with code 1' },
      evidence: { pid: 7, code: 1, signal: null, outOfMemory: false, afterMs: 900, output: ['Error: no database'] },
    },
  }));

function firstSuspect(...events: readonly ScenarioStep[]): IncidentSuspect | undefined {
  const [incident] = playScenario(
    {
      seconds: until,
      upstreams: { api: { endpoints: 1, rate: 5, medianMs: 20, p99Ms: 90, application: 'api' } },
      steps: [{ from: 60, to: until, fail: 'connect_refused', share: 0.9 }, ...events],
    },
    1,
  ).incidents;
  return incident?.suspects[0];
}

test('the exits of a long crash loop stay the first suspect, and are not counted where the first ones are no longer kept', () => {
  const found = firstSuspect(...exits('api', 60, until));
  assert.equal(found?.name, 'crash');
  assert.ok(found.fit > 0.9, `${found.fit}`);
  assert.match(found.sentence, /^api\/1 ended by itself, more than \d+ times\.$/);
});

test('the exits of an application stay the first suspect when another one ends again and again', () => {
  const found = firstSuspect(...exits('api', 60, 70), ...exits('mail', 60, until));
  assert.deepEqual([found?.name, found?.sentence], ['crash', 'api/1 ended by itself, 10 times.']);
});
