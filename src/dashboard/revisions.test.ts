import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventJson } from '../core/event-json.ts';
import { revisionsOf } from './revisions.ts';

const event = (kind: string, revision: number, evidence: object): EventJson =>
  ({ kind, revision, at: '2026-01-01T12:00:00.000Z', actor: 'signal:SIGHUP', evidence }) as unknown as EventJson;

test('the events of applied configurations are revisions, and others are not', () => {
  const events = [
    event('configuration_applied', 3, { changed: ['routes: /api'] }),
    event('configuration_rejected', 2, { errors: ['line 3: x'] }),
    event('configuration_applied', 1, {}),
  ];
  assert.deepEqual(
    revisionsOf(events).map(({ revision, changed, actor, diff }) => [revision, changed, actor, diff]),
    [
      [3, ['routes: /api'], 'signal:SIGHUP', null],
      [1, [], 'signal:SIGHUP', null],
    ],
  );
});
