import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SnapshotPart } from '../core/snapshot-parts.ts';
import { IncomingParts } from './incoming-parts.ts';

const part: SnapshotPart = { upstreams: [], routes: [] };

test('each part is requested after the previous one was taken, and the snapshot is complete after the last', async () => {
  const log: string[] = [];
  const parts = new IncomingParts((revision, index) => log.push(`ask ${revision}/${index}`));
  const whole = parts.receive(7, 2, () => log.push('take'));
  parts.add(7, part);
  parts.add(7, part);
  await whole;
  assert.deepEqual(log, ['ask 7/0', 'take', 'ask 7/1', 'take']);
});

test('a part of another revision, or after the last, is ignored', async () => {
  let taken = 0;
  const parts = new IncomingParts(() => {});
  const whole = parts.receive(7, 1, () => taken++);
  parts.add(6, part);
  assert.equal(taken, 0);
  parts.add(7, part);
  await whole;
  parts.add(7, part);
  assert.equal(taken, 1);
});
