import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventJson } from '../core/event-json.ts';
import { auditEntries } from './audit-entries.ts';

// What the page Audit shows of events, as the admin API gives them: the newest first.

const startedAt = Date.UTC(2026, 10, 24, 12);
const oncall = 'admin:token:oncall';

interface GivenEvent {
  readonly kind: 'admin_action' | 'admin_refused' | 'overlay_changed';
  readonly subject?: string;
  readonly actor?: string;
  readonly evidence: object;
  readonly atS?: number;
}

/** Given in the order in which they happened, a millisecond apart. */
function entriesOf(...given: readonly GivenEvent[]) {
  const events = given.map(({ atS = 0, ...event }, index) => ({
    ...{ epoch: 'run', seq: index + 1, at: new Date(startedAt + atS * 1000 + index).toISOString() },
    ...{ subject: 'gateway', actor: oncall, reason: 'what the gateway says', ...event },
  }));
  return auditEntries(events.toReversed() as unknown as EventJson[]);
}

const action = (operation: string, outcome = 'done', more: object = {}): GivenEvent => ({
  kind: 'admin_action',
  evidence: { operation, outcome, remote: '10.0.0.1:5', ...more },
});
const changed = (entry: string, after: object | null): GivenEvent => ({
  kind: 'overlay_changed',
  subject: `overlay:${entry}`,
  evidence: { revision: 1, persisted: true, before: after === null ? {} : null, after },
});

describe('an entry of the audit', () => {
  test('says an action and its change once, in words, and who asked from where', () => {
    const [entry, ...others] = entriesOf(changed('maintenance:shop', { message: 'x' }), action('maintenance'));
    assert.equal(entry?.what, 'Maintenance switched on for route shop');
    assert.equal(entry.result, 'done');
    assert.deepEqual([entry.actor, entry.operation, entry.remote], [oncall, 'maintenance', '10.0.0.1:5']);
    assert.deepEqual(others, []);
  });

  test('has all that one restore has cleared', () => {
    const [entry, ...others] = entriesOf(
      changed('maintenance', null),
      changed('weight:shop/10.0.0.1:3000', null),
      action('restore'),
    );
    assert.equal(
      entry?.what,
      'Maintenance switched off for all routes; Weight of endpoint shop/10.0.0.1:3000 as in the file again',
    );
    assert.deepEqual(others, []);
  });

  test('has only its own change: not that of an earlier action, of another requester or of another kind', () => {
    const entries = entriesOf(
      changed('pause:upstream:api', { wait_ms: 1 }),
      action('pause'),
      { ...changed('pause:route:shop', { wait_ms: 1 }), actor: 'admin:token:other' },
      changed('drain:shop/10.0.0.1:3000', {}),
      action('pause'),
    );
    assert.deepEqual(
      entries.map(({ what }) => what),
      [
        'Pause',
        'Drain of endpoint shop/10.0.0.1:3000 begun',
        'Requests for route shop paused',
        'Requests for upstream api paused',
      ],
    );
  });

  test('has no change that was made long before it', () => {
    const entries = entriesOf(changed('maintenance:shop', {}), { ...action('maintenance'), atS: 60 });
    assert.deepEqual(
      entries.map(({ what }) => what),
      ['Maintenance', 'Maintenance switched on for route shop'],
    );
  });

  test('says what was asked for, and why it was not done', () => {
    const [entry] = entriesOf(
      action('maintenance', 'rejected', { target: 'checkout', why: 'There is no route checkout.' }),
    );
    assert.equal(entry?.what, 'Maintenance (checkout)');
    assert.equal(entry.result, 'nothing was changed: There is no route checkout.');
  });

  test('of a gateway that does not give the target and the reason has neither', () => {
    const [entry] = entriesOf(action('reload', 'rejected'));
    assert.deepEqual([entry?.what, entry?.result], ['Reload of the configuration', 'nothing was changed']);
  });

  test('shows a refused request as such, but not a visit that has still to sign in', () => {
    const refused = (operation: string, reason: string): GivenEvent => ({
      kind: 'admin_refused',
      evidence: { operation, reason, count: 2, remote: null },
    });
    const [visit, denied] = entriesOf(refused('reload', 'role'), refused('readSession', 'no_token'));
    assert.deepEqual([denied?.what, denied?.result, denied?.isRefused], ['what the gateway says', 'refused', true]);
    assert.equal(visit?.what, 'Dashboard opened 2 times without a session');
    assert.equal(visit.isRefused, false);
  });
});
