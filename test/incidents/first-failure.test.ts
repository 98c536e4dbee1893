import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../src/core/event.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';

// A second of the tracker begins at any moment of a second of the wall clock, and workers report what has ended up to 100 ms later.

const wall = 1_795_000_000_300;
const watched = () => ({ application: null, endpoints: [] });

/** Requests fail from `from` on, every 50 ms, and are reported `lateMs` later; the configuration was changed at `changeMs`. */
function incidentOf(from: number, lateMs: number, changeMs: number): LiveIncident {
  const tracker = new IncidentTracker(wall);
  let hasChanged = false;
  for (let ms = 0; ms < from + 8000; ms += 50) {
    if (ms >= changeMs && !hasChanged) {
      hasChanged = true;
      tracker.onEvent(applied(changeMs), changeMs);
    }
    const ended = ms - lateMs;
    const isFailed = ended >= from;
    const counted = sampleCount({
      route: 'api',
      upstream: 'api',
      statusClass: isFailed ? '5xx' : '2xx',
      shape: isFailed ? 'reset' : 'none',
      cause: isFailed ? 'closed_before_response' : 'none',
      whose: isFailed ? 'application' : null,
      end: isFailed ? 'generated' : 'forwarded',
      firstEndedAt: wall + ended,
      count: 1,
    });
    const causes = isFailed ? [{ cause: 'closed_before_response', count: 1 }] : [];
    const outcomes = {
      ...{ upstream: 'api', endpoint: 'api/1', successes: isFailed ? 0 : 1, serverErrors: 0, causes },
      ...(isFailed ? { firstFailedAt: wall + ended } : {}),
    } as unknown as EndpointOutcomes;
    tracker.note({ exchanges: [counted], outcomes: [outcomes], staleReusesFailed: 0 }, ms);
    tracker.judge(ms, watched);
  }
  const [incident] = tracker.list(from + 8000);
  assert.ok(incident !== undefined);
  return incident;
}

const applied = (ms: number): Event =>
  ({
    ...{ kind: 'configuration_applied', subject: 'gateway', actor: 'deploy', revision: 2, at: wall + ms },
    evidence: { changed: ['routes: api'], returned: [] },
  }) as unknown as Event;

for (const [from, lateMs] of [
  [70_000, 0],
  [70_700, 0],
  [70_950, 50],
  [70_950, 100],
  [70_950, 2500],
] as const)
  test(`an incident starts with its first failure: at ${from} ms, reported ${lateMs} ms later`, () => {
    const { startedAt, suspects, ...counts } = incidentOf(from, lateMs, from - 50);
    assert.equal(startedAt, wall + from);
    // All requests fail from then on; those of the same second before it are none of the incident.
    const [endpoint] = counts.endpoints;
    assert.deepEqual(
      [counts.requests, endpoint?.attempts, endpoint?.failed],
      [counts.failed, counts.failed, counts.failed],
    );
    const change = suspects.find(({ name }) => name === 'configuration_change');
    assert.equal(
      change?.sentence,
      'The configuration was changed at the time of the first failure.',
      'it came before all failures',
    );
  });

test('a change that came before the first failure is not said to have come after it', () => {
  for (let before = 100; before <= 3000; before += 100) {
    const { suspects } = incidentOf(72_900, 100, 72_900 - before);
    const { sentence = '' } = suspects.find(({ name }) => name === 'configuration_change') ?? {};
    const seconds = Math.round(before / 1000);
    assert.match(sentence, seconds === 0 ? /at the time of/ : new RegExp(`${seconds} s before`), `${before} ms before`);
  }
});
