import { relative } from 'node:path';
import { GroupResults } from './group-results.ts';
import { idleShare } from './processor-idle.ts';
import { repositoryRoot } from './repository.ts';
import { sharingOf, type TestGroup } from './test-groups.ts';
import type { TestOrder } from './test-order.ts';
import { TestProcess } from './test-process.ts';
import type { TestReport } from './test-report.ts';

export interface TestLimits {
  /** How many files run at the same time. */
  readonly filesMax: number;
  /** How many further files may run while the processors are idle. */
  readonly spareFilesMax: number;
  /** Milliseconds that one file may take, from its start to the end of its process. */
  readonly fileMsMax: number;
  /** Milliseconds that the files of a group may take together in one process; after that those that have not ended run alone. */
  readonly groupMsMax: number;
  /** Milliseconds that a process may run after the last file of its group has ended. */
  readonly lateMsMax: number;
  /** Milliseconds after which no file starts, and running files are ended. */
  readonly runMsMax: number;
  /** Milliseconds between asking a file's process to end (SIGTERM) and ending it (SIGKILL). */
  readonly graceMs: number;
}

/** The folder with the bundle of the command that a test file shall start; null to start it from the source. */
type BundleSource = () => Promise<string | null>;

/** One processor of two that has nothing to do for three tenths of the time (ADR 32). */
const idleShareMin = 0.15;
const idleMs = 500;

/** Runs the files that its arguments name. */
const groupProgram = 'scripts/test-group-process.ts';

/**
 * Runs each group of test files in a process of its own and tells the report what happened, including files that had to be
 * ended or never started. Only the early files start before the peers are prepared. One run per process is needed because the
 * runner's `timeout` applies to a test, not to a file, and its `signal` reports files as failed that never ran.
 */
export async function runTestFiles(
  order: TestOrder,
  limits: TestLimits,
  report: TestReport,
  peersPrepared: Promise<unknown>,
  bundle: BundleSource = async () => null,
): Promise<void> {
  const [early, others] = [order.early.map((path) => [path]), [...order.others]];
  const runEnd = performance.now() + limits.runMsMax;
  const testRun = { limits, runEnd, report, bundle };
  const runAll = async (queue: TestGroup[]): Promise<void> => {
    for (let group = takeUntil(runEnd, queue); group !== undefined; group = takeUntil(runEnd, queue))
      await runGroup(group, testRun);
  };
  const runWhileIdle = async (): Promise<void> => {
    const running = new Set<Promise<void>>();
    while (others.length > 0 && performance.now() < runEnd && limits.spareFilesMax > 0) {
      if (running.size >= limits.spareFilesMax) await Promise.race(running);
      // What was started before takes its share meanwhile.
      else if ((await idleShare(idleMs)) >= idleShareMin) {
        const group = takeUntil(runEnd, others) ?? [];
        const ended = runGroup(group, testRun).finally(() => running.delete(ended));
        running.add(ended);
      }
    }
    await Promise.all(running);
  };
  const earlyEnded = runAll(early);
  await peersPrepared;
  await Promise.all([
    earlyEnded.then(() => runAll(others)),
    ...Array.from({ length: limits.filesMax - 1 }, () => runAll(others)),
    runWhileIdle(),
  ]);
  if (performance.now() >= runEnd) report.runEnded(limits.runMsMax, [...early, ...others].flat());
}

function takeUntil(end: number, queue: TestGroup[]): TestGroup | undefined {
  return performance.now() < end ? queue.shift() : undefined;
}

interface TestRun {
  readonly limits: TestLimits;
  readonly runEnd: number;
  readonly report: TestReport;
  readonly bundle: BundleSource;
}

/** A crash or a hang in a group hides no file: those that did not end are run again, one by one. */
async function runGroup(group: TestGroup, testRun: TestRun): Promise<void> {
  const alone = group.length > 1 ? await runInOneProcess(group, testRun) : group;
  for (const path of alone) {
    if (performance.now() < testRun.runEnd) await runFile(path, testRun);
    else testRun.report.fileEndedByRun(path);
  }
}

/** Returns the files that have to be run alone. */
async function runInOneProcess(group: TestGroup, testRun: TestRun): Promise<TestGroup> {
  const { limits, runEnd, report, bundle } = testRun;
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), Math.min(limits.groupMsMax, runEnd - performance.now()));
  const { signal } = ending;
  const folder = group.some(startsGateways) ? await bundle() : null;
  const process = new TestProcess({ file: groupProgram, words: group, signal, bundle: folder });
  let lateTimer: NodeJS.Timeout | undefined;
  const results = new GroupResults(group, () => {
    lateTimer = setTimeout(() => {
      report.processIsLate(group, process.programs(), limits.lateMsMax);
      results.endsLate();
      ending.abort();
      // What it has started may hold its output open.
      void process.end(limits.graceMs);
    }, limits.lateMsMax);
  });
  await results.collect(process);
  clearTimeout(timer);
  clearTimeout(lateTimer);
  if (signal.aborted) await process.end(limits.graceMs);
  return results.deliver(report, process.takeCpu());
}

async function runFile(path: string, { limits, runEnd, report, bundle }: TestRun): Promise<void> {
  const startedAt = performance.now();
  const ending = new AbortController();
  const fileEnd = startedAt + limits.fileMsMax;
  const timer = setTimeout(() => ending.abort(), Math.min(fileEnd, runEnd) - startedAt);
  const { signal } = ending;
  // The report learns of it before the events that ending the file causes, which are no failures of tests.
  signal.addEventListener('abort', () => {
    if (fileEnd <= runEnd) report.fileTimedOut(path, limits.fileMsMax);
    else report.fileEndedByRun(path);
  });
  const folder = startsGateways(path) ? await bundle() : null;
  const process = new TestProcess({ file: path, signal, bundle: folder });
  await reportAll(path, process, report);
  clearTimeout(timer);
  if (signal.aborted) await process.end(limits.graceMs);
  report.fileEnded(path, performance.now() - startedAt, process.takeCpu()?.ms ?? null);
}

async function reportAll(path: string, { stream }: TestProcess, report: TestReport): Promise<void> {
  stream.on('test:dequeue', (event) => report.testStarted({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:complete', (event) => report.testEnded({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:fail', (event) => report.failed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:pass', (event) => report.passed({ ...event, file: path, declaredIn: nameOf(event.file) }));
  stream.on('test:diagnostic', (event) => report.diagnosed({ ...event, file: path }));
  stream.on('test:stdout', (event) => report.printed(path, event.message));
  stream.on('test:stderr', (event) => report.printed(path, event.message));
  for await (const _ of stream) void _;
}

/** Also some unit tests start threads, which load in a third of the processor time; those that run in memory wait for no bundle. */
function startsGateways(path: string): boolean {
  return path.startsWith('test/') || (path.startsWith('src/') && sharingOf(path) !== 'in memory');
}

function nameOf(file: string | undefined): string {
  return file === undefined ? '' : relative(repositoryRoot, file);
}
