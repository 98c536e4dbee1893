import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import type { InstanceRecord } from '../deploy/instance-record.ts';
import { OutputFolder } from '../deploy/output-pipes.ts';
import { isRunning } from '../deploy/process-identity.ts';
import { type Legacy, outputFolderOf, readLegacy, StateFolder, type Unusable } from '../deploy/state-folder.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import type { SystemHost } from '../deploy/system-host.ts';
import { heldText } from './start-failure.ts';

export interface EstateParts {
  /** The state folder; null: nothing is to outlive this process. */
  readonly path: string | null;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly host: SystemHost;
  readonly supervisor: () => Supervisor;
}

/** Who is to have the applications. */
export interface Heir {
  readonly pid: number;
  /** Its own; where it is another one it would not find them. */
  readonly stateFolder: string | null;
}

/** What came of handing over. */
export interface HandedOver {
  /** Instances that run on for the heir. */
  readonly left: number;
  /** Why not those that are left out, one sentence; null where none is. They are stopped by `stop`. */
  readonly why: string | null;
}

/**
 * So long who is to have the applications may take to come for them: an heir before the guard of the one before gives it up,
 * and the one before where the heir cannot start and gives them back.
 */
export const heirMs = 5_000;

/** A keeper goes by a clock of naps, an heir by that of the system: between the two no instance may be both's. */
const keeperMarginMs = 2_000;

/**
 * What outlives this process: the instances that it has got from the one before, and leaves to the one after. Their
 * records stand in the state folder, and whoever owns that looks after them.
 */
export class Estate {
  readonly #parts: EstateParts;
  #folder: StateFolder | null = null;
  #isUnusable = false;
  #written = '';
  /** What was given out of our hands; null: nothing. */
  #handed: readonly InstanceRecord[] | null = null;
  #adopted = 0;

  constructor(parts: EstateParts) {
    this.#parts = parts;
  }

  /** Where programs may write that are to outlive this process; null: none is. */
  static outputsFor(path: string | null): OutputFolder | null {
    return path === null ? null : new OutputFolder(outputFolderOf(path));
  }

  /** Instances were given out of our hands. */
  get hasHanded(): boolean {
    return this.#handed !== null;
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
   * One that cannot be written is told, and no reason not to serve.
   */
  claim(applications: readonly ApplicationSpec[]): string | null {
    const { path } = this.#parts;
    return path === null || this.#folder !== null || applications.length === 0 ? null : this.#open(path);
  }

  #open(path: string): string | null {
    const { clock } = this.#parts;
    const opened = StateFolder.open(path, new Date(clock.wallTime()).toISOString());
    if (opened.kind === 'held') return heldText(path, opened.owner);
    if (opened.kind === 'unusable') this.#tellUnusable(opened);
    else this.#folder = opened.folder;
    return null;
  }

  /** Applications of which the process that owns the folder now will hand instances over. */
  expected(): ReadonlySet<ApplicationId> {
    const { path } = this.#parts;
    const legacy = path === null ? null : readLegacy(path);
    if (legacy?.kind !== 'instances') return new Set();
    const living = legacy.file.instances.filter(({ program }) => isRunning(program.process));
    return new Set(living.map(({ application }) => application));
  }

