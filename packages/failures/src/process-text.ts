import type { ProcessExit, ProcessFigures, ProcessSample, StoppedProcesses } from './process-note.ts';
import { countText, elapsedText, memoryText } from './quantity-text.ts';

/** An exit and the failure that it causes are observed one after the other. */
const sameTimeMs = 5;

/** Whether two observations that are so far apart are told as of the same time: which one came first says nothing. */
export function isSameTime(ms: number): boolean {
  return Math.abs(ms) < sameTimeMs;
}

/** Signals that a process causes by its own fault. */
const crashSignals: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
]);

/** Whether a process that this signal ended has caused it by its own fault. */
export function isCrashSignal(signal: string | null): boolean {
  return signal !== null && crashSignals.has(signal);
}

/** From this share of a limit on, the next request may reach it. */
const nearShare = 0.9;

/** Programs with bursts of work are held up now and then: where it is less, they get most of what they need. */
const throttledShareMin = 0.5;

/** What changes less says nothing. */
const changedFactor = 1.25;
const changedBytesMin = 16 * 1024 * 1024;
const changedFilesMin = 32;
const changedThreadsMin = 8;

/** 'RSS 82 MiB of 2 processes', '24 of 1024 descriptors', 'CPU 0.50 cores', '11 threads', 'up for 3 min'. */
export function processFacts(figures: ProcessFigures): readonly string[] {
  const { processes, residentBytes, threads, openFiles, openFilesMax, cores, ageMs } = figures;
  const of = processes > 1 ? ` of ${processes} processes` : '';
  return [
    ...(residentBytes === null ? [] : [`RSS ${memoryText(residentBytes)}${of}`]),
    ...groupFacts(figures),
    ...(openFiles === null ? [] : [`${openFiles} of ${openFilesMax ?? 'unlimited'} descriptors`]),
    ...(cores === null ? [] : [`CPU ${cores.toFixed(2)} cores`]),
    countText(threads, 'thread'),
    ...(ageMs === null ? [] : [`up for ${elapsedText(ageMs / 1000)}`]),
  ];
}

function groupFacts({ groupBytes, groupBytesMax }: ProcessFigures): readonly string[] {
  if (groupBytes === null || groupBytesMax === null) return [];
  return [`its control group uses ${memoryText(groupBytes)} of ${memoryText(groupBytesMax)}`];
}

/** What the process has nearly used up, or that it is stopped, each one clause. */
export function processStrains(figures: ProcessFigures): readonly string[] {
  const stopped = stoppedProcesses(figures);
  return [...(stopped === null ? [] : [stoppedText(stopped)]), ...nearlyUsedUp(figures)];
}

/** Each one clause. */
export function nearlyUsedUp({
  openFiles,
  openFilesMax,
  groupBytes,
  groupBytesMax,
  throttledShare = 0,
}: ProcessFigures): readonly string[] {
  const descriptors = strainedDescriptors({ openFiles, openFilesMax });
  const isTight = groupBytes !== null && groupBytesMax !== null && groupBytes >= nearShare * groupBytesMax;
  return [
    ...(descriptors === null
      ? []
      : [
          `${descriptors.open} of ${descriptors.max} descriptors are open: beyond the limit it can accept no connection`,
        ]),
    ...(isTight
      ? [
          `the control group uses ${memoryText(groupBytes)} of ${memoryText(groupBytesMax)}: at the limit the kernel kills a process`,
        ]
      : []),
    ...(throttledShare >= throttledShareMin
      ? [
          `the control group had used up its share of processor time in ${Math.round(throttledShare * 100)} % of the periods (\`cpu.max\`): its processes wait until the next one`,
        ]
      : []),
  ];
}

/** Null: it gets the processor time that it needs, or that is not known. */
export function strainedProcessor({ throttledShare = 0 }: Pick<ProcessFigures, 'throttledShare'>): number | null {
  return throttledShare >= throttledShareMin ? throttledShare : null;
}

/** Null: none is known to be stopped. */
export function stoppedProcesses({
  stoppedPid,
  stoppedPids,
}: Pick<ProcessFigures, 'stoppedPid' | 'stoppedPids'>): StoppedProcesses | null {
  if (stoppedPids !== undefined) return { pids: stoppedPids, isWhole: true };
  return stoppedPid === undefined ? null : { pids: [stoppedPid], isWhole: false };
}

/** A clause. */
export function stoppedText({ pids: [pid, ...others] }: StoppedProcesses): string {
  if (others.length === 0)
    return `process ${pid} is stopped (state T in /proc/${pid}/stat): it does nothing until it gets SIGCONT`;
  const all = `${[pid, ...others.slice(0, -1)].join(', ')} and ${others.at(-1)}`;
  return `processes ${all} are stopped (state T in /proc/PID/stat): they do nothing until they get SIGCONT`;
}

