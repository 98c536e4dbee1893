import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { DiskWatch, type FolderSpace, writtenFolders } from './disk-watch.ts';

const gib = 1024 ** 3;

function watched(
  spaceOf: (path: string) => FolderSpace | null,
  folders = writtenFolders('/var/log/c.log', '/var/store', null),
) {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const sink = { emit: (event: NewEvent) => void events.push(event) };
  const watch = new DiskWatch(
    clock,
    sink as never,
    () => folders,
    async (path) => spaceOf(path),
  );
  return { clock, watch, seen: () => events.map(({ subject, to }) => `${subject} ${to}`), events };
}

test('a disk that is nearly full is reported once, and once that it no longer is', async () => {
  let free = 5 * gib;
  const { clock, watch, seen, events } = watched(() => ({ device: 1, freeBytes: free, totalBytes: 100 * gib }));
  await watch.look();
  await clock.advance(60_000);
  assert.deepEqual(seen(), []);
  free = 0.5 * gib;
  await clock.advance(120_000);
  assert.deepEqual(seen(), ['disk:/var/log low']);
  assert.match(
    events[0]?.reason ?? '',
    /512 MiB of 100 GiB are free; the log and the store cannot be written once it is full$/,
  );
  free = 20 * gib;
  await clock.advance(120_000);
  assert.deepEqual(seen(), ['disk:/var/log low', 'disk:/var/log enough']);
  watch.close();
  assert.equal(clock.timersLive, 0);
});

test('each disk is judged by itself, and one that cannot be read is left out', async () => {
  const spaces: Record<string, FolderSpace | null> = {
    '/var/log': { device: 1, freeBytes: 1, totalBytes: 100 * gib },
    '/var/store': { device: 2, freeBytes: 50 * gib, totalBytes: 100 * gib },
    '/state': null,
  };
  const { watch, seen } = watched(
    (path) => spaces[path] ?? null,
    writtenFolders('/var/log/c.log', '/var/store', '/state'),
  );
  await watch.look();
  assert.deepEqual(seen(), ['disk:/var/log low']);
  watch.close();
});

test('standard output is on no disk', () => assert.deepEqual(writtenFolders('-', null, null), []));
