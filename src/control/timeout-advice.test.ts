import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ResponseTimes } from '../core/response-times.ts';
import { timeoutStatus, troubledTimes } from './timeout-advice.ts';

const hour = 3_600_000;
const since = Date.UTC(2026, 0, 1, 12);
const now = since + 30 * hour;

/** What is advised of the route /, whose responses begin within 300 ms. */
function advised(
  incidents: Parameters<typeof troubledTimes>[0] = [],
  { responseHeadMs = 60_000, exchangeMs = null as number | null } = {},
  more: Partial<ResponseTimes> = {},
) {
  const timeouts = { responseHeadMs, exchangeMs } as Parameters<typeof timeoutStatus>[0][number]['timeouts'];
  const figures = { answered: 2000, p999Ms: 300, longestMs: 400, samples: 2000, timedOut: 0, wellHours: 25 };
  const observed = [{ route: '/', since, ...figures, isTroubled: false, lastHourP99Ms: 200, ...more }];
  return timeoutStatus([{ id: '/' as never, timeouts }], {
    observed,
    troubled: troubledTimes(incidents, now),
    wallMs: now,
  });
}

const incident = (startedAt: number, resolvedAt: number | null) => ({
  firstRequestAt: startedAt - 2000,
  startedAt,
  resolvedAt,
});

describe('the advice for a timeout', () => {
  test('says of which hours its figures are', () => {
    assert.match(
      advised()[0]?.reason ?? '',
      /; in 25 hours without an incident or a timeout \(since 2026-01-01T12:00:00Z\), 99\.9 % of 2000 responses/,
    );
  });

  test('is not shown while an incident is open, nor within an hour of one', () => {
    assert.deepEqual(advised([incident(now - 10 * hour, null)]), []);
    assert.deepEqual(advised([incident(now - 10 * hour, now - hour + 1)]), []);
    assert.equal(advised([incident(now - 10 * hour, now - hour)]).length, 1);
  });

  test('names no number where none is known', () => {
    const [advice] = advised([], { exchangeMs: 30_000 }, { answered: 0, samples: 0 });
    assert.equal(advice?.advisedMs, null);
    assert.match(
      advice.nextStep,
      /^Set `timeouts\.response_head` of the route \/ below its `timeouts\.exchange`, and above/,
    );
  });
});

test('times of which incidents may have been forgotten are troubled', () => {
  const incidents = Array.from({ length: 100 }, (_, n) => incident(now - (n + 2) * hour, now - (n + 1.5) * hour));
  assert.deepEqual(troubledTimes(incidents, now).at(-1), { from: 0, until: now - 101 * hour - 2000 });
  assert.equal(troubledTimes(incidents.slice(1), now).length, 99);
});
