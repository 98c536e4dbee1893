import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';

// After a refused connection only checks connect: requests that follow find no endpoint that is ready.

const wall = 1_795_000_000_000;
const outMs = 70_020;
const watched = () => ({ application: null, endpoints: [] });

/** One request of `upstream` fails so at `atMs`; from `outMs` on no endpoint of `api` is ready. */
function incidentAfter(cause: Cause, atMs: number, upstream = 'api'): LiveIncident {
  const tracker = new IncidentTracker(wall);
  const note = (ms: number, of: string, failure: Cause | 'none'): void => {
    const verdict = { cause: failure, shape: failure === 'none' ? 'none' : 'unreachable' } as const;
    const times = { firstEndedAt: wall + ms, firstStartedAt: wall + ms - 2 };
    const exchanges = [sampleCount({ upstream: of, count: 1, ...verdict, ...times })];
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, ms);
  };
  let isRefused = false;
  for (let ms = 0; ms < outMs + 8000; ms += 50) {
    if (ms > atMs && !isRefused) {
      isRefused = true;
      note(atMs, upstream, cause);
    }
    note(ms, 'other', 'none');
    note(ms, 'api', ms < outMs ? 'none' : 'no_endpoint_ready');
    tracker.judge(ms, watched);
  }
  const [incident, ...others] = tracker.list(outMs + 8000);
  assert.ok(incident !== undefined && others.length === 0);
  return incident;
}

const none = { failed: 159, startedAt: wall + 70_050, cause: 'no_endpoint_ready' };
for (const atMs of [outMs + 5, outMs - 53, outMs - 4000])
  test(`the failure after which no endpoint is ready belongs to the incident: ${outMs - atMs} ms before`, () => {
    const { failed, startedAt, firstRequestAt, cause, causes } = incidentAfter('connect_refused', atMs);
    assert.deepEqual(
      { failed, startedAt, cause, firstRequestAt },
      { failed: none.failed + 1, startedAt: wall + atMs, cause: 'connect_refused', firstRequestAt: wall + atMs - 2 },
    );
    assert.deepEqual(
      causes.map((one) => [one.cause, one.failed, one.isConsequence]),
      [
        ['no_endpoint_ready', none.failed, true],
        ['connect_refused', 1, false],
      ],
    );
  });

for (const [what, cause, atMs, upstream] of [
  ['long before it', 'connect_refused', outMs - 20_000, 'api'],
  ['at another upstream', 'connect_refused', outMs - 53, 'other'],
  ['that takes no endpoint out', 'response_head_timeout', outMs - 53, 'api'],
] as const)
  test(`a failure ${what} is none of the incident`, () => {
    const incident = incidentAfter(cause, atMs, upstream);
    assert.deepEqual({ failed: incident.failed, startedAt: incident.startedAt, cause: incident.cause }, none);
  });
