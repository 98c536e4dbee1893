import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import type { InstanceRecord } from '../deploy/instance-record.ts';
import { OutputPipeFolder } from '../deploy/output-pipes.ts';
import { isRunning } from '../deploy/process-identity.ts';
import {
  type PreviousState,
  outputFolderOf,
  readPreviousState,
  StateFolder,
  type UnusableFolder,
} from '../deploy/state-folder.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import type { SystemHost } from '../deploy/system-host.ts';
import { heldText } from './start-failure.ts';

export interface ApplicationHandoffParts {
  /** The state folder; null: nothing is to outlive this process. */
  readonly path: string | null;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly host: SystemHost;
  readonly supervisor: () => Supervisor;
}

/** Who is to have the applications. */
export interface HandoffSuccessor {
  readonly pid: number;
  /** Its own; where it is another one it would not find them. */
  readonly stateFolder: string | null;
}

/** The result of a handoff. */
export interface HandoffResult {
  /** Instances that run on for the successor. */
  readonly left: number;
  /** Why the others are not handed off, one sentence; null where there are none. `stop` stops them. */
  readonly why: string | null;
}

/**
 * How long a process may take to come for applications that were handed off: the successor, before its predecessor's watchdog ends
 * them; the predecessor, where the successor could not start and gave them back.
 */
export const handoffTimeoutMs = 5_000;

/** A watchdog counts its sleeps, a successor reads the system's clock: the difference must not let both claim an instance. */
const watchdogMarginMs = 2_000;

/**
 * Passes running applications from one process to the next: adopts those of the predecessor, hands them off to the successor. Their
 * records are in the state folder, and the owner of the folder looks after them.
 */
export class ApplicationHandoff {
  readonly #parts: ApplicationHandoffParts;
  #folder: StateFolder | null = null;
  #isUnusable = false;
  #written = '';
  /** What was given out of our hands; null: nothing. */
  #detached: readonly InstanceRecord[] | null = null;
  #adopted = 0;

  constructor(parts: ApplicationHandoffParts) {
    this.#parts = parts;
  }

  /** Where programs may write that are to outlive this process; null: none is. */
  static outputsFor(path: string | null): OutputPipeFolder | null {
    return path === null ? null : new OutputPipeFolder(outputFolderOf(path));
  }

  /** Instances were given out of our hands. */
  get hasHandedOff(): boolean {
    return this.#detached !== null;
  }

  /** Of the state folder, while it is ours. */
  get generation(): number | null {
    return this.#folder?.generation ?? null;
  }

  /** Instances that were taken over from an earlier process. */
  get adopted(): number {
    return this.#adopted;
  }

  /**
   * Takes the state folder, where there are applications that it is for. Returns a sentence if another process has it.
   * A folder that cannot be written is reported; the gateway serves all the same.
   */
  claim(applications: readonly ApplicationSpec[]): string | null {
    const { path } = this.#parts;
    return path === null || this.#folder !== null || applications.length === 0 ? null : this.#open(path);
  }

