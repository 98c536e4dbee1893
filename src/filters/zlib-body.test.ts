import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import type { Failure } from '#failures/failure.ts';
import type { BodySink } from '../core/filter.ts';
import { localSemaphoreSource } from '../core/local-semaphore.ts';
import { PoolClasses, type PoolQueue } from '../core/pool-classes.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CompressBody, Compressors } from './compress-body.ts';
import { DecompressBody, Decompressors } from './decompress-body.ts';

function poolOf(cores: number): PoolQueue {
  const semaphore = (index: number, onAvailable: () => void) => localSemaphoreSource.pool(index, onAvailable);
  return new PoolClasses(semaphore, cores, new SimulatedClock()).of('zlib');
}

/** The receiver of a body. */
class Receiver implements BodySink {
  hasRoom = true;
  resumed = 0;
  failure: Failure | null = null;
  parts: Buffer[] = [];
  readonly done: Promise<void>;
  #settle = (): void => {};

  constructor() {
    this.done = new Promise((resolve) => (this.#settle = resolve));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.parts.push(Buffer.from(bytes.subarray(start, end)));
    return this.hasRoom;
  }

  end(): void {
    this.#settle();
  }

  resumeSender(): void {
    this.resumed++;
  }

  fail(failure: Failure): void {
    this.failure = failure;
    this.#settle();
  }
}

const text = Buffer.from(
  Array.from({ length: 40_000 }, (_, line) => `line ${line} of ${(line * 7919) % 1000}\n`).join(''),
);

const decode = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;

/** Processor time of this thread, which other programs do not change. */
function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a compressed body', () => {
  for (const [coding, level] of [
    ['gzip', 4],
    ['br', 4],
    ['zstd', 3],
  ] as const)
    it(`by ${coding} keeps its thread for less than 2 ms at a time, whatever its size`, async () => {
      const longest: number[] = [];
      // The first rounds compile; a collection of garbage may fall into any of them.
      for (let round = 0; round < 6; round++) {
        let slowest = 0;
        for (const bytes of [16_384, 65_536, text.length]) {
          const receiver = new Receiver();
          const body = new CompressBody(coding, level, bytes, new Compressors(poolOf(2)), receiver);
          for (let at = 0; at < bytes; at += 65_536) {
            slowest = Math.max(
              slowest,
              cpuMs(() => body.push(text, at, Math.min(bytes, at + 65_536))),
            );
            if (bytes > 16_384) await turn();
          }
          slowest = Math.max(
            slowest,
            cpuMs(() => body.end(null)),
          );
          await receiver.done;
          assert.ok(decode[coding](receiver.bytes).equals(text.subarray(0, bytes)));
        }
        longest.push(slowest);
      }
      assert.ok(Math.min(...longest) < 2, `${longest.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    });

  it('stops its sender while its receiver has no room, and goes on after', async () => {
    const receiver = new Receiver();
    receiver.hasRoom = false;
    const body = new CompressBody('gzip', 1, -1, new Compressors(poolOf(2)), receiver);
    let taken = 0;
    for (; body.push(text, taken, taken + 10_000); taken += 10_000)
      await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(taken < 200_000, `${taken} bytes were taken`);
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(receiver.resumed, 0);
    receiver.hasRoom = true;
    body.onRoom();
    for (let waited = 0; receiver.resumed === 0 && waited < 500; waited++)
      await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(receiver.resumed > 0);
    body.end(null);
    await receiver.done;
    assert.ok(gunzipSync(receiver.bytes).equals(text.subarray(0, taken + 10_000)));
  });

  it('that is closed gives its permit back, and writes nothing more', async () => {
    const pool = poolOf(1);
    const compressors = new Compressors(pool);
    const first = new Receiver();
    const second = new Receiver();
    const closed = new CompressBody('gzip', 9, -1, compressors, first);
    const waiting = new CompressBody('gzip', 1, -1, compressors, second);
    closed.push(text, 0, 300_000);
    waiting.push(text, 0, 100_000);
    assert.deepEqual([pool.waiting, compressors.streams], [1, 1]);
    closed.close();
    assert.equal(pool.waiting, 0);
    waiting.end(null);
    await second.done;
    assert.ok(gunzipSync(second.bytes).equals(text.subarray(0, 100_000)));
    assert.deepEqual([first.parts.length, compressors.streams, pool.hasRoom], [0, 0, true]);
  });

  it('is left as it is while 256 wait for a thread, if it is large', () => {
    const compressors = new Compressors(poolOf(1));
    const bodies = Array.from({ length: 257 }, () => new CompressBody('gzip', 1, -1, compressors, new Receiver()));
    for (const [index, body] of bodies.entries()) {
      assert.ok(compressors.hasRoomFor(-1, 'br', 4), `${index} bodies`);
      body.push(text, 0, 100_000);
    }
    assert.deepEqual(
      [
        compressors.hasRoomFor(-1, 'br', 4),
        compressors.hasRoomFor(100_000, 'br', 4),
        compressors.hasRoomFor(16_384, 'br', 4),
      ],
      [false, false, true],
    );
    for (const body of bodies) body.close();
    assert.ok(compressors.hasRoomFor(-1, 'br', 4));
  });
});

describe('a decoded body', () => {
  const limits = { bytesMax: 10_000_000, ratioMax: 100 };

  it('that becomes a thousand times as large is refused before much of it is written', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const receiver = new Receiver();
    const body = new DecompressBody('gzip', limits, new Decompressors(poolOf(2)), receiver);
    body.push(bomb, 0, bomb.length);
    body.end(null);
    await receiver.done;
    assert.equal(receiver.failure?.cause, 'request_refused');
    assert.ok(receiver.bytes.length <= bomb.length * 100);
  });

  it('that is decoded at once is written and ended once, also if its receiver says within the write that it has room', async () => {
    let body: DecompressBody | null = null;
    const written: string[] = [];
    const receiver: BodySink = {
      write: (_, start, end) => {
        written.push(`${end - start} bytes`);
        if (written.length < 5) body?.onRoom();
        return true;
      },
      end: () => void written.push('end'),
      resumeSender() {},
      fail() {},
    };
    const coded = gzipSync(text.subarray(0, 1000));
    body = new DecompressBody('gzip', limits, new Decompressors(poolOf(2)), receiver);
    body.push(coded, 0, coded.length);
    body.end(null);
    await turn();
    assert.deepEqual(written, ['1000 bytes', 'end']);
  });

  it('is one of 64 with large windows, and of any number with small ones', async () => {
    const decompressors = new Decompressors(poolOf(100));
    const coded = brotliCompressSync(text);
    const receivers = Array.from({ length: 65 }, () => new Receiver());
    const bodies = receivers.map((receiver) => new DecompressBody('br', limits, decompressors, receiver));
    for (const body of bodies) body.push(coded, 0, 1000);
    await turn();
    assert.deepEqual(
      receivers.map(({ failure }) => failure?.evidence).filter((evidence) => evidence !== undefined),
      [{ rule: 'decoders-busy', status: 503, at: '64 bodies at a time' }],
    );
    const receiver = new Receiver();
    const gzip = gzipSync(text);
    const small = new DecompressBody('gzip', limits, decompressors, receiver);
    small.push(gzip, 0, gzip.length);
    small.end(null);
    await receiver.done;
    assert.ok(receiver.bytes.equals(text));
    for (const body of bodies) body.close();
    assert.equal(decompressors.large, 0);
  });
});