  /**
   * Takes over what an earlier process has left; `apply` must follow. Resolves when it is ours on disk too. `settled`:
   * when that process will not take it back any more; null: it cannot.
   */
  async inherit(settled: Promise<void> | null): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    const legacy = folder.read();
    if (legacy.kind === 'ignored') this.#tellIgnored(folder, legacy.why);
    const mine = this.#parts.supervisor();
    const taken = legacy.kind === 'instances' ? mine.adopt(inheritable(legacy), legacy.agoMs) : [];
    this.#adopted += taken.length;
    if (settled !== null) this.#lend(taken, settled);
    // Now they have a guard of ours, and the disk says so before those of earlier owners are told to go.
    await this.#write();
    this.#announce();
    const used = mine.records().flatMap(({ program }) => [program.stdout, program.stderr]);
    Estate.outputsFor(folder.path)?.keepOnly(new Set(used));
  }

  /** Until then our guard leaves them to the process that had them, should this one be killed. */
  #lend(taken: readonly InstanceRecord[], settled: Promise<void>): void {
    const { guard } = this.#parts.host;
    guard.leave(heirMs);
    for (const { program } of taken) guard.hand(program.process.pid);
    void settled.then(() => {
      const ours = new Set(
        this.#parts
          .supervisor()
          .records()
          .map(({ program }) => program.process.pid),
      );
      for (const { program } of taken) {
        const { pid } = program.process;
        if (this.#handed === null && ours.has(pid)) guard.watch(pid, program.stopMs);
      }
    });
  }

  /** Something about the instances has changed: what a later process must know of it is written down. */
  noteChange(): void {
    if (this.#folder === null || this.#handed !== null) return;
    const records = this.#parts.supervisor().records();
    if (essenceOf(records) !== this.#written) void this.#write();
  }

  /** Gives the instances out of our hands, to a process that runs. */
  async handOver(heir: Heir): Promise<HandedOver> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#kept('there is no state folder in which they could be handed over');
    if (heir.stateFolder !== path) return this.#kept(`the next process has another state folder than ${path}`);
    const failed = await this.#give(heirMs, null, (folder) => folder.nameSuccessor(heir.pid));
    if (failed !== null) return this.#kept(`the state folder ${path} ${failed.why}`);
    this.#tellLeft(heir.pid, null);
    return this.#handedOver();
  }

  /** Gives them to whoever comes within `graceMs`; after that the guard ends them. */
  async leave(graceMs: number): Promise<HandedOver> {
    const { path } = this.#parts;
    if (this.#folder === null) return this.#kept('there is no state folder in which they could be left');
    const failed = await this.#give(graceMs + keeperMarginMs, graceMs, () => null);
    if (failed !== null) return this.#kept(`the state folder ${path} ${failed.why}`);
    this.#tellLeft(null, graceMs);
    return this.#handedOver();
  }

  /** After an heir that could not take over: false where it has, and lives. `apply` must follow. */
  async takeBack(): Promise<boolean> {
    const { path, supervisor } = this.#parts;
    if (this.#handed === null || this.#folder === null || path === null) return true;
    if (this.#folder.isOwned) this.#folder.nameSuccessor(null);
    // Asked afterwards: the heir may have come just before it was not allowed to any more.
    if (!this.#folder.isOwned) {
      this.#folder = null;
      if (this.#open(path) !== null) return false;
    }
    const legacy = readLegacy(path);
    const records = legacy.kind === 'instances' ? legacy.file.instances : this.#handed;
    this.#handed = null;
    supervisor().takeBack(records);
    await this.#write();
    this.#announce();
    return true;
  }

  /** At the end: nobody need wait for us. */
  async close(): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    if (this.#handed === null && folder.isOwned) await folder.write([]);
    if (folder.isOwned) folder.release();
  }

  /** Lets everything go that can be, and writes down where it is. Undone where that cannot be written. */
  async #give(
    guardWaitsMs: number,
    graceMs: number | null,
    then: (folder: StateFolder) => Unusable | null,
  ): Promise<Unusable | null> {
    const { host, supervisor } = this.#parts;
    const folder = this.#folder;
    if (folder === null) return null;
    // Tried first: what is let go and taken back has lost its parent, and how it ends is not known any more.
    const unwritable = await folder.write(supervisor().records().map(withoutWords));
    if (unwritable !== null) return unwritable;
    host.guard.leave(guardWaitsMs);
    const records = supervisor().letGo();
    this.#handed = records;
    const failed = (await folder.write(records, { graceMs })) ?? then(folder);
    if (failed === null) return null;
    this.#handed = null;
    supervisor().takeBack(records);
    return failed;
  }

  #announce(): void {
    const folder = this.#folder;
    if (folder === null) return;
    const failed = folder.announce();
    if (failed === null) this.#parts.host.guard.ownedBy(folder.generationFile, folder.generation);
    else this.#tellUnusable(failed);
  }

  async #write(): Promise<void> {
    const records = this.#parts.supervisor().records();
    this.#written = essenceOf(records);
    const failed = (await this.#folder?.write(records.map(withoutWords))) ?? null;
    if (failed !== null) this.#tellUnusable(failed);
    else this.#isUnusable = false;
  }

  #handedOver(): HandedOver {
    const left = this.#handed?.length ?? 0;
    return this.#running > left
      ? { ...this.#kept('they write into pipes without names, which end with this process'), left }
      : { left, why: null };
  }

  /** Instances that have a process. */
  get #running(): number {
    const applications = this.#parts.supervisor().status();
    return applications.flatMap(({ instances }) => instances.filter(({ pid }) => pid !== null)).length;
  }

  /** What is not given out of our hands ends with us, and that is told where there is any. */
  #kept(why: string): HandedOver {
    if (this.#running === 0) return { left: 0, why: null };
    this.#parts.events.tell({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `instances end with this process instead of being left to the next: ${why}`,
      evidence: { folder: this.#parts.path ?? '', file: null, errno: null },
    });
    return { left: 0, why };
  }

  #tellLeft(successor: number | null, graceMs: number | null): void {
    for (const { application, number, program } of this.#handed ?? []) {
      const { pid } = program.process;
      const whom = successor === null ? `whoever comes within ${(graceMs ?? 0) / 1000} s` : `process ${successor}`;
      this.#parts.events.tell({
        kind: 'instance_left',
        subject: `instance:${application}/${number}`,
        reason: `process ${pid} runs on, left to ${whom}`,
        evidence: { pid, port: program.port, successor, graceMs },
      });
    }
  }

  /** Once, until it can be written again. */
  #tellUnusable({ errno, why }: Unusable): void {
    const folder = this.#parts.path ?? '';
    if (this.#isUnusable) return;
    this.#isUnusable = true;
    this.#parts.events.tell({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `the state folder ${folder} ${why}: applications would not outlive this process`,
      evidence: { folder, file: null, errno },
    });
  }

  #tellIgnored({ path }: StateFolder, why: string): void {
    this.#parts.events.tell({
      kind: 'state_unusable',
      subject: 'gateway',
      reason: `what an earlier process wrote in ${path}/instances.json is not used: ${why}`,
      evidence: { folder: path, file: 'instances.json', errno: null },
    });
  }
}

/**
 * Those that nobody is ending. What was left too long, the guard of the process before is ending already; so is it what
 * belonged to one that was killed, if it had a guard.
 */
function inheritable({ file, left, agoMs }: Extract<Legacy, { kind: 'instances' }>): readonly InstanceRecord[] {
  const graceMs = file.handOver?.graceMs ?? null;
  if (left) return graceMs === null || agoMs < graceMs ? file.instances : [];
  return file.instances.filter(({ program }) => !program.guarded);
}

/** What of them is worth a write: not how long they have run. */
function essenceOf(records: readonly InstanceRecord[]): string {
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
function withoutWords(record: InstanceRecord): InstanceRecord {
  return { ...record, lines: [], program: { ...record.program, unfinished: { stdout: '', stderr: '' } } };
}
