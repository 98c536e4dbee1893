import assert from 'node:assert/strict';
import { it } from 'node:test';
import { localSemaphoreSource } from '../../core/local-semaphore.ts';
import { PoolClasses } from '../../core/pool-classes.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { Disk, systemCalls } from './worker-disk.ts';
import { Root } from './worker-file.ts';
import { listingOf } from './worker-listing.ts';

it('lists files whose time no date can be', async () => {
  const entries = [9e18, -9e18, Date.UTC(2025, 5, 1)].map((modifiedMs, index) => ({
    ...{ name: `${index}.txt`, isFolder: false, size: 1, modifiedMs },
  }));
  const pool = new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, new SimulatedClock());
  const root = new Root(
    '/',
    new Disk(pool, { ...systemCalls, entries: () => Promise.resolve({ entries, left: 0 }) }),
    null,
  );
  const facts = { kind: 'folder', device: 0, inode: 0n, isLinked: true, size: 0, mtimeNs: 0n, ctimeNs: 0n } as const;
  const { body } = await listingOf('/', { fd: -1, facts }, root);
  const dates = [
    ...Buffer.from(body)
      .toString()
      .matchAll(/number date">([^<]*)<\/td>/g),
  ].map(([, date]) => date);
  assert.deepEqual(dates, ['', '', '2025-06-01 00:00']);
});
