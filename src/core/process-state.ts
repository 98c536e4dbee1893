import type { ProcessStateJson } from './schemas/output.ts';
import {
  isSameTime,
  memoryBeforeExit,
  processChanges,
  processExitText,
  processFacts,
  processStrains,
  secondsText,
} from '#failures/process-text.ts';
import type { ProcessExit, ProcessNote, ProcessSample } from '#failures/process-note.ts';
import { countText } from '#failures/quantity-text.ts';

/** An attempt at an instance, its number, and when it began and ended: milliseconds since 1970. */
interface EndedVisit {
  readonly instance: string;
  readonly attempt: number;
  readonly since: number;
  readonly ended: number;
  readonly exitedAt?: number;
}

/** How far apart the worker and the main thread may see the same exit. */
const sameExitMs = 1000;

/** How far from a request a sample or an exit may be and still say something about it. */
export const noteBeforeMs = 600_000;
export const noteAfterMs = 60_000;

/** What is compared with the sample: what the process was like at most so long before. */
const earlierMs = 60_000;

/**
 * The processes of the instances that had a request, by what is kept of them, in the order of their last attempts. Left out are attempts of which nothing is known, and
 * attempts that began after the only known process had ended.
 */
export function processStates(
  notes: readonly ProcessNote[],
  visits: readonly EndedVisit[],
): readonly ProcessStateJson[] {
  const states: ProcessStateJson[] = [];
  const areSeveral = visits.length > 1 || visits.some(({ attempt }) => attempt > 1);
  for (const visit of visits) {
    const own = notes.filter(({ instance }) => instance === visit.instance).toSorted((a, b) => a.at - b.at);
    const state = stateOf(own, visit, areSeveral ? `attempt ${visit.attempt}` : 'the attempt');
    if (state === null) continue;
    const index = states.findIndex(({ instance, pid }) => instance === state.instance && pid === state.pid);
    const known = states[index];
    if (known === undefined) states.push(state);
    else if (state.exit === null || Date.parse(state.exit.at) > visit.since) {
      states.splice(index, 1);
      states.push({ ...state, attempts: [...known.attempts, visit.attempt] });
    }
  }
  return states;
}

/** `what`: the attempt, in words. Null: nothing is known. */
function stateOf(notes: readonly ProcessNote[], visit: EndedVisit, what: string): ProcessStateJson | null {
  const { instance, attempt, ended } = visit;
  const samples = notes.filter((note) => note.kind === 'sample');
  const exits = notes.filter((note) => note.kind === 'exit');
  const named = namedExitOf(exits, visit);
  const unsampled = named === undefined ? unsampledOf(samples, exits, visit) : unsampledAmong(samples, named);
  if (unsampled !== undefined) {
    const remarks = [exitRemark(unsampled, ended, what)];
    return {
      ...{ instance, pid: unsampled.pid, attempts: [attempt] },
      sample: null,
      exit: exitJson(unsampled),
      summary: '',
      remarks,
    };
  }
  const ofOne = named ?? exits.findLast(({ at }) => at <= ended);
  const sample =
    named === undefined
      ? (nextProcessSample(samples, exits, visit) ??
        lastSampleOf(samples, ofOne, ended) ??
        (ofOne === undefined ? samples.find(({ at }) => at > ended) : undefined))
      : samples.findLast(({ pid, at }) => pid === named.pid && at <= Math.max(ended, named.at));
  const exit =
    (sample === undefined ? ofOne : exits.find(({ pid, at }) => pid === sample.pid && at >= sample.at)) ?? null;
  const pid = sample?.pid ?? exit?.pid;
  if (pid === undefined) return null;
  const earlier = samples.find((one) => one.pid === pid && sample !== undefined && one.at >= sample.at - earlierMs);
  return {
    ...{ instance, pid, attempts: [attempt] },
    sample: sample === undefined ? null : sampleJson(sample, ended),
    exit: exit === null ? null : exitJson(exit),
    summary: sample === undefined ? '' : summaryOf(sample, ended, what),
    remarks: remarksOf(sample ?? null, earlier ?? null, exit, ended, what),
  };
}

/** The exit that the record names: a process that had taken its place may be starting by then. */
function namedExitOf(exits: readonly ProcessExit[], { exitedAt }: EndedVisit): ProcessExit | undefined {
  if (exitedAt === undefined) return undefined;
  const awayMs = ({ at }: ProcessExit): number => Math.abs(at - exitedAt);
  const [nearest] = exits.toSorted((one, other) => awayMs(one) - awayMs(other));
  return nearest !== undefined && awayMs(nearest) <= sameExitMs ? nearest : undefined;
}

