import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CountedCause, LiveIncident } from '../../core/live-incident.ts';
import { rankSuspects } from './suspects.ts';

function incidentOf(family: LiveIncident['family'], counts: readonly (readonly [CountedCause['cause'], number])[]) {
  const failed = counts.reduce((sum, [, count]) => sum + count, 0);
  const [first] = counts;
  return {
    family,
    upstream: 'app',
    cause: first?.[0] === 'application_5xx' ? null : (first?.[0] ?? null),
    requests: failed,
    failed,
    attemptsFailed: failed,
    causes: counts.map(([cause, count]) => ({ cause, count, isConsequence: false })),
    routes: [],
    endpoints: [],
    rate: { before: null, during: 1 },
  } as unknown as LiveIncident;
}

function firstSentence(incident: LiveIncident): string {
  const ranked = rankSuspects({
    incident,
    watched: { application: null, endpoints: [] },
    events: [],
    usualDurations: [],
    slowDurations: [],
    staleReusesFailed: 0,
  });
  return ranked[0]?.sentence ?? '';
}

describe('a suspect names the failure that it is about, whichever came first', () => {
  const cases = [
    [
      'garbage',
      [
        ['reset_before_response', 3],
        ['response_framing', 9],
      ],
      /no valid HTTP: the end of the application's answer cannot be determined/,
    ],
    [
      'tls',
      [
        ['tls_timeout', 1],
        ['tls_certificate_expired', 9],
      ],
      /certificate is not accepted: .*expired/,
    ],
  ] as const;
  for (const [family, counts, sentence] of cases)
    test(counts.map(([cause]) => cause).join(', '), () => {
      assert.match(firstSentence(incidentOf(family, counts)), sentence);
    });
});
