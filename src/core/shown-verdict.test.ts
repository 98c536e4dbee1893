import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictStates, type VerdictState } from './service-verdict.ts';
import { shownVerdict, type ShownTraffic } from './shown-verdict.ts';

const quiet: ShownTraffic = { requests: 1000, errors: 10, incidents: 0 };

const shown = (state: VerdictState, traffic: Partial<ShownTraffic>): string => {
  const verdict = shownVerdict({ state, reason: 'as it was' }, { ...quiet, ...traffic });
  return `${verdict.state}: ${verdict.reason}`;
};

test('a verdict is shown as it is while few requests failed and no incident goes on', () => {
  for (const state of verdictStates) assert.equal(shown(state, {}), `${state}: as it was`);
  // One that failed among others.
  assert.equal(shown('ok', { requests: 3, errors: 1 }), 'ok: as it was');
});

const overruled: readonly (readonly [Partial<ShownTraffic>, string])[] = [
  [{ errors: 11 }, 'degraded: 11 of 1000 requests failed in the last minute'],
  [{ requests: 3, errors: 2 }, 'degraded: 2 of 3 requests failed in the last minute'],
  [{ requests: 1, errors: 1 }, 'degraded: 1 of 1 request failed in the last minute'],
  [{ incidents: 1 }, 'degraded: an incident goes on'],
  [{ incidents: 2 }, 'degraded: 2 incidents go on'],
];
for (const [traffic, text] of overruled)
  test(`a good verdict is not shown where it is ${text}`, () => {
    for (const state of ['ok', 'idle', 'unknown'] as const) assert.equal(shown(state, traffic), text);
    for (const state of ['failing', 'degraded', 'maintenance'] as const)
      assert.equal(shown(state, traffic), `${state}: as it was`);
  });
