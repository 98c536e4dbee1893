import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { processTreeUsage } from '../src/system/process-tree-usage.ts';

/**
 * Prints how long the main thread takes for a sample of an application's processes, and how long the proportional set size
 * (`smaps_rollup`) of the same process would take:
 *
 *     node scripts/with-node.cjs bench/process-samples.ts
 */
const samples = 500;

interface Subject {
  readonly name: string;
  readonly megabytes: number;
  readonly files: number;
  readonly workers: number;
}

const subjects: readonly Subject[] = [
  { name: 'an idle process', megabytes: 0, files: 0, workers: 0 },
  { name: 'one process with 10,000 files', megabytes: 0, files: 10_000, workers: 0 },
  { name: 'one process with 1 GiB', megabytes: 1024, files: 0, workers: 0 },
  { name: 'a process with 8 workers', megabytes: 0, files: 0, workers: 8 },
];

/** Holds memory that it has written, files and processes like itself, until its input ends. */
const program = `
  const { openSync } = require('node:fs');
  const { spawn } = require('node:child_process');
  const [megabytes, files, workers] = process.argv.slice(1).map(Number);
  globalThis.held = Array.from({ length: megabytes }, () => Buffer.alloc(1024 * 1024, 1));
  for (let n = 0; n < files; n++) openSync('/dev/null');
  const idle = "process.stdin.resume(); process.stdout.write('x')";
  const children = Array.from({ length: workers }, () => spawn(process.execPath, ['-e', idle], { stdio: ['pipe', 'pipe', 'inherit'] }));
  Promise.all(children.map((child) => new Promise((ready) => child.stdout.once('data', ready)))).then(() => process.stdout.write('ready'));
  process.stdin.on('end', () => process.exit()).resume();
`;

for (const subject of subjects) await measure(subject);

async function measure({ name, megabytes, files, workers }: Subject): Promise<void> {
  const argv = ['-e', program, megabytes, files, workers].map(String);
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const pid = pidOf(child);
    const usage = processTreeUsage(pid);
    const megabytesNow = Math.round((usage?.residentBytes ?? 0) / 1024 / 1024);
    console.log(
      `${name}: ${usage?.processes} processes, ${megabytesNow} MiB, ${usage?.openFiles} files of the fullest`,
    );
    print('sample', () => processTreeUsage(pid));
    print('smaps_rollup', () => readFileSync(`/proc/${pid}/smaps_rollup`));
  } finally {
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  }
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process has not started');
  return pid;
}

function print(what: string, once: () => unknown): void {
  const times = Array.from({ length: samples }, () => {
    const before = performance.now();
    once();
    return performance.now() - before;
  }).toSorted((one, other) => one - other);
  const [median, ninetyNinth] = [0.5, 0.99].map((share) => (times[Math.floor(share * samples)] ?? 0).toFixed(2));
  console.log(`  ${what.padEnd(12)} median ${median} ms, 99 % ${ninetyNinth} ms`);
}
