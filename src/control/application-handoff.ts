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
  /** The state folder; null if no application may outlive this process. */
  readonly path: string | null;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly host: SystemHost;
  readonly supervisor: () => Supervisor;
}

/** The process that gets the applications. */
export interface HandoffSuccessor {
  readonly pid: number;
  /** Its state folder. A successor with another folder would not find the applications. */
  readonly stateFolder: string | null;
}

/** The result of a handoff. */
export interface HandoffResult {
  /** Instances that run on for the successor. */
  readonly left: number;
  /** Why the other instances are not handed off, one sentence; null if there are none. `stop` ends them. */
  readonly why: string | null;
  /** Why the successor cannot own the state folder that both have, so that it could not start; a sentence. Absent: it can. */
  readonly refused?: string;
}

/**
 * How long applications that were handed off wait for a process to adopt them: for the successor, before the predecessor's watchdog ends
 * them; for the predecessor, if the successor could not start and gave them back.
 */
export const handoffTimeoutMs = 5_000;

/** A watchdog counts its sleeps and a successor reads the system's clock. The margin keeps both from claiming the same instance. */
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
  /** The instances that were detached; null if none were. */
  #detached: readonly InstanceRecord[] | null = null;
  #adopted = 0;

  constructor(parts: ApplicationHandoffParts) {
    this.#parts = parts;
  }

  /** Pipes for the output of programs that may outlive this process; null if none may. */
  static outputsFor(path: string | null): OutputPipeFolder | null {
    return path === null ? null : new OutputPipeFolder(outputFolderOf(path));
  }

  /** Whether instances were detached. */
  get hasHandedOff(): boolean {
    return this.#detached !== null;
  }

  /** The generation of the state folder, while this process owns it. */
  get generation(): number | null {
    return this.#folder?.generation ?? null;
  }

  /** How many instances were adopted from an earlier process. */
  get adopted(): number {
    return this.#adopted;
  }

  /**
   * Claims the state folder if there are applications. Returns a sentence if another process owns it.
   * A folder that cannot be written is reported; the gateway still serves.
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

  /** Applications whose instances the current owner of the folder will hand off. */
  expectedApplications(): ReadonlySet<ApplicationId> {
    const { path } = this.#parts;
    const previous = path === null ? null : readPreviousState(path);
    if (previous?.kind !== 'instances') return new Set();
    const living = previous.file.instances.filter(({ program }) => isRunning(program.process));
    return new Set(living.map(({ application }) => application));
  }

  /**
   * Adopts the instances that an earlier process has detached; `apply` must follow. Resolves when the disk names this process as their
   * owner. `settled` resolves when that process can no longer roll back; null if it cannot.
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
    // Our watchdog knows the instances now. The disk must have them before watchdogs of earlier owners see the new owner.
    await this.#write();
    this.#announce();
    const used = supervisor.records().flatMap(({ program }) => [program.stdout, program.stderr]);
    ApplicationHandoff.outputsFor(folder.path)?.keepOnly(new Set(used));
  }

  /** Until the handoff is settled our watchdog leaves the instances to the predecessor, even if this process is killed. */
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

  /** Saves changes of the instances that a later process must know. */
  noteChange(): void {
    if (this.#folder === null || this.#detached !== null) return;
    const records = this.#parts.supervisor().records();
    if (changeKeyOf(records) !== this.#written) void this.#write();
  }

  /** Detaches the instances for a successor that already runs. */
  async handOff(successor: HandoffSuccessor): Promise<HandoffResult> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#notHandedOff('there is no state folder through which to hand them off');
    if (successor.stateFolder !== path)
      return this.#notHandedOff(`the next process has another state folder than ${path}`);
    const failed = await this.#detachInstances(handoffTimeoutMs, null, (folder) => folder.nameSuccessor(successor.pid));
    if (failed !== null) {
      const why = `the state folder ${path} ${failed.why}`;
      return { left: 0, why, refused: `The new process cannot own the state folder: ${path} ${failed.why}.` };
    }
    this.#emitDetached(successor.pid, null);
    return this.#handoffResult();
  }

  /** Detaches the instances for a process that starts within `graceMs`; after that the watchdog ends them. */
  async detach(graceMs: number): Promise<HandoffResult> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#notHandedOff('there is no state folder through which to hand them off');
    const failed = await this.#detachInstances(graceMs + watchdogMarginMs, graceMs, () => null);
    if (failed !== null) return this.#notHandedOff(`the state folder ${path} ${failed.why}`);
    this.#emitDetached(null, graceMs);
    return this.#handoffResult();
  }

  /** Adopts the instances again after the successor failed. False if the successor has adopted them and runs. `apply` must follow. */
  async rollBack(): Promise<boolean> {
    const { path, supervisor } = this.#parts;
    if (this.#detached === null || this.#folder === null || path === null) return true;
    if (this.#folder.isOwned) this.#folder.nameSuccessor(null);
    // Read again: the successor may have adopted them just before its name was withdrawn.
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

  /** Releases the state folder, at the end of the process. */
  async close(): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    if (this.#detached === null && folder.isOwned) await folder.write([]);
    if (folder.isOwned) folder.release();
  }

  /** Detaches all instances that can be detached, and saves their records. Rolls back if the records cannot be written. */
  async #detachInstances(
    watchdogWaitMs: number,
    graceMs: number | null,
    then: (folder: StateFolder) => UnusableFolder | null,
  ): Promise<UnusableFolder | null> {
    const { host, supervisor } = this.#parts;
    const folder = this.#folder;
    if (folder === null) return null;
    // Write first: an instance that was detached and adopted again has lost its parent, so its exit status is no longer known.
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

  /** Reports the instances that are not handed off, if there are any: they end with this process. */
  #notHandedOff(why: string): HandoffResult {
    if (this.#runningCount === 0) return { left: 0, why: null };
    this.#parts.events.emit({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `instances end with this process instead of running on for the next one: ${why}`,
      evidence: { folder: this.#parts.path ?? '', file: null, errno: null },
    });
    return { left: 0, why };
  }

  #emitDetached(successor: number | null, graceMs: number | null): void {
    for (const { application, number, program } of this.#detached ?? []) {
      const { pid } = program.process;
      const whom =
        successor === null ? `the process that starts within ${(graceMs ?? 0) / 1000} s` : `process ${successor}`;
      this.#parts.events.emit({
        kind: 'instance_detached',
        subject: `instance:${application}/${number}`,
        reason: `process ${pid} runs on, left to ${whom}`,
        evidence: { pid, port: program.port, successor, graceMs },
      });
    }
  }

  /** Reported once until the folder can be written again. */
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
      reason: `${path}/instances.json, which an earlier process wrote, is ignored: ${why}`,
      evidence: { folder: path, file: 'instances.json', errno: null },
    });
  }
}

/**
 * The instances that no watchdog is ending. After the grace period the predecessor's watchdog ends them; if the predecessor was
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

/** The part of the records whose change is worth a write: all but the run time. */
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

/** The output of applications is on disk only between detaching and adopting. */
function withoutOutput(record: InstanceRecord): InstanceRecord {
  return { ...record, lines: [], program: { ...record.program, unfinished: { stdout: '', stderr: '' } } };
}
