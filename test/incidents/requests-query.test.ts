import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incidentStatus } from '../../src/control/incident-status.ts';
import type { Cause } from '../../src/core/failure.ts';
import { IncidentTracker } from '../../src/diagnose/live/incident-tracker.ts';
import { requestsQuery } from '../../src/diagnose/live/requests-query.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import { parseQuery } from '../../src/store/parse-query.ts';

// A record is found by when its request began; an incident starts when the first of its requests has failed.

const wall = 1_795_000_000_000;
const watched = () => ({ application: null, endpoints: [] });

/** Each second a request fails that began `tookMs` before. */
function incidentOf(cause: Cause | 'none', tookMs: number) {
  const tracker = new IncidentTracker(wall);
  for (let ms = 0; ms < 90_000; ms += 100) {
    const isFailed = ms >= 60_000 && ms % 1000 === 500;
    const verdict = isFailed ? ({ cause, shape: cause === 'none' ? 'app_error' : 'too_slow' } as const) : {};
    const times = { firstEndedAt: wall + ms, firstStartedAt: wall + ms - (isFailed ? tookMs : 5) };
    const exchanges = [sampleCount({ upstream: 'api', count: 1, ...verdict, ...times })];
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, ms);
    tracker.judge(ms, watched);
  }
  const [incident] = tracker.list(90_000);
  assert.ok(incident !== undefined);
  return incident;
}

for (const [cause, tookMs] of [
  ['response_head_timeout', 30_000],
  ['response_head_timeout', 75_000],
  ['none', 2000],
] as const)
  test(`the query of an incident finds its first request, which began ${tookMs} ms before it failed: ${cause}`, () => {
    const incident = incidentOf(cause, tookMs);
    assert.equal(incident.startedAt, wall + 60_500);
    const query = requestsQuery(incident);
    const parsed = parseQuery(query, wall + 100_000);
    assert.ok(parsed.ok, query);
    assert.equal(parsed.query.since, wall + 60_500 - tookMs);
    const kept = { ...incident, key: 'run-1', interrupted: false, findings: [] };
    const { firstRequestAt, requestsQuery: shown } = incidentStatus(kept);
    assert.deepEqual([Date.parse(firstRequestAt ?? ''), shown], [parsed.query.since, query]);
  });

test('the query of an incident of an earlier version begins with its first failure', () => {
  const { firstRequestAt: _later, ...incident } = incidentOf('response_head_timeout', 30_000);
  assert.match(requestsQuery(incident), new RegExp(` since:${new Date(wall + 60_500).toISOString()}$`));
});
