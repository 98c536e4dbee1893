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
  readonly epoch?: string;
}

/** Given in the order in which they happened, a millisecond apart. */
function entriesOf(...given: readonly GivenEvent[]) {
  const events = given.map((event, index) => ({
    ...{ epoch: 'run', seq: index + 1, at: new Date(startedAt + index).toISOString() },
    ...{ subject: 'gateway', actor: oncall, reason: 'what the gateway says', ...event },
  }));
  return auditEntries(events.toReversed() as unknown as EventJson[]);
}

const action = (operation: string, outcome = 'done', more: object = {}): GivenEvent => ({
  kind: 'admin_action',
  evidence: { operation, outcome, remote: '10.0.0.1:5', ...more },
});
const changed = (entry: string, after: object | null, revision = 1): GivenEvent => ({
  kind: 'overlay_changed',
  subject: `overlay:${entry}`,
  evidence: { revision, persisted: true, before: after === null ? {} : null, after },
});

/** What an action has changed of the overlay, in revision 1. */
const changes = (...entries: readonly (readonly [id: string, after: object | null])[]): object => ({
  overlay: { revision: 1, entries: entries.map(([id, after]) => ({ id, after })) },
});

describe('an entry of the audit', () => {
  test('says an action and its change once, in words, and who asked from where', () => {
    const [entry, ...others] = entriesOf(
      changed('maintenance:shop', { message: 'x' }),
      action('maintenance', 'done', changes(['maintenance:shop', { message: 'x' }])),
    );
    assert.equal(entry?.what, 'Maintenance switched on for route shop');
    assert.equal(entry.result, 'done');
    assert.deepEqual([entry.actor, entry.operation, entry.remote], [oncall, 'maintenance', '10.0.0.1:5']);
    assert.deepEqual(others, []);
  });

  test('has all that one restore has cleared, also where the changes are on an earlier page of events', () => {
    const [entry, ...others] = entriesOf(
      action('restore', 'done', changes(['maintenance', null], ['weight:shop/10.0.0.1:3000', null])),
    );
    assert.equal(
      entry?.what,
      'Maintenance switched off for all routes; Weight of endpoint shop/10.0.0.1:3000 as in the file again',
    );
    assert.deepEqual(others, []);
  });

  test('names the incident that was muted, until when and why', () => {
    const target = 'incident 3 until 2026-11-24T14:00:00.000Z';
    const [entry] = entriesOf(action('muteIncident', 'done', { target, reason: 'the disk is replaced' }));
    assert.deepEqual(
      [entry?.what, entry?.actor, entry?.result],
      [`Mute (${target}): the disk is replaced`, oncall, 'done'],
    );
  });

  test('has only its own change, however soon another one of the same requester follows', () => {
    const entries = entriesOf(
      changed('pause:upstream:api', { wait_ms: 1 }),
      action('pause', 'done', changes(['pause:upstream:api', { wait_ms: 1 }])),
      { ...changed('pause:route:shop', { wait_ms: 1 }, 2), actor: 'admin:token:other' },
      changed('pause:route:blog', { wait_ms: 1 }, 3),
      action('pause'),
    );
    assert.deepEqual(
      entries.map(({ what }) => what),
      ['Pause', 'Requests for route blog paused', 'Requests for route shop paused', 'Requests for upstream api paused'],
    );
  });

  test('is there for a change of the same revision that another process made', () => {
    const [, other] = entriesOf(
      { ...changed('maintenance:shop', {}), epoch: 'earlier' },
      action('maintenance', 'done', changes(['maintenance:blog', {}])),
    );
    assert.equal(other?.what, 'Maintenance switched on for route shop');
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
