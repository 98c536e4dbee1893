import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveIncident } from '../core/live-incident.ts';
import { EarlierFailuresOfUpstreams } from './earlier-failures.ts';

const minuteMs = 60_000;

/** Half of its requests failed for one minute. */
function incidentOf(startedMs: number, upstream = 'api', family: LiveIncident['family'] = 'gone'): LiveIncident {
  const [lastAt, resolvedAt] = [startedMs + minuteMs, startedMs + 2 * minuteMs];
  return {
    ...{ family, startedAt: startedMs, lastAt, resolvedAt, requests: 100, failed: 50, attemptsFailed: 0 },
    upstreams: [{ upstream, failed: 50 }],
  } as unknown as LiveIncident;
}

function earlierOf(...startedMs: readonly number[]): EarlierFailuresOfUpstreams {
  const earlier = new EarlierFailuresOfUpstreams();
  for (const one of startedMs) earlier.add(incidentOf(one), 0, () => 0);
  return earlier;
}

describe('failures count as the same ones', () => {
  const cases: readonly (readonly [what: string, started: readonly number[], again: number, since: number | null])[] = [
    ['30 minutes after the last of them', [0], 31, 0],
    ['and not later', [0], 31.01, null],
    ['since the earliest whose last failure was within 30 minutes', [0, 20], 31, 0],
    ['and not since one before, even if another one was between them', [0, 20], 40, 20],
  ];
  for (const [what, started, again, since] of cases)
    test(what, () => {
      const earlier = earlierOf(...started.map((minutes) => minutes * minuteMs));
      const found = earlier.since('api', 'gone', again * minuteMs, 0);
      assert.equal(found === null ? null : found / minuteMs, since);
    });
  test('of the same upstream and family alone', () => {
    const earlier = earlierOf(0);
    assert.deepEqual(
      [earlier.since('web', 'gone', minuteMs, 0), earlier.since('api', 'slow', minuteMs, 0)],
      [null, null],
    );
  });
  test('until five of them were to be expected; requests since they began again do not count', () => {
    const earlier = earlierOf(0);
    earlier.count('api', 9, 3 * minuteMs);
    assert.equal(earlier.since('api', 'gone', 4 * minuteMs, 0), 0);
    earlier.count('api', 1, 3 * minuteMs);
    assert.deepEqual(
      [0, 1].map((now) => earlier.since('api', 'gone', 4 * minuteMs, now)),
      [null, 0],
    );
  });
});

describe('what can no longer be the same is forgotten', () => {
  test('30 minutes after its last failure', () => {
    const earlier = earlierOf(0);
    earlier.count('api', 0, 31 * minuteMs);
    assert.equal(earlier.size, 1);
    earlier.count('api', 0, 31 * minuteMs + 1);
    assert.equal(earlier.size, 0);
  });
  test('without a request of its upstream, once another incident ends', () => {
    const earlier = earlierOf(0);
    earlier.add(incidentOf(60 * minuteMs, 'web'), 0, () => 0);
    assert.equal(earlier.size, 1);
  });
  test('a minute after requests have shown that it was over, with those before it', () => {
    const earlier = earlierOf(0, 5 * minuteMs);
    earlier.add(incidentOf(0, 'api', 'slow'), 0, () => 0);
    earlier.count('api', 10, 8 * minuteMs);
    earlier.count('api', 1, 9 * minuteMs);
    assert.equal(earlier.size, 3);
    earlier.count('api', 1, 9 * minuteMs + 1001);
    assert.equal(earlier.size, 0);
  });
  test('with the oldest of the upstream that has had none for longest, beyond 200', () => {
    const earlier = earlierOf(0);
    for (let one = 0; one < 200; one += 1) earlier.add(incidentOf(0, `other${one}`), 0, () => 0);
    assert.deepEqual([earlier.size, earlier.since('api', 'gone', 3 * minuteMs, 0)], [200, null]);
  });
});
