/**
 * Measures the compression of a rotated log: `node bench/compress.ts [file]`. Without a file it writes 100 MiB of records
 * with random ids, addresses and times to the folder for temporary files, and removes them at the end. It prints, per
 * format and level, the size and the CPU time of whole and of sliced compression. CPU time is that of the thread, because other programs use the machine too. At last it lets the
 * archiver of the gateway compress a copy in real time, and prints what the whole process took, reading and writing included.
 */
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { Instant } from '../src/core/time.ts';
import { CoreShare } from '../src/record/core-share.ts';
import { LogArchiver } from '../src/record/log-archiver.ts';
import { compressSlice, endOfSlice, type LogArchive, sliceBytes } from '../src/record/log-slice.ts';
import { sampleAttempt, sampleClient, sampleExchange } from '../src/record/sample-exchange.test-support.ts';
import { TestRing } from '../src/record/test-ring.test-support.ts';
import { RecordWriter } from '../src/record/write-record.ts';
import { systemClock } from '../src/system/system.ts';

const logBytes = 100 * 1024 ** 2;

function writeLog(path: string): void {
  const ring = new TestRing();
  const parts = {
    deployment: 'shop',
    member: 'gw-1',
    processStartedUnixMs: 0,
    processKey: 'k3f9xa',
    worker: 1,
    queryAllowed: [],
    ring,
  };
  const writer = new RecordWriter(parts);
  const file = openSync(path, 'w');
  for (let bytes = 0, n = 0; bytes < logBytes; n++) bytes += writeSync(file, recordLine(writer, n));
  closeSync(file);
}

/** Differs from its neighbours as the records of a shop do. */
function recordLine(writer: RecordWriter, n: number): string {
  const wall = Date.UTC(2026, 10, 21) + n / 2;
  const time = Math.floor(wall).toString(16).padStart(12, '0');
  const startedAt = (n / 2 + Math.random()) as Instant;
  const headMs = 1 + 20 * Math.random() ** 3;
  const port = 3000 + randomInt(4);
  const address = `203.0.${randomInt(40)}.${randomInt(256)}`;
  return writer.line(
    sampleExchange({
      id: `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`,
      traceId: randomBytes(16).toString('hex'),
      startedWall: wall,
      startedAt,
      endedAt: (startedAt + headMs + Math.random()) as Instant,
      client: sampleClient({ address, port: 1024 + randomInt(60_000), peerAddress: address }),
      target: `/products/${randomInt(5000)}?page=${randomInt(9)}`,
      bytesToClient: 200 + randomInt(20_000),
      attempts: [
        sampleAttempt({
          endpoint: `shop/127.0.0.1:${port}`,
          address: `127.0.0.1:${port}`,
          idleMs: 1000 * Math.random(),
          localPort: 32_768 + randomInt(28_000),
          startedMs: Math.random() / 5,
          sentMs: 0.2 + Math.random() / 5,
          headMs,
          endedMs: headMs + Math.random(),
        }),
      ],
    }),
  );
}

function* slicesOf(log: Buffer): Generator<Buffer> {
  for (let at = 0; at < log.length; ) {
    const slice = log.subarray(at, at + sliceBytes);
    const end = at + slice.length === log.length ? slice.length : endOfSlice(slice);
    yield slice.subarray(0, end);
    at += end;
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function measure(name: string, log: Buffer, compress: () => Iterable<Buffer>): void {
  const rounds = [1, 2, 3].map(() => {
    let [bytes, parts] = [0, 0];
    const start = cpuMs();
    for (const part of compress()) {
      bytes += part.length;
      parts += 1;
    }
    return { bytes, parts, ms: cpuMs() - start };
  });
  const { bytes, ms, parts } = rounds.toSorted((a, b) => a.ms - b.ms)[0]!;
  const figures = [
    `${(bytes / 1024 ** 2).toFixed(1).padStart(5)} MiB`,
    `1/${(log.length / bytes).toFixed(1)}`.padStart(6),
    `${ms.toFixed(0).padStart(5)} ms`,
    `${(ms / parts).toFixed(2)} ms a step`,
  ];
  console.log(`${name.padEnd(22)} ${figures.join('  ')}`);
}

function sliced(log: Buffer, archive: LogArchive, level: number): () => Iterable<Buffer> {
  return function* () {
    for (const slice of slicesOf(log)) yield compressSlice(slice, archive, level);
  };
}

/** Rests let caches go cold, so that each step takes longer than without them. */
async function measureArchiver(path: string, archive: LogArchive): Promise<void> {
  const copy = join(folder, archive);
  copyFileSync(path, `${copy}.2`);
  const [start, startCpu] = [performance.now(), process.cpuUsage()];
  const compressed = await new LogArchiver(copy, new CoreShare(systemClock)).compress(archive);
  const { user, system } = process.cpuUsage(startCpu);
  const [ms, cpu] = [performance.now() - start, (user + system) / 1000];
  if (!compressed.ok) throw new Error(compressed.failure);
  const share = `${((100 * cpu) / ms).toFixed(1)} % of a core`;
  console.log(`the archiver, ${archive}: ${(ms / 1000).toFixed(1)} s, ${cpu.toFixed(0)} ms of CPU, ${share}`);
}

const folder = mkdtempSync(join(tmpdir(), 'candor-compress-'));
try {
  const [, , given] = process.argv;
  const path = given ?? join(folder, 'log');
  if (given === undefined) writeLog(path);
  const log = readFileSync(path);
  console.log(`${(log.length / 1024 ** 2).toFixed(1)} MiB, slices of ${sliceBytes / 1024} KiB, best of three rounds`);
  measure('gzip 1, whole', log, () => [gzipSync(log, { level: 1 })]);
  measure('gzip 1, sliced', log, sliced(log, 'gzip', 1));
  for (const level of [1, 2, 3]) {
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    measure(`zstd ${level}, whole`, log, () => [zstdCompressSync(log, { params })]);
    measure(`zstd ${level}, sliced`, log, sliced(log, 'zstd', level));
  }
  for (const archive of ['zstd', 'gzip'] as const) await measureArchiver(path, archive);
} finally {
  rmSync(folder, { recursive: true });
}