function unsampledAmong(samples: readonly ProcessSample[], exit: ProcessExit): ProcessExit | undefined {
  return samples.some(({ pid }) => pid === exit.pid) ? undefined : exit;
}

/** Not one of a process before the one that had ended last: that one ended before a sample was taken of it. */
function lastSampleOf(
  samples: readonly ProcessSample[],
  ofOne: ProcessExit | undefined,
  ended: number,
): ProcessSample | undefined {
  const last = samples.findLast(({ at }) => at <= ended);
  const isOlder =
    last !== undefined && ofOne !== undefined && last.pid !== ofOne.pid && last.at < ofOne.at - ofOne.ranMs;
  return isOlder ? undefined : last;
}

/** A process that ran when the attempt ended, and ended before a sample was taken of it. */
function unsampledOf(
  samples: readonly ProcessSample[],
  exits: readonly ProcessExit[],
  { since, ended }: EndedVisit,
): ProcessExit | undefined {
  return exits.find(
    ({ pid, at, ranMs }) => at > since && at - ranMs <= ended && !samples.some((sample) => sample.pid === pid),
  );
}

/** The process that replaced one that ended before the attempt began: its first sample, taken after the attempt, if it already ran at the attempt's end. */
function nextProcessSample(
  samples: readonly ProcessSample[],
  exits: readonly ProcessExit[],
  { since, ended }: EndedVisit,
): ProcessSample | undefined {
  const before = exits.findLast(({ at }) => at <= since);
  const next = samples.find(({ at, ageMs }) => at > ended && ageMs !== null && at - ageMs <= ended);
  return before === undefined || next?.pid === before.pid || samples.some(({ at }) => at > before.at && at <= ended)
    ? undefined
    : next;
}

function summaryOf(sample: ProcessSample, ended: number, what: string): string {
  const { restarts } = sample;
  const facts = [...processFacts(sample), ...(restarts > 0 ? [countText(restarts, 'restart')] : [])];
  const when = sample.at <= ended ? 'before' : 'after';
  return `${secondsText(Math.abs(ended - sample.at))} ${when} ${what} ended: ${facts.join(', ')}`;
}

function remarksOf(
  sample: ProcessSample | null,
  earlier: ProcessSample | null,
  exit: ProcessExit | null,
  ended: number,
  what: string,
): readonly string[] {
  const ending = exit === null ? [] : [exitRemark(exit, ended, what)];
  if (sample === null) return ending;
  const memory = exit?.outOfMemory === true ? memoryBeforeExit(sample, exit) : null;
  return [
    ...ending,
    ...(memory === null ? [] : [memory]),
    ...processStrains(sample),
    ...(earlier === null || earlier === sample ? [] : processChanges(earlier, sample)),
  ];
}

function exitRemark(exit: ProcessExit, ended: number, what: string): string {
  const ms = exit.at - ended;
  if (isSameTime(ms)) return `${processExitText(exit)}, at the same time as ${what} ended`;
  return `${processExitText(exit)}, ${secondsText(Math.abs(ms))} ${ms < 0 ? 'before' : 'after'} ${what} ended`;
}

function sampleJson(sample: ProcessSample, ended: number): NonNullable<ProcessStateJson['sample']> {
  return {
    at: new Date(sample.at).toISOString(),
    before_ms: Math.round(ended - sample.at),
    processes: sample.processes,
    resident_bytes: sample.residentBytes,
    threads: sample.threads,
    open_files: sample.openFiles,
    open_files_max: sample.openFilesMax,
    cores: sample.cores,
    age_ms: sample.ageMs,
    restarts: sample.restarts,
    group_bytes: sample.groupBytes,
    group_bytes_max: sample.groupBytesMax,
    ...(sample.stoppedPid === undefined ? {} : { stopped_pid: sample.stoppedPid }),
    ...(sample.stoppedPids === undefined ? {} : { stopped_pids: sample.stoppedPids }),
  };
}

function exitJson({ at, code, signal, outOfMemory, stopped }: ProcessExit): NonNullable<ProcessStateJson['exit']> {
  return {
    ...{ at: new Date(at).toISOString(), code, signal, out_of_memory: outOfMemory },
    ...{ stopped_by_candor: stopped !== undefined, replaced_by: stopped?.replacedBy ?? null },
  };
}