  #open(path: string): string | null {
    const { clock } = this.#parts;
    const opened = StateFolder.open(path, new Date(clock.wallTime()).toISOString());
    if (opened.kind === 'held') return heldText(path, opened.owner);
    if (opened.kind === 'unusable') this.#emitUnusable(opened);
    else this.#folder = opened.folder;
    return null;
  }

  /** Applications of which the process that owns the folder now will hand instances over. */
  expectedApplications(): ReadonlySet<ApplicationId> {
    const { path } = this.#parts;
    const previous = path === null ? null : readPreviousState(path);
    if (previous?.kind !== 'instances') return new Set();
    const living = previous.file.instances.filter(({ program }) => isRunning(program.process));
    return new Set(living.map(({ application }) => application));
  }

  /**
   * Takes over what an earlier process has left; `apply` must follow. Resolves when it is ours on disk too. `settled`:
   * when that process will not take it back any more; null: it cannot.
   */
  async adopt(settled: Promise<void> | null): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    const previous = folder.read();
    if (previous.kind === 'ignored') this.#emitIgnored(folder, previous.why);
    const supervisor = this.#parts.supervisor();
    const adopt = (): readonly InstanceRecord[] =>
      previous.kind === 'instances' ? supervisor.adopt(adoptableInstances(previous), previous.agoMs) : [];
    const instances = settled === null ? adopt() : this.#adoptProvisionally(folder, adopt);
    this.#adopted += instances.length;
    if (settled !== null) this.#watchWhenSettled(instances, settled);
    // Our watchdog knows them now. The disk must have them before the watchdogs of earlier owners learn of a new owner.
    await this.#write();
    this.#announce();
    const used = supervisor.records().flatMap(({ program }) => [program.stdout, program.stderr]);
    ApplicationHandoff.outputsFor(folder.path)?.keepOnly(new Set(used));
  }

  /** Until the handoff is settled our watchdog leaves them to the process that had them, should this one be killed. */
  #adoptProvisionally(folder: StateFolder, adopt: () => readonly InstanceRecord[]): readonly InstanceRecord[] {
    const { watchdog } = this.#parts.host;
    watchdog.setGracePeriod(handoffTimeoutMs);
    // Before the generation file has our number: while it has the predecessor's, the predecessor's watchdog is in charge.
    watchdog.setOwner(folder.generationFile, folder.generation);
    return watchdog.watchProvisionally(adopt);
  }

  #watchWhenSettled(instances: readonly InstanceRecord[], settled: Promise<void>): void {
    const { watchdog } = this.#parts.host;
    void settled.then(() => {
      const ours = new Set(
        this.#parts
          .supervisor()
          .records()
          .map(({ program }) => program.process.pid),
      );
      for (const { program } of instances) {
        const { pid } = program.process;
        if (this.#detached === null && ours.has(pid)) watchdog.watch(pid, program.stopMs);
      }
    });
  }

  /** Something about the instances has changed: what a later process must know of it is written down. */
  noteChange(): void {
    if (this.#folder === null || this.#detached !== null) return;
    const records = this.#parts.supervisor().records();
    if (changeKeyOf(records) !== this.#written) void this.#write();
  }

  /** Gives the instances out of our hands, to a process that runs. */
  async handOff(successor: HandoffSuccessor): Promise<HandoffResult> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#notHandedOff('there is no state folder in which they could be handed over');
    if (successor.stateFolder !== path)
      return this.#notHandedOff(`the next process has another state folder than ${path}`);
    const failed = await this.#detachInstances(handoffTimeoutMs, null, (folder) => folder.nameSuccessor(successor.pid));
    if (failed !== null) return this.#notHandedOff(`the state folder ${path} ${failed.why}`);
    this.#emitDetached(successor.pid, null);
    return this.#handoffResult();
  }

  /** Leaves the instances to the process that comes within `graceMs`; after that the watchdog ends them. */
  async detach(graceMs: number): Promise<HandoffResult> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#notHandedOff('there is no state folder in which they could be left');
    const failed = await this.#detachInstances(graceMs + watchdogMarginMs, graceMs, () => null);
    if (failed !== null) return this.#notHandedOff(`the state folder ${path} ${failed.why}`);
    this.#emitDetached(null, graceMs);
    return this.#handoffResult();
  }

  /** After a successor that could not take over: false where it has, and runs. `apply` must follow. */
  async rollBack(): Promise<boolean> {
    const { path, supervisor } = this.#parts;
    if (this.#detached === null || this.#folder === null || path === null) return true;
    if (this.#folder.isOwned) this.#folder.nameSuccessor(null);
    // Read again: the successor may have come just before its name was withdrawn.
    if (!this.#folder.isOwned) {
      this.#folder = null;
      if (this.#open(path) !== null) return false;
    }
    const previous = readPreviousState(path);
    const records = previous.kind === 'instances' ? previous.file.instances : this.#detached;
    this.#detached = null;
    supervisor().rollBack(records);
    await this.#write();
    this.#announce();
    return true;
  }

  /** At the end: releases the state folder. */
  async close(): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    if (this.#detached === null && folder.isOwned) await folder.write([]);
    if (folder.isOwned) folder.release();
  }

  /** Lets everything go that can be, and writes down where it is. Undone where that cannot be written. */
  async #detachInstances(
    watchdogWaitMs: number,
    graceMs: number | null,
    then: (folder: StateFolder) => UnusableFolder | null,
  ): Promise<UnusableFolder | null> {
    const { host, supervisor } = this.#parts;
    const folder = this.#folder;
    if (folder === null) return null;
    // Tried first: what is let go and taken back has lost its parent, and how it ends is not known any more.
    const unwritable = await folder.write(supervisor().records().map(withoutOutput));
    if (unwritable !== null) return unwritable;
    host.watchdog.setGracePeriod(watchdogWaitMs);
    const records = supervisor().detach();
    this.#detached = records;
    const failed = (await folder.write(records, { graceMs })) ?? then(folder);
    if (failed === null) return null;
    this.#detached = null;
    supervisor().rollBack(records);
    return failed;
  }

  #announce(): void {
    const folder = this.#folder;
    if (folder === null) return;
    const failed = folder.announce();
    if (failed === null) this.#parts.host.watchdog.setOwner(folder.generationFile, folder.generation);
    else this.#emitUnusable(failed);
  }

  async #write(): Promise<void> {
    const records = this.#parts.supervisor().records();
    this.#written = changeKeyOf(records);
    const failed = (await this.#folder?.write(records.map(withoutOutput))) ?? null;
    if (failed !== null) this.#emitUnusable(failed);
    else this.#isUnusable = false;
  }

  #handoffResult(): HandoffResult {
    const left = this.#detached?.length ?? 0;
    return this.#runningCount > left
      ? { ...this.#notHandedOff('they write into pipes without names, which end with this process'), left }
      : { left, why: null };
  }

  /** Instances that have a process. */
  get #runningCount(): number {
    const applications = this.#parts.supervisor().status();
    return applications.flatMap(({ instances }) => instances.filter(({ pid }) => pid !== null)).length;
  }

  /** Instances that are not handed off end with this process, which is reported where there are any. */
  #notHandedOff(why: string): HandoffResult {
    if (this.#runningCount === 0) return { left: 0, why: null };
    this.#parts.events.emit({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `instances end with this process instead of being left to the next: ${why}`,
      evidence: { folder: this.#parts.path ?? '', file: null, errno: null },
    });
    return { left: 0, why };
  }

  #emitDetached(successor: number | null, graceMs: number | null): void {
    for (const { application, number, program } of this.#detached ?? []) {
      const { pid } = program.process;
      const whom =
        successor === null ? `the process that comes within ${(graceMs ?? 0) / 1000} s` : `process ${successor}`;
      this.#parts.events.emit({
        kind: 'instance_detached',
        subject: `instance:${application}/${number}`,
        reason: `process ${pid} runs on, left to ${whom}`,
        evidence: { pid, port: program.port, successor, graceMs },
      });
    }
  }

  /** Once, until it can be written again. */
  #emitUnusable({ errno, why }: UnusableFolder): void {
    const folder = this.#parts.path ?? '';
    if (this.#isUnusable) return;
    this.#isUnusable = true;
    this.#parts.events.emit({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `the state folder ${folder} ${why}: applications would not outlive this process`,
      evidence: { folder, file: null, errno },
    });
  }

  #emitIgnored({ path }: StateFolder, why: string): void {
    this.#parts.events.emit({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `what an earlier process wrote in ${path}/instances.json is not used: ${why}`,
      evidence: { folder: path, file: 'instances.json', errno: null },
    });
  }
}

/**
 * The instances that no watchdog is ending. After the grace period the predecessor's watchdog ends them; where the predecessor was
 * killed, its watchdog ends those that it watched.
 */
function adoptableInstances({
  file,
  detached: left,
  agoMs,
}: Extract<PreviousState, { kind: 'instances' }>): readonly InstanceRecord[] {
  const graceMs = file.handOver?.graceMs ?? null;
  if (left) return graceMs === null || agoMs < graceMs ? file.instances : [];
  return file.instances.filter(({ program }) => !program.guarded);
}

/** What of them is worth a write: not how long they have run. */
function changeKeyOf(records: readonly InstanceRecord[]): string {
  return JSON.stringify(
    records.map(({ application, number, runKey, phase, program }) => [
      application,
      number,
      runKey,
      phase,
      program.process.pid,
    ]),
  );
}

/** What applications print is on disk only between handing over and taking over. */
function withoutOutput(record: InstanceRecord): InstanceRecord {
  return { ...record, lines: [], program: { ...record.program, unfinished: { stdout: '', stderr: '' } } };
}