/** A clause. */
export const whoStopped = 'find out who has stopped it: SIGSTOP, or Ctrl-Z (SIGTSTP)';

/** What to do where an instance is stopped, one sentence. `when`: a condition. */
export function stoppedStep(pids: readonly number[], when = ''): string {
  return `Let it go on with \`kill -CONT ${pids.join(' ')}\`${when}, and ${whoStopped}.`;
}

/** Open descriptors and their limit, where the next connections may reach it; otherwise null. */
export function strainedDescriptors({
  openFiles: open,
  openFilesMax: max,
}: Pick<ProcessFigures, 'openFiles' | 'openFilesMax'>): { readonly open: number; readonly max: number } | null {
  return open !== null && max !== null && open >= nearShare * max ? { open, max } : null;
}

/** What has changed much since an earlier sample of the same process, each one clause. */
export function processChanges(earlier: ProcessSample, later: ProcessSample): readonly string[] {
  const span = `within ${elapsedText(Math.max(1000, later.at - earlier.at) / 1000)}`;
  const change = (
    what: string,
    from: number | null,
    to: number | null,
    min: number,
    text: (value: number) => string = String,
  ): string[] => {
    if (from === null || to === null || !hasChanged(from, to, min)) return [];
    return [`${what} ${to > from ? 'grew' : 'fell'} from ${text(from)} to ${text(to)} ${span}`];
  };
  return [
    ...change('RSS', earlier.residentBytes, later.residentBytes, changedBytesMin, memoryText),
    ...change('open descriptors', earlier.openFiles, later.openFiles, changedFilesMin),
    ...change('threads', earlier.threads, later.threads, changedThreadsMin),
  ];
}

/** Whether a figure is another one, and not the same with some noise. */
function hasChanged(from: number, to: number, min: number): boolean {
  const [less, more] = from < to ? [from, to] : [to, from];
  return more - less >= min && more >= less * changedFactor;
}

/** Whether a sample tells something that an earlier one of the same process does not. */
export function tellsMore(earlier: ProcessSample, later: ProcessSample): boolean {
  return (
    processChanges(earlier, later).length > 0 ||
    processStrains(earlier).length !== processStrains(later).length ||
    (earlier.stoppedPids === undefined) !== (later.stoppedPids === undefined) ||
    Math.abs((earlier.cores ?? 0) - (later.cores ?? 0)) >= 0.5
  );
}

/** 'killed by the kernel because memory ran out', 'exited with code 1', 'stopped by Candor (SIGTERM), replaced by web/2'. */
export function processExitText({ code, signal, outOfMemory, stopped }: Omit<ProcessExit, 'kind'>): string {
  const replaced = stopped === undefined || stopped.replacedBy === null ? '' : `, replaced by ${stopped.replacedBy}`;
  if (stopped !== undefined && !outOfMemory && !isCrashSignal(signal)) {
    const how = signal ?? (code === null ? null : `exit code ${code}`);
    return `stopped by Candor${how === null ? '' : ` (${how})`}${replaced}`;
  }
  if (outOfMemory) return 'killed by the kernel because memory ran out';
  if (signal !== null && stopped !== undefined) return `killed by ${signal} while Candor stopped it${replaced}`;
  if (signal !== null) return `killed by ${signal}`;
  return code === null ? 'ended; how is not known' : `exited with code ${code}`;
}

/** 'RSS 480 MiB, its control group uses 500 MiB of 512 MiB, 1.2 s before it ended'; null: its memory is not known. */
export function memoryBeforeExit(sample: ProcessSample, exit: ProcessExit): string | null {
  const { residentBytes } = sample;
  if (residentBytes === null) return null;
  const facts = [
    `RSS ${memoryText(residentBytes)}`,
    ...groupFacts(sample).map((fact) => fact.replace(' uses ', ' used ')),
  ];
  return `${facts.join(', ')}, ${secondsText(exit.at - sample.at)} before ${exit.outOfMemory ? 'it was killed' : 'it ended'}`;
}

/** ['attempt 2'], ['attempts 1 and 3']; none without an attempt. */
export function attemptsTexts(attempts: readonly number[]): readonly string[] {
  if (attempts.length < 2) return attempts.map((number) => `attempt ${number}`);
  return [`attempts ${attempts.slice(0, -1).join(', ')} and ${attempts.at(-1)}`];
}

/** '0.4 s', '12 s'. */
export function secondsText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : elapsedText(seconds);
}
