import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveInstance } from '../core/live-instance.ts';
import { InstanceDrains } from './applications.ts';

const instance = (id: string): LiveInstance =>
  ({ id, address: { kind: 'tcp', host: '127.0.0.1', port: 4711 } }) as unknown as LiveInstance;

/** Whether each promise has settled after all pending callbacks have run. */
async function settled(...promises: readonly Promise<void>[]): Promise<boolean[]> {
  const done = promises.map(() => false);
  promises.forEach((promise, index) => void promise.then(() => (done[index] = true)));
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

test('an instance has drained when no worker may use it any more, and at once if no worker knows it', async () => {
  const used = new Set(['web/1', 'web/2']);
  const drains = new InstanceDrains((ending) => [...used].some((id) => ending.startsWith(`/${id}/`)));
  const [one, two, unknown] = ['web/1', 'web/2', 'web/3'].map((id) => drains.whenDrained(instance(id)));
  assert.ok(one !== undefined && two !== undefined && unknown !== undefined);
  drains.resolveDrained();
  assert.deepEqual(await settled(one, two, unknown), [false, false, true]);
  used.delete('web/1');
  drains.resolveDrained();
  assert.deepEqual(await settled(one, two), [true, false]);
});

test('waiting for an instance ends when the instance is gone', async () => {
  let isUsed = true;
  const drains = new InstanceDrains(() => isUsed);
  const waiting = drains.whenDrained(instance('web/1'));
  drains.keepOnly([instance('web/2')]);
  isUsed = false;
  drains.resolveDrained();
  assert.deepEqual(await settled(waiting), [false], 'the caller sets its own time limit');
});
