import type { Event } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type {
  ProcessExit,
  ProcessFigures,
  ProcessNote,
  ProcessSample,
  StoppedProcesses,
} from '#failures/process-note.ts';
import { noteAfterMs, noteBeforeMs } from '../core/process-state.ts';
import {
  memoryBeforeExit,
  nearlyUsedUp,
  processStrains,
  stoppedProcesses,
  strainedDescriptors,
  strainedProcessor,
  tellsMore,
} from '#failures/process-text.ts';
import type { InstanceVisit } from '../core/request-context.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import type { WatchedUpstream } from './watched-upstream.ts';
import { type ProcessTreeUsage, processTreeUsage } from '../system/process-tree-usage.ts';

interface WatchedInstance {
  readonly id: string;
  readonly pid: number | null;
  readonly restarts: number;
}

interface ProcessWatchParts {
  readonly clock: Clock;
  /** Stores them; without a store it does nothing. */
  readonly store: (notes: readonly ProcessNote[]) => void;
  /** The instance that has replaced one that Candor stopped; null: none has. */
  readonly replacedBy: (instance: string) => string | null;
  /** All processes of an instance have been stopped by a signal, or go on. */
  readonly onStopped?: () => void;
  readonly usageOf?: (pid: number) => ProcessTreeUsage | null;
}

/** Between two samples of a process whose figures stay as they are. */
const calmMs = 5000;

/** Of one whose figures change much, or that is near a limit: a leak that fills the memory within seconds is seen. */
const busyMs = 1000;
const movingBytes = 16 * 1024 * 1024;

/** A sample of one process takes some 0.15 ms, of nine 0.6 ms (bench/process-samples.ts). With hundreds of instances each has its turn more seldom. */
const samplesPerSecondMax = 20;

/** Fewer periods of a control group's CPU limit, which has ten in a second, are a moment. */
const periodsMin = 5;

/** What is in memory of an instance: five minutes, at the pace of a calm one. */
const notesMax = 60;
const instancesMax = 512;

/** Of an instance; its exits come besides. */
const storedPerMinuteMax = 20;

/** A calm process has an entry at least so often. */
const storedEveryMs = 300_000;

/**
 * Samples what the processes of applications use, at a slow pace: what a failed request met there is known afterwards. Everything is in memory
 * for some minutes. Stored are the samples around failures, those that tell something new, and exits.
 */
