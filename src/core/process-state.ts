import type { ProcessExit, ProcessNote, ProcessSample } from './process-note.ts';
import {
  memoryBeforeExit,
  processChanges,
  processExitText,
  processFacts,
  processStrains,
  secondsText,
} from './process-text.ts';
import { countText } from './quantity-text.ts';

/** An attempt at an instance, and when it ended: milliseconds since 1970. */
interface EndedVisit {
  readonly instance: string;
  readonly ended: number;
}

/** How far from a request a sample or an exit may be and still say something about it. */
export const noteBeforeMs = 600_000;
export const noteAfterMs = 60_000;

/** What is compared with the sample: what the process was like at most so long before. */
const earlierMs = 60_000;

/** The process of an instance when it had a request, as the admin API has it. */
export interface ProcessStateJson {
  readonly instance: string;
  readonly pid: number;
  /** The last sample before the attempt ended, else the first one after it; null: there is none near. */
  readonly sample: ProcessSampleJson | null;
  /** The end of that process, before the attempt, during it or within a minute after it; null: it ran on. */
  readonly exit: ProcessExitJson | null;
  /** The sample in words. */
  readonly summary: string;
  /** What stands out, each one clause, the most important first. */
  readonly remarks: readonly string[];
}

export interface ProcessSampleJson {
  /** RFC 3339. */
  readonly at: string;
  /** Milliseconds from the sample to the end of the attempt; negative: it was taken afterwards. */
  readonly before_ms: number;
  readonly processes: number;
  readonly resident_bytes: number | null;
  readonly threads: number;
  readonly open_files: number | null;
  readonly open_files_max: number | null;
  readonly cores: number | null;
  readonly age_ms: number | null;
  readonly restarts: number;
  readonly group_bytes: number | null;
  readonly group_bytes_max: number | null;
}

export interface ProcessExitJson {
  readonly at: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly out_of_memory: boolean;
}

/** The processes of the instances that had a request, by what is kept of them; instances without any note are left out. */
export function processStates(
  notes: readonly ProcessNote[],
  visits: readonly EndedVisit[],
): readonly ProcessStateJson[] {
  // The last attempt at an instance is the one that decided.
  const last = new Map(visits.map((visit) => [visit.instance, visit]));
  return [...last.values()].flatMap((visit) => {
    const own = notes.filter(({ instance }) => instance === visit.instance);
    return (
      stateOf(
        own.toSorted((one, other) => one.at - other.at),
        visit,
      ) ?? []
    );
  });
}

function stateOf(notes: readonly ProcessNote[], { instance, ended }: EndedVisit): ProcessStateJson | null {
  const samples = notes.filter((note) => note.kind === 'sample');
  const exits = notes.filter((note) => note.kind === 'exit');
  const ofOne = exits.findLast(({ at }) => at <= ended);
  const sample =
    samples.findLast(({ at }) => at <= ended) ??
    (ofOne === undefined ? samples.find(({ at }) => at > ended) : undefined);
  const exit =
    (sample === undefined ? ofOne : exits.find(({ pid, at }) => pid === sample.pid && at >= sample.at)) ?? null;
  const pid = sample?.pid ?? exit?.pid;
  if (pid === undefined) return null;
  const earlier = samples.find((one) => one.pid === pid && sample !== undefined && one.at >= sample.at - earlierMs);
  return {
    ...{ instance, pid },
    sample: sample === undefined ? null : sampleJson(sample, ended),
    exit: exit === null ? null : exitJson(exit),
    summary: sample === undefined ? '' : summaryOf(sample, ended),
    remarks: remarksOf(sample ?? null, earlier ?? null, exit, ended),
  };
}

function summaryOf(sample: ProcessSample, ended: number): string {
  const { restarts } = sample;
  const facts = [...processFacts(sample), ...(restarts > 0 ? [countText(restarts, 'restart')] : [])];
  const when = sample.at <= ended ? 'before' : 'after';
  return `${secondsText(Math.abs(ended - sample.at))} ${when} the attempt ended: ${facts.join(', ')}`;
}

function remarksOf(
  sample: ProcessSample | null,
  earlier: ProcessSample | null,
  exit: ProcessExit | null,
  ended: number,
): readonly string[] {
  const ending = exit === null ? [] : [exitRemark(exit, ended)];
  if (sample === null) return ending;
  const memory = exit?.outOfMemory === true ? memoryBeforeExit(sample, exit) : null;
  return [
    ...ending,
    ...(memory === null ? [] : [memory]),
    ...processStrains(sample),
    ...(earlier === null || earlier === sample ? [] : processChanges(earlier, sample)),
  ];
}

function exitRemark(exit: ProcessExit, ended: number): string {
  const ms = exit.at - ended;
  return `${processExitText(exit)}, ${secondsText(Math.abs(ms))} ${ms < 0 ? 'before' : 'after'} the attempt ended`;
}

function sampleJson(sample: ProcessSample, ended: number): ProcessSampleJson {
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
  };
}

function exitJson({ at, code, signal, outOfMemory }: ProcessExit): ProcessExitJson {
  return { at: new Date(at).toISOString(), code, signal, out_of_memory: outOfMemory };
}
