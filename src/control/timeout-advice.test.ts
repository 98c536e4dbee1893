import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeoutStatus } from './timeout-advice.ts';

test('the advice for a timeout says of which time its figures are', () => {
  const since = Date.UTC(2026, 0, 1, 12);
  const times = { route: '/', answered: 2000, since, p999Ms: 300, longestMs: 400, samples: 2000, timedOut: 0 };
  const timeouts = { responseHeadMs: 60_000, exchangeMs: null } as Parameters<
    typeof timeoutStatus
  >[0][number]['timeouts'];
  const [advice] = timeoutStatus([{ id: '/' as never, timeouts }], [times], since + 2 * 3_600_000);
  assert.match(
    advice?.reason ?? '',
    /; in the last 2 h 0 min \(since 2026-01-01T12:00:00Z\), 99\.9 % of 2000 responses/,
  );
});
