import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPlan } from './plan-test-files.ts';
import { repositoryRoot } from './repository.ts';
import type { TestReport } from './test-report.ts';

export interface TestLimits {
  /** How many files run at once, beside `waitingFilesMax` of those that mostly wait. */
  readonly filesMax: number;
  readonly waitingFilesMax: number;
  /** Milliseconds that one file may take, from its start to the end of its process. */
  readonly fileMsMax: number;
  /** Milliseconds after which no file is begun, and those that run are ended. */
  readonly runMsMax: number;
  /** Milliseconds between asking a file's process to end (SIGTERM) and ending it (SIGKILL). */
  readonly graceMs: number;
}

/**
 * Runs test files, each in a process of its own, and tells the report what comes of them: also which of them had to be
 * ended, and which were never begun. Only the early ones are begun before the peers are prepared. The runner's own `timeout` is of each test and not of the file, and its `signal`
 * reports files as failed that it never ran; so each file is a run by itself here.
 */
export async function runTestFiles(
  plan: TestPlan,
  limits: TestLimits,
  report: TestReport,
  peersPrepared: Promise<unknown>,
): Promise<void> {
  const [early, working, waiting] = [[...plan.early], [...plan.working], [...plan.waiting]];
  const runEnd = performance.now() + limits.runMsMax;
  const runAll = async (...queues: readonly string[][]): Promise<void> => {
    for (const queue of queues) {
      for (let path = takeUntil(runEnd, queue); path !== undefined; path = takeUntil(runEnd, queue))
        await runFile(path, limits, runEnd, report);
    }
  };
  // One after another, always: one writes what another passes by.
  const beforePeers = runAll(early);
  await peersPrepared;
  await Promise.all([
    beforePeers.then(() => runAll(working, waiting)),
    ...Array.from({ length: limits.filesMax - 1 }, () => runAll(working, waiting)),
    ...Array.from({ length: limits.waitingFilesMax }, () => runAll(waiting)),
  ]);
  if (performance.now() >= runEnd) report.runEnded(limits.runMsMax, [...early, ...working, ...waiting]);
}

function takeUntil(end: number, queue: string[]): string | undefined {
  return performance.now() < end ? queue.shift() : undefined;
}

async function runFile(path: string, limits: TestLimits, runEnd: number, report: TestReport): Promise<void> {
  const began = performance.now();
  const ending = new AbortController();
  const fileEnd = began + limits.fileMsMax;
  const timer = setTimeout(() => ending.abort(), Math.min(fileEnd, runEnd) - began);
  // Ahead of the events that ending it brings: they are no failures of tests.
  ending.signal.addEventListener('abort', () => {
    if (fileEnd <= runEnd) report.fileCut(path, limits.fileMsMax);
    else report.fileCutByRun(path);
  });
  await tellAll(path, ending.signal, report);
  clearTimeout(timer);
  if (ending.signal.aborted) await endProcesses(path, limits.graceMs);
  report.fileEnded(path, performance.now() - began);
}

async function tellAll(path: string, signal: AbortSignal, report: TestReport): Promise<void> {
  const stream = run({ files: [resolve(repositoryRoot, path)], cwd: repositoryRoot, signal });
  stream.on('test:dequeue', (event) => report.testBegan({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:complete', (event) => report.testEnded({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:fail', (event) => report.failed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:pass', (event) => report.passed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:diagnostic', (event) => report.diagnosed({ ...event, file: path }));
  stream.on('test:stdout', (event) => report.printed(path, event.message));
  stream.on('test:stderr', (event) => report.printed(path, event.message));
  for await (const _ of stream) void _;
}

/** The runner has sent SIGTERM and waits no longer; something in the file may keep that to itself. */
async function endProcesses(path: string, graceMs: number): Promise<void> {
  const graceEnd = performance.now() + graceMs;
  for (;;) {
    const pids = childrenThatRun(resolve(repositoryRoot, path));
    if (pids.length === 0) return;
    if (performance.now() >= graceEnd) for (const pid of pids) killIfThere(pid);
    await sleep(20);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Where /proc tells. (proc(5), /proc/pid/task/tid/children) */
function childrenThatRun(file: string): readonly number[] {
  const children = readOrEmpty(`/proc/${process.pid}/task/${process.pid}/children`).trim();
  return children
    .split(' ')
    .filter((pid) => pid !== '' && readOrEmpty(`/proc/${pid}/cmdline`).split('\0').includes(file))
    .map(Number);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It has ended meanwhile, or there is no /proc here.
  }
}

function nameOf(file: string | undefined): string {
  return file === undefined ? '' : relative(repositoryRoot, file);
}
