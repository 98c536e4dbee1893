import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { idleShare } from './processor-idle.ts';
import { repositoryRoot } from './repository.ts';
import type { TestOrder } from './test-order.ts';
import type { TestReport } from './test-report.ts';
import { testBundleVariable } from '../test/program.ts';

export interface TestLimits {
  /** How many files run at the same time. */
  readonly filesMax: number;
  /** How many further files may run while the processors are idle. */
  readonly spareFilesMax: number;
  /** Milliseconds that one file may take, from its start to the end of its process. */
  readonly fileMsMax: number;
  /** Milliseconds after which no file starts, and running files are ended. */
  readonly runMsMax: number;
  /** Milliseconds between asking a file's process to end (SIGTERM) and ending it (SIGKILL). */
  readonly graceMs: number;
}

/** The folder with the bundle of the command that a test file shall start; null to start it from the source. */
export type BundleSource = () => Promise<string | null>;

/** One processor of two that has nothing to do for half of the time. */
const idleShareMin = 0.25;
const idleMs = 1000;

/**
 * Runs each test file in a process of its own and tells the report what happened, including files that had to be ended
 * or never started. Only the early files start before the peers are prepared. One run per file is needed because the
 * runner's `timeout` applies to a test, not to a file, and its `signal` reports files as failed that never ran.
 */
export async function runTestFiles(
  order: TestOrder,
  limits: TestLimits,
  report: TestReport,
  peersPrepared: Promise<unknown>,
  bundle: BundleSource = async () => null,
): Promise<void> {
  const [early, others] = [[...order.early], [...order.others]];
  const runEnd = performance.now() + limits.runMsMax;
  const runAll = async (queue: string[]): Promise<void> => {
    for (let path = takeUntil(runEnd, queue); path !== undefined; path = takeUntil(runEnd, queue))
      await runFile(path, { limits, runEnd, report, bundle });
  };
  const runWhileIdle = async (): Promise<void> => {
    while (others.length > 0 && performance.now() < runEnd) {
      if ((await idleShare(idleMs)) < idleShareMin) continue;
      const path = takeUntil(runEnd, others);
      if (path !== undefined) await runFile(path, { limits, runEnd, report, bundle });
    }
  };
  const earlyEnded = runAll(early);
  await peersPrepared;
  await Promise.all([
    earlyEnded.then(() => runAll(others)),
    ...Array.from({ length: limits.filesMax - 1 }, () => runAll(others)),
    ...Array.from({ length: limits.spareFilesMax }, runWhileIdle),
  ]);
  if (performance.now() >= runEnd) report.runEnded(limits.runMsMax, [...early, ...others]);
}

function takeUntil(end: number, queue: string[]): string | undefined {
  return performance.now() < end ? queue.shift() : undefined;
}

interface TestRun {
  readonly limits: TestLimits;
  readonly runEnd: number;
  readonly report: TestReport;
  readonly bundle: BundleSource;
}

async function runFile(path: string, { limits, runEnd, report, bundle }: TestRun): Promise<void> {
  const startedAt = performance.now();
  const ending = new AbortController();
  const fileEnd = startedAt + limits.fileMsMax;
  const timer = setTimeout(() => ending.abort(), Math.min(fileEnd, runEnd) - startedAt);
  // The report learns of it before the events that ending the file causes, which are no failures of tests.
  ending.signal.addEventListener('abort', () => {
    if (fileEnd <= runEnd) report.fileTimedOut(path, limits.fileMsMax);
    else report.fileEndedByRun(path);
  });
  await reportAll(path, ending.signal, report, startsGateways(path) ? await bundle() : null);
  clearTimeout(timer);
  if (ending.signal.aborted) await endProcesses(path, limits.graceMs);
  report.fileEnded(path, performance.now() - startedAt);
}

async function reportAll(path: string, signal: AbortSignal, report: TestReport, bundle: string | null): Promise<void> {
  const stream = run({
    files: [resolve(repositoryRoot, path)],
    cwd: repositoryRoot,
    signal,
    ...(bundle === null ? {} : bundledThreads(bundle)),
  });
  stream.on('test:dequeue', (event) => report.testStarted({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:complete', (event) => report.testEnded({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:fail', (event) => report.failed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:pass', (event) => report.passed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:diagnostic', (event) => report.diagnosed({ ...event, file: path }));
  stream.on('test:stdout', (event) => report.printed(path, event.message));
  stream.on('test:stderr', (event) => report.printed(path, event.message));
  for await (const _ of stream) void _;
}

/** Unit tests stand beside their source, start few threads and wait for no bundle. */
function startsGateways(path: string): boolean {
  return path.startsWith('test/');
}

/** `test/program.ts` starts the command of the bundle, and gateways in the test's own process start its threads. */
function bundledThreads(bundle: string): { readonly execArgv: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const preload = join(repositoryRoot, 'test', 'bundled-threads.ts');
  return { execArgv: [`--import=${preload}`], env: { ...process.env, [testBundleVariable]: bundle } };
}

/** The runner has sent SIGTERM and does not wait; a program that handles SIGTERM may still run. */
async function endProcesses(path: string, graceMs: number): Promise<void> {
  const graceEnd = performance.now() + graceMs;
  for (;;) {
    const pids = runningChildren(resolve(repositoryRoot, path));
    if (pids.length === 0) return;
    if (performance.now() >= graceEnd) for (const pid of pids) killIfRunning(pid);
    await sleep(20);
  }
}

function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended meanwhile.
  }
}

/** Empty where there is no /proc. (proc(5), /proc/pid/task/tid/children) */
function runningChildren(file: string): readonly number[] {
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
    return ''; // The process has ended meanwhile, or there is no /proc here.
  }
}

function nameOf(file: string | undefined): string {
  return file === undefined ? '' : relative(repositoryRoot, file);
}
