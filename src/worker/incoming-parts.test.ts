import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
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

test('whatever arrives in between, a snapshot gets its own parts in order, and an abandoned one gets none any more', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.nat(8),
      fc.infiniteStream(fc.boolean()),
      async (count, until, strays) => {
        const parts = new IncomingParts(() => {});
        const [abandoned, taken]: [SnapshotPart[], SnapshotPart[]] = [[], []];
        let isAbandonedWhole = false;
        const given = Array.from({ length: count }, (): SnapshotPart => ({ upstreams: [], routes: [] }));
        void parts.receive(6, 9, (one) => abandoned.push(one)).then(() => (isAbandonedWhole = true));
        for (let index = 0; index < until; index++) parts.add(6, part);
        const whole = parts.receive(7, count, (one) => taken.push(one));
        for (const one of given) {
          if (strays.next().value === true) parts.add(6, part);
          parts.add(7, one);
        }
        await whole;
        assert.equal(taken.length, count);
        taken.forEach((one, index) => assert.equal(one, given[index]));
        assert.deepEqual([abandoned.length, isAbandonedWhole], [until, false]);
      },
    ),
  );
});
