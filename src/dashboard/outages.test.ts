import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncidentJson } from './model.ts';
import { outagesOf } from './outages.ts';

function incident(
  id: number,
  change: Partial<IncidentJson> & { readonly at?: number; readonly where?: string },
): IncidentJson {
  const { at = 0, where = 'a:1', ...rest } = change;
  return {
    ...{ id, joined: null, resolved_at: null, failed: 10 },
    started_at: new Date(Date.UTC(2026, 0, 1, 12) + at * 1000).toISOString(),
    endpoints: [
      { endpoint: where, attempts: 20, failed: 10 },
      { endpoint: 'well:1', attempts: 20, failed: 0 },
    ],
    ...rest,
  } as IncidentJson;
}

const shown = (...incidents: IncidentJson[]): unknown =>
  outagesOf(incidents).map(({ first, others }) => [first.id, others.map(({ id }) => id)]);

test('incidents that began within a minute at the same endpoints are one outage, of the one with the most failures', () => {
  assert.deepEqual(shown(incident(2, { at: 30, failed: 40 }), incident(1, { at: 0 })), [[2, [1]]]);
  assert.deepEqual(shown(incident(2, { at: 61 }), incident(1, { at: 0 })), [
    [2, []],
    [1, []],
  ]);
  assert.deepEqual(shown(incident(2, { where: 'b:1' }), incident(1, {})), [
    [2, []],
    [1, []],
  ]);
});

test('an incident that was found to be part of another one stands in its card, whenever it began', () => {
  const joined = incident(3, { at: 300, where: 'c:1', joined: 1, failed: 90, resolved_at: '2026-01-01T12:06:00.000Z' });
  assert.deepEqual(shown(joined, incident(2, { where: 'b:1' }), incident(1, {})), [
    [1, [3]],
    [2, []],
  ]);
});

test('one that goes on is not told with one that is over', () => {
  const over = incident(1, { resolved_at: '2026-01-01T12:01:00.000Z' });
  assert.deepEqual(shown(incident(2, { at: 30 }), over), [
    [2, []],
    [1, []],
  ]);
});
