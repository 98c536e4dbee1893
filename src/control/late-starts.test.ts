import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lateStarts } from './application-watch.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';

const instance = (id: string, rest: Partial<InstanceStatus>): InstanceStatus =>
  ({ id, phase: 'ready', earlierCommand: null, late: false, reason: '', restarts: 0, ...rest }) as InstanceStatus;

function told(...instances: InstanceStatus[]): readonly string[] {
  const application: ApplicationStatus = { id: 'web', command: ['node'], instances };
  return lateStarts([application]).map(({ reason }) => reason);
}

test('a start that takes longer than it may is told unless an earlier instance serves', () => {
  const reason = 'not ready after 60 s: GET / answered 500';
  const late = instance('web/2', { phase: 'starting', late: true, reason });
  const why = `web/2 is ${reason}`;
  assert.deepEqual(told(late), [`${why}; no other instance serves, and requests get a 503.`]);
  assert.deepEqual(told(late, instance('web/3', {})), [`${why}; web/3 serves.`]);
  assert.deepEqual(told(instance('web/1', { earlierCommand: ['old'] }), late), []);
  assert.deepEqual(told(instance('web/2', { phase: 'starting' })), []);
});