export class ProcessWatch {
  readonly #parts: Required<ProcessWatchParts>;
  /** By instance; the entries of ended instances stay for a while. */
  readonly #watched = new Map<string, WatchedProcess>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(parts: ProcessWatchParts) {
    this.#parts = { usageOf: processTreeUsage, onStopped: () => undefined, ...parts };
  }

  /** The instances, whenever one of them has changed. */
  use(instances: readonly WatchedInstance[]): void {
    const now = this.#parts.clock.now();
    const listed = new Set(instances.map(({ id }) => id));
    for (const { id, pid, restarts } of instances) {
      const watched = this.#watched.get(id) ?? new WatchedProcess(id, now);
      this.#watched.set(id, watched);
      watched.follow(pid, restarts, now);
    }
    for (const [id, watched] of this.#watched) {
      if (listed.has(id)) continue;
      watched.follow(null, 0, now);
      if (this.#watched.size > instancesMax) this.#watched.delete(id);
    }
    this.#schedule();
  }

  /** Attempts of the last moment: where one has failed, the process is looked at now. */
  onOutcomes(outcomes: readonly EndpointOutcomes[]): void {
    for (const { upstream, endpoint, causes, serverErrors } of outcomes) {
      if (causes.length === 0 && serverErrors === 0) continue;
      const watched = this.#watched.get(instanceOf(upstream, endpoint));
      if (watched === undefined) continue;
      watched.failed(this.#parts.clock.now());
      this.#schedule();
    }
  }

  onEvent(event: Event): void {
    if (event.kind !== 'instance_exited') return;
    const instance = event.subject.slice('instance:'.length);
    const { pid, code, signal, outOfMemory } = event.evidence;
    const watched = this.#watched.get(instance);
    const exit: ProcessExit = {
      ...{ kind: 'exit', at: event.at, instance, pid, code, signal, outOfMemory, ranMs: event.evidence.afterMs },
      ...(wasStopped(event) ? { stopped: { replacedBy: this.#parts.replacedBy(instance) } } : {}),
    };
    if (watched !== undefined) this.#parts.store(watched.exited(exit));
  }

  /** Of the process that runs; null: not known yet, or none runs. */
  figuresOf(instance: string): ProcessFigures | null {
    return this.#watched.get(instance)?.figures ?? null;
  }

  /** What is in memory around these attempts. */
  around(visits: readonly InstanceVisit[]): readonly ProcessNote[] {
    return visits.flatMap(({ instance, ended }) =>
      (this.#watched.get(instance)?.notes ?? []).filter(
        ({ at }) => at >= ended - noteBeforeMs && at <= ended + noteAfterMs,
      ),
    );
  }

  /** What incidents may say of an application's processes. */
  evidenceOf(application: string): WatchedUpstream['processes'] {
    return [...this.#watched.values()]
      .filter((watched) => watched.application === application)
      .map(({ instance, beforeExit, strains, descriptors, throttledShare, stopped }) => ({
        ...{ instance, beforeExit, strains },
        ...(throttledShare === null ? {} : { throttledShare }),
        ...(descriptors === null ? {} : { descriptors }),
        ...(stopped === null ? {} : { stopped }),
      }));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#closed) return;
    const [first] = [...this.#watched.values()].flatMap(({ dueAt }) => dueAt ?? []).toSorted((a, b) => a - b);
    if (first === undefined) return;
    this.#timer = this.#parts.clock.schedule(first, (watch: ProcessWatch) => watch.#sample(), this as ProcessWatch);
  }

  /** Those that are due, the longest due first; the rest has its turn after a pause. */
  #sample(): void {
    const { clock, usageOf, store, onStopped } = this.#parts;
    let hasStoppedChanged = false;
    const now = clock.now();
    const due = [...this.#watched.values()]
      .filter(({ dueAt }) => dueAt !== null && dueAt <= now)
      .toSorted((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0));
    for (const [index, watched] of due.entries()) {
      const { pid } = watched;
      if (pid === null) continue;
      if (index >= samplesPerSecondMax) watched.postpone(after(now, busyMs));
      else {
        const before = watched.figures?.stoppedPids?.join();
        const stored = watched.sampled(usageOf(pid), now, clock.wallTime());
        hasStoppedChanged ||= before !== watched.figures?.stoppedPids?.join();
        if (stored.length > 0) store(stored);
      }
    }
    this.#schedule();
    if (hasStoppedChanged) onStopped();
  }
}

/** The id of an endpoint is that of its upstream, that of its instance, and its address. */
function instanceOf(upstream: string, endpoint: string): string {
  return endpoint.slice(upstream.length + 1, endpoint.lastIndexOf('/'));
}

/** One instance: the samples and exits of its processes, and which of them are stored. */
class WatchedProcess {
  readonly instance: string;
  readonly application: string;
  pid: number | null = null;
  /** When the next sample is to be taken; null while no process runs. */
  dueAt: Instant | null = null;
  readonly notes: ProcessNote[] = [];
  #restarts = 0;
  #startTicks: string | null = null;
  #cpu: { readonly at: Instant; readonly byProcess: ReadonlyMap<number, number> } | null = null;
  /** Of its control group: periods of its CPU limit, and in how many that was used up. */
  #periods: { readonly all: number; readonly throttled: number } | null = null;
  #last: ProcessSample | null = null;
  #lastStored: ProcessSample | null = null;
  #lastExit: { readonly exit: ProcessExit; readonly sample: ProcessSample | null } | null = null;
  /** A request has failed since the last sample. */
  #hasFailed = false;
  #minuteBegan: Instant;
  #storedInMinute = 0;
  #sampledAt: Instant | null = null;

  constructor(instance: string, now: Instant) {
    this.instance = instance;
    this.application = instance.slice(0, instance.lastIndexOf('/'));
    this.#minuteBegan = now;
  }

  get figures(): ProcessFigures | null {
    if (this.pid === null || this.#last === null) return null;
    const { kind, at, instance, pid, restarts, ...figures } = this.#last;
    return figures;
  }

  follow(pid: number | null, restarts: number, now: Instant): void {
    this.#restarts = restarts;
    if (pid === this.pid) return;
    this.pid = pid;
    this.#startTicks = null;
    this.#cpu = null;
    this.#periods = null;
    this.#last = null;
    this.#lastStored = null;
    // A program has begun to use memory when it is looked at first.
    this.dueAt = pid === null ? null : after(now, busyMs);
  }

  failed(now: Instant): void {
    this.#hasFailed = true;
    if (this.dueAt === null) return;
    const soonest = this.#sampledAt === null ? now : after(this.#sampledAt, busyMs);
    this.dueAt = Math.min(this.dueAt, Math.max(now, soonest)) as Instant;
  }

  postpone(dueAt: Instant): void {
    this.dueAt = dueAt;
  }

  /** Returns what is to be stored. */
  sampled(usage: ProcessTreeUsage | null, now: Instant, at: number): readonly ProcessNote[] {
    this.#sampledAt = now;
    this.dueAt = after(now, calmMs);
    this.#startTicks ??= usage?.startTicks ?? null;
    // It has ended; its number may be another process's by now.
    if (usage === null || usage.startTicks !== this.#startTicks) return this.#failedWithoutSample(now);
    const before = this.#last;
    const sample = this.#sampleOf(usage, now, at);
    this.#last = sample;
    this.#keep(sample);
    if (before === null || isMoving(before, sample)) this.dueAt = after(now, busyMs);
    return this.#storedOf(before, sample, now);
  }

  /** Returns what is to be stored: the exit, and the last sample before it. */
  exited(exit: ProcessExit): readonly ProcessNote[] {
    // Its exit may be reported when nothing leads the instance any more.
    const sample =
      (this.notes.findLast((note) => note.kind === 'sample' && note.pid === exit.pid) as ProcessSample | undefined) ??
      null;
    this.#lastExit = { exit, sample };
    this.#keep(exit);
    if (sample === null || sample === this.#lastStored) return [exit];
    return [sample, exit];
  }

  get beforeExit(): string | null {
    const { exit = null, sample = null } = this.#lastExit ?? {};
    return exit === null || sample === null ? null : memoryBeforeExit(sample, exit);
  }

  get strains(): readonly string[] {
    return this.#last === null ? [] : nearlyUsedUp(this.#last);
  }

  get stopped(): StoppedProcesses | null {
    return this.#last === null ? null : stoppedProcesses(this.#last);
  }

  get throttledShare(): number | null {
    return this.#last === null ? null : strainedProcessor(this.#last);
  }

  get descriptors(): { readonly open: number; readonly max: number } | null {
    return this.#last === null ? null : strainedDescriptors(this.#last);
  }

  #keep(note: ProcessNote): void {
    this.notes.push(note);
    if (this.notes.length > notesMax) this.notes.shift();
  }

  #sampleOf(usage: ProcessTreeUsage, now: Instant, at: number): ProcessSample {
    const { controlGroup, processes, residentBytes, threads, openFiles, openFilesMax, ageMs, cpuMs } = usage;
    const { stoppedPid, stoppedPids } = usage;
    const cores = this.#coresOf(cpuMs, now);
    const throttledShare = this.#throttledShareOf(controlGroup);
    return {
      kind: 'sample',
      ...{ at, instance: this.instance, pid: this.pid ?? 0, restarts: this.#restarts },
      ...{ processes, residentBytes, threads, openFiles, openFilesMax, cores, ageMs },
      groupBytes: controlGroup?.memoryMaxBytes == null ? null : controlGroup.memoryBytes,
      groupBytesMax: controlGroup?.memoryMaxBytes ?? null,
      ...(throttledShare === null ? {} : { throttledShare }),
      ...(stoppedPid === null ? {} : { stoppedPid }),
      ...(stoppedPids.length === 0 ? {} : { stoppedPids }),
    };
  }

  /** Null: in none, or it is not known. */
  #throttledShareOf(group: ProcessTreeUsage['controlGroup']): number | null {
    const before = this.#periods;
    this.#periods =
      group?.cpuPeriods == null || group.cpuThrottled === null
        ? null
        : { all: group.cpuPeriods, throttled: group.cpuThrottled };
    const now = this.#periods;
    if (before === null || now === null || now.all - before.all < periodsMin || now.throttled <= before.throttled)
      return null;
    return Math.round((100 * (now.throttled - before.throttled)) / (now.all - before.all)) / 100;
  }

  #coresOf(byProcess: ReadonlyMap<number, number>, now: Instant): number | null {
    const before = this.#cpu;
    this.#cpu = { at: now, byProcess };
    if (before === null || now <= before.at) return null;
    let usedMs = 0;
    // One that has started meanwhile has used all of its time meanwhile.
    for (const [pid, ms] of byProcess) usedMs += Math.max(0, ms - (before.byProcess.get(pid) ?? 0));
    return Math.round((100 * usedMs) / (now - before.at)) / 100;
  }

  #storedOf(before: ProcessSample | null, sample: ProcessSample, now: Instant): readonly ProcessNote[] {
    const hasFailed = this.#hasFailed;
    this.#hasFailed = false;
    const stored = this.#lastStored;
    const isNew =
      stored?.pid !== sample.pid || tellsMore(stored, sample) || Math.abs(sample.at - stored.at) >= storedEveryMs;
    if (!isNew && !hasFailed) return [];
    // What was there before a failure says more than what is there after it.
    const notes = hasFailed && before !== null && before !== stored ? [before, sample] : [sample];
    return this.#mayStore(notes, now) ? notes : [];
  }

  #failedWithoutSample(now: Instant): readonly ProcessNote[] {
    const last = this.#last;
    if (!this.#hasFailed || last === null || last === this.#lastStored) return [];
    this.#hasFailed = false;
    return this.#mayStore([last], now) ? [last] : [];
  }

  #mayStore(notes: readonly ProcessSample[], now: Instant): boolean {
    if (now - this.#minuteBegan >= 60_000) {
      this.#minuteBegan = now;
      this.#storedInMinute = 0;
    }
    if (this.#storedInMinute >= storedPerMinuteMax) return false;
    this.#storedInMinute += notes.length;
    this.#lastStored = notes.at(-1) ?? null;
    return true;
  }
}

/** Whether the next seconds may bring something else: a leak that fills the memory is to be seen until the end. */
function isMoving(before: ProcessSample, sample: ProcessSample): boolean {
  const grownBytes = Math.abs((sample.residentBytes ?? 0) - (before.residentBytes ?? 0));
  return grownBytes >= movingBytes || tellsMore(before, sample) || processStrains(sample).length > 0;
}
