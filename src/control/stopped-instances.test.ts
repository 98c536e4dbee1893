import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveInstance } from '../core/live-instance.ts';
import { withStopped } from './applications.ts';

const finding = { reason: 'no answer within 1000 ms', fix: 'find out what its answer waits for', lasting: false };
const instance = (id: string, found: LiveInstance['finding']): LiveInstance => ({
  ...{ id, address: { kind: 'tcp', host: '127.0.0.1', port: 4000 }, state: 'unhealthy', reason: 'checks failed' },
  ...{ finding: found, sinceInstant: 7, release: null, exit: null },
});
const figuresOf = (id: string) => (id === 'web/1' ? { stoppedPids: [77] } : {});

test('an instance that a signal has stopped is not ready for that reason, with the step that lets it go on', () => {
  const [stopped, other] = withStopped([instance('web/1', finding), instance('web/2', finding)], figuresOf);
  assert.deepEqual(stopped?.stoppedPids, [77]);
  assert.match(stopped?.reason ?? '', /^its checks fail: process 77 is stopped/);
  assert.match(stopped?.finding?.reason ?? '', /^process 77 is stopped/);
  assert.match(stopped?.finding?.fix ?? '', /^let it go on with `kill -CONT 77`/);
  assert.deepEqual(other, instance('web/2', finding));
});

test('of one whose checks have not failed yet, only the processes are added', () => {
  const ready = instance('web/1', null);
  assert.deepEqual(withStopped([ready], figuresOf), [{ ...ready, stoppedPids: [77] }]);
});
