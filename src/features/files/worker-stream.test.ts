import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Deadlines } from '../../core/deadline.ts';
import { localSemaphoreSource } from '../../core/local-semaphore.ts';
import { LineHeaders } from '../../core/line-headers.ts';
import { PoolClasses } from '../../core/pool-classes.ts';
import type { OutgoingRequest, ResponseHead } from '../../core/message.ts';
import type { UpstreamHandler } from '../../core/stream.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { AnsweredTargets } from '../../policy/answered-targets.ts';
import type { Clock, Instant } from '../../core/time.ts';
import { Disk, systemCalls } from './worker-disk.ts';
import { FileStream } from './worker-stream.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-stream-'));
after(() => rmSync(root, { recursive: true }));

const mebibyte = 1024 * 1024;
const partsOf = (bytes: number): number => bytes / (256 * 1024);

function fileOf(name: string, bytes: number): { readonly path: string; readonly content: Buffer } {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) content.writeUInt32LE(at * 7, at);
  const path = join(root, name);
  writeFileSync(path, content);
  return { path, content };
}

/** Moved by hand, within a call too. Nothing is due in these tests. */
class HandClock implements Clock {
  ms = 1000;

  now(): Instant {
    return this.ms as Instant;
  }

  wallTime(): number {
    return this.ms;
  }

  schedule(): { cancel(): void } {
    return { cancel() {} };
  }
}

/** Counts who reads. */
class CountedDisk extends Disk {
  byThreads = 0;
  byWorker = 0;
  /** What the worker has read before a thread did, at the most. */
  mostAtOnce = 0;
  readonly clock: HandClock;
  slowMs = 0;
  #atOnce = 0;

  constructor(clock: HandClock) {
    super(new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, clock), {
      ...systemCalls,
      read: (...of) => {
        this.byThreads++;
        this.#atOnce = 0;
        return systemCalls.read(...of);
      },
    });
    this.clock = clock;
    this.isLocal = true;
  }

  override readNow(...of: Parameters<Disk['readNow']>): number {
    this.byWorker++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    this.clock.ms += this.slowMs;
    return super.readNow(...of);
  }
}

const head: ResponseHead = {
  ...{ status: 200, reason: 'OK', version: 'HTTP/1.1', contentLength: -1 },
  ...{ framing: { kind: 'until-close' }, headers: new LineHeaders([]) },
};

/** Fetches a file; `onPart` may pause the stream. */
async function fetched(
  path: string,
  disk: CountedDisk,
  onPart: (stream: FileStream, part: Uint8Array) => void = () => {},
): Promise<Buffer> {
  const fd = openSync(path, 'r');
  const facts = await disk.facts(fd);
  const ports = {
    clock: disk.clock,
    deadlines: new Deadlines(disk.clock),
    random: new SeededRandom(1),
    answered: new AnsweredTargets(),
  };
  const parts: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stream = new FileStream(path, head, { fd, facts }, disk, [{ start: 0, end: facts.size }], [], ports);
  const handler = {
    onResponse() {},
    onResponseBody(bytes: Uint8Array) {
      parts.push(Buffer.from(bytes));
      onPart(stream, bytes);
    },
    onResponseReadDone() {},
    onResponseEnd: () => resolve(),
    onAttemptFailed: ({ cause }: { cause: string }) => reject(new Error(cause)),
  } as unknown as UpstreamHandler;
  stream.send({} as OutgoingRequest, handler, { responseHeadMs: 1000, idleMs: 1000 });
  stream.flush();
  await promise;
  return Buffer.concat(parts);
}

test('a part that a thread has read within the last second is read at once, and then by a thread again', async () => {
  const { path, content } = fileOf('warm', mebibyte);
  const disk = new CountedDisk(new HandClock());
  assert.ok(content.equals(await fetched(path, disk)));
  assert.deepEqual([disk.byThreads, disk.byWorker], [partsOf(mebibyte), 0]);
  disk.clock.ms += 999;
  assert.ok(content.equals(await fetched(path, disk)));
  assert.deepEqual([disk.byThreads, disk.byWorker], [partsOf(mebibyte), partsOf(mebibyte)]);
  disk.clock.ms += 1;
  await fetched(path, disk);
  assert.equal(disk.byThreads, 2 * partsOf(mebibyte));
});

test('a part that was read in pieces, or of a disk that is not local, is read by a thread', async () => {
  const { path } = fileOf('remote', mebibyte);
  const disk = new CountedDisk(new HandClock());
  disk.isLocal = false;
  await fetched(path, disk);
  await fetched(path, disk);
  assert.equal(disk.byWorker, 0);
});

test('once a part took long, threads read all parts again', async () => {
  const { path } = fileOf('slow', mebibyte);
  const disk = new CountedDisk(new HandClock());
  await fetched(path, disk);
  disk.clock.ms += 1;
  disk.slowMs = 5;
  await fetched(path, disk);
  assert.deepEqual([disk.byThreads, disk.byWorker], [2 * partsOf(mebibyte) - 1, 1]);
});

test('other connections have their turn behind 2 MiB of one that takes all', async () => {
  const { path, content } = fileOf('fair', 8 * mebibyte);
  const disk = new CountedDisk(new HandClock());
  await fetched(path, disk);
  assert.ok(content.equals(await fetched(path, disk)));
  assert.equal(disk.mostAtOnce, partsOf(2 * mebibyte));
});

test('the bytes of a client that is paused stay as they are, whatever others read', async () => {
  const { path, content } = fileOf('paused', mebibyte);
  const other = fileOf('other', mebibyte);
  const disk = new CountedDisk(new HandClock());
  let checked = 0;
  const read = await fetched(path, disk, (stream, part) => {
    const before = Buffer.from(part);
    stream.pauseBody();
    void fetched(other.path, disk).then((bytes) => {
      assert.ok(bytes.equals(other.content));
      assert.ok(before.equals(part), 'the bytes are still those of the paused client');
      checked++;
      stream.resumeBody();
    });
  });
  assert.ok(read.equals(content));
  assert.equal(checked, partsOf(mebibyte));
});

test('a file that becomes shorter while it is read at once fails', async () => {
  const { path } = fileOf('shorter', mebibyte);
  const disk = new CountedDisk(new HandClock());
  await fetched(path, disk);
  let parts = 0;
  const cut = fetched(path, disk, () => {
    if (++parts === 2) closeSync(openSync(path, 'w'));
  });
  await assert.rejects(cut, /file_changed/);
  assert.deepEqual([parts, disk.byWorker], [2, 3]);
});
