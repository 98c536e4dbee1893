import type { Configuration } from '../core/configuration.ts';
import type { FeatureStates } from '../core/feature.ts';
import type { LaunchedProgram, Launcher, LaunchHold } from '../core/launch.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { succeed } from '#failures/result.ts';
import { filesName, type FilesSpec } from '../features/files/settings.ts';
import { readBootId } from '../deploy/process-identity.ts';
import { type Amounts, ownerKey, type UsageOwner } from './amounts.ts';
import { folderSize, type FolderSize } from './folder-size.ts';
import type { CountedTime } from './process-account.ts';
import { type CountedProgram, ProcessMeter, type ProgramNow } from './process-meter.ts';
import { LiveTraffic, type TrafficNow } from './live-traffic.ts';
import { type TrafficBatch, TrafficMeter } from './traffic-meter.ts';
import type { UsageStorage } from './usage-file.ts';
import { UsageHistory } from './usage-history.ts';

interface UsageParts {
  readonly clock: Clock;
  /** Null: nothing outlives the process. */
  readonly storage: UsageStorage | null;
  readonly configuration: () => Pick<Configuration, 'applications' | 'upstreams' | 'routes'>;
  /** The name of the release of an application that is in force; null: it was never deployed. */
  readonly releaseOf: (application: string) => string | null;
  /** Where the files of an application are. */
  readonly foldersOf: (application: string) => readonly string[];
  readonly bootId?: string | null;
  readonly sizeOf?: (folder: string, isStopped: () => boolean) => Promise<FolderSize>;
  readonly system?: ConstructorParameters<typeof ProcessMeter>[0]['system'];
}

/** What the programs of an application use, of all releases. */
export interface ProgramUse extends Omit<UsageOwner, 'release'> {
  /** Since this process started. */
  readonly cpuMs: number;
  /** Of those that run now. */
  readonly residentBytes: number;
}

const minuteMs = 60_000;

/** Folders are looked at soon after a start, and then so often: it may take seconds of a thread. */
const firstFoldersMs = 20_000;
const foldersEveryMs = 3_600_000;

const stateName = 'usage';
const stateVersion = 1;

/** What applications use, now and over time. It begins when the first application is there: a gateway without one has no timer here. */
export class Usage {
  readonly history = new UsageHistory();
  readonly #parts: UsageParts;
  readonly #recent: LiveTraffic;
  readonly #processes: ProcessMeter;
  readonly #traffic: TrafficMeter;
  readonly #bootId: string;
  /** By upstream: the application behind it. */
  #applications = new Map<string, string>();
  #upstreams: unknown = null;
  /** By route: the static application that answers it. */
  #sites = new Map<string, string>();
  #routes: unknown = null;
  /** What earlier gateways have counted of programs, by number and start. */
  readonly #counted = new Map<string, CountedTime>();
  readonly #folders = new Map<string, FolderSize>();
  /** CPU time by programs, of all releases. */
  readonly #cpuMs = new Map<string, { readonly owner: Omit<UsageOwner, 'release'>; cpuMs: number }>();
  #minuteTimer: Timer | null = null;
  #foldersTimer: Timer | null = null;
  #closed = false;

  constructor(parts: UsageParts) {
    this.#parts = parts;
    const { clock, system } = parts;
    this.#bootId = (parts.bootId === undefined ? readBootId() : parts.bootId) ?? '';
    this.#recent = new LiveTraffic(clock);
    this.#processes = new ProcessMeter({
      clock,
      add: (owner, amounts) => this.#add(owner, amounts),
      countedOf: (pid, startTicks) => this.#counted.get(`${pid} ${startTicks}`) ?? null,
      ...(system === undefined ? {} : { system }),
    });
    this.#traffic = new TrafficMeter({
      applicationOf: (upstream) => this.#applicationOf(upstream),
      siteOf: (route) => this.#siteOf(route),
      add: (owner, amounts) => {
        this.#add(owner, amounts);
        this.#recent.add(owner, amounts);
      },
    });
  }

  /** Reads what earlier gateways have written. Before programs are taken over, and again when the process before this one has ended. */
  async load(): Promise<void> {
    const kept = await this.#parts.storage?.read();
    if (kept === undefined) return;
    if (kept.minutes.length + kept.hours.length === 0) return;
    this.history.replace(kept.minutes, kept.hours);
    if (kept.counted !== null && kept.counted.boot === this.#bootId) this.#noteCounted(kept.counted.programs, false);
    this.#begin();
  }

  /** The same launcher; each program that it starts is metered. */
  metered(launcher: Launcher): Launcher {
    return {
      key: (application, settings) => launcher.key(application, settings),
      prepare: (launch) => {
        const prepared = launcher.prepare(launch);
        if (!prepared.ok) return prepared;
        return succeed({ ...prepared.value, hold: this.#holdOf(launch, prepared.value.hold) });
      },
      adopt: (program, pid) => {
        const hold = this.#holdOf(program, launcher.adopt(program, pid) ?? undefined);
        this.#start(program, pid);
        hold.adopted(pid);
        return hold;
      },
    };
  }

  onBatch(batch: TrafficBatch): void {
    if (this.#parts.configuration().applications.length > 0) this.#traffic.onBatch(batch);
  }

  get programs(): readonly ProgramNow[] {
    return this.#processes.now;
  }

  get traffic(): readonly TrafficNow[] {
    return this.#recent.now;
  }

  /** By application, kind and name, as metrics have it. */
  get used(): readonly ProgramUse[] {
    const resident = new Map<string, number>();
    for (const { owner, residentBytes } of this.programs) {
      const key = ownerKey({ ...owner, release: '' });
      resident.set(key, (resident.get(key) ?? 0) + residentBytes);
    }
    return [...this.#cpuMs].map(([key, { owner, cpuMs }]) => ({
      ...owner,
      cpuMs,
      residentBytes: resident.get(key) ?? 0,
    }));
  }

  /** The sizes of the folders of applications that have been looked at. */
  get storage(): readonly { readonly application: string; readonly bytes: number }[] {
    return [...this.#folders].map(([application, { bytes }]) => ({ application, bytes }));
  }

  /** Of the application's folders, as they were last looked at; null: not yet. */
  sizeOf(application: string): FolderSize | null {
    return this.#folders.get(application) ?? null;
  }

  /** Which programs the process that takes over goes on with, and what is counted of them. From now on it counts. */
  export(): FeatureStates {
    const programs = this.#processes.handOff();
    this.#noteCounted(programs, true);
    this.#folders.clear();
    return { [stateName]: { version: stateVersion, bytes: Buffer.from(JSON.stringify(programs)) } };
  }

  /** What the process before this one has exported. */
  import({ [stateName]: state }: FeatureStates): void {
    if (state?.version !== stateVersion) return;
    const { bytes } = state;
    try {
      this.#noteCounted(JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly CountedProgram[], true);
    } catch {
      // Of another program under the same name: then the file says it.
    }
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#processes.close();
    this.#closed = true;
    this.#minuteTimer?.cancel();
    this.#foldersTimer?.cancel();
    await this.#write();
  }

  #holdOf(program: LaunchedProgram, hold: LaunchHold | undefined): LaunchHold & { adopted(pid: number): void } {
    let running: number | null = null;
    return {
      adopted: (pid) => {
        running = pid;
      },
      started: (pid) => {
        running = pid;
        hold?.started?.(pid);
        this.#start(program, pid);
      },
      exited: (exit) => hold?.exited?.(exit) ?? null,
      ended: () => {
        if (running !== null) this.#processes.end(running);
        hold?.ended?.();
      },
      mask: (line) => hold?.mask?.(line) ?? line,
    };
  }

  #start(program: LaunchedProgram, pid: number): void {
    this.#begin();
    this.#processes.start({ id: program.program, pid, owner: ownerOf(program) });
  }

  #add(owner: UsageOwner, amounts: Partial<Amounts>): void {
    this.#begin();
    this.history.add(Math.floor(this.#parts.clock.wallTime() / minuteMs), owner, amounts);
    if (amounts.cpuMs !== undefined) this.#addCpu(owner, amounts.cpuMs);
  }

  #addCpu({ application, kind, name }: UsageOwner, cpuMs: number): void {
    const key = ownerKey({ application, kind, name, release: '' });
    const known = this.#cpuMs.get(key) ?? { owner: { application, kind, name }, cpuMs: 0 };
    known.cpuMs += cpuMs;
    this.#cpuMs.set(key, known);
  }

  #applicationOf(upstream: string): string | null {
    const { upstreams } = this.#parts.configuration();
    if (upstreams !== this.#upstreams) {
      this.#upstreams = upstreams;
      this.#applications = new Map(
        upstreams.flatMap(({ id, application }) => (application === null ? [] : [[id, application] as const])),
      );
    }
    return this.#applications.get(upstream) ?? null;
  }

  #siteOf(route: string): { readonly application: string; readonly release: string } | null {
    const { routes } = this.#parts.configuration();
    if (routes !== this.#routes) {
      this.#routes = routes;
      this.#sites = new Map(
        routes.flatMap(({ id, features }) => {
          const { release } = (features?.[filesName] ?? {}) as Partial<FilesSpec>;
          return release === undefined ? [] : [[String(id), release.application] as const];
        }),
      );
    }
    const application = this.#sites.get(route);
    return application === undefined ? null : { application, release: this.#parts.releaseOf(application) ?? '' };
  }

  #noteCounted(programs: readonly CountedProgram[], isNewer: boolean): void {
    for (const { pid, startTicks, ...counted } of programs) {
      const key = `${pid} ${startTicks}`;
      if (isNewer || !this.#counted.has(key)) this.#counted.set(key, counted);
    }
  }

  #begin(): void {
    if (this.#minuteTimer !== null || this.#closed) return;
    const { clock } = this.#parts;
    // A second after the minute, so that what workers report late is in it.
    const untilMs = minuteMs - (clock.wallTime() % minuteMs) + 1000;
    this.#minuteTimer = clock.schedule(
      after(clock.now(), untilMs),
      (usage: Usage) => void usage.#onMinute(),
      this as Usage,
    );
    this.#foldersTimer ??= this.#scheduleFolders(firstFoldersMs);
  }

  async #onMinute(): Promise<void> {
    this.#minuteTimer = null;
    this.#begin();
    this.#addFolders();
    await this.#write();
    const hour = Math.floor(this.#parts.clock.wallTime() / 3_600_000);
    if (hour === this.#compacted) return;
    this.#compacted = hour;
    this.history.compact(hour);
    await this.#parts.storage?.compact(hour);
  }

  #compacted: number | null = null;

  async #write(): Promise<void> {
    const rows = this.history.take();
    if (rows.length === 0) return;
    await this.#parts.storage?.append(rows, { boot: this.#bootId, programs: this.#processes.counted });
  }

  #scheduleFolders(ms: number): Timer {
    const { clock } = this.#parts;
    return clock.schedule(after(clock.now(), ms), (usage: Usage) => void usage.#lookAtFolders(), this as Usage);
  }

  async #lookAtFolders(): Promise<void> {
    const { configuration, foldersOf, sizeOf = folderSize } = this.#parts;
    // Workers run in the folders of their application.
    const ids = configuration().applications.flatMap(({ id, of }) => (of === undefined ? [String(id)] : []));
    for (const id of ids) {
      const sizes: FolderSize[] = [];
      for (const folder of foldersOf(id)) sizes.push(await sizeOf(folder, () => this.#closed));
      if (this.#closed) return;
      this.#folders.set(id, {
        bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
        isPart: sizes.some(({ isPart }) => isPart),
      });
    }
    for (const id of this.#folders.keys()) if (!ids.includes(id)) this.#folders.delete(id);
    this.#foldersTimer = this.#scheduleFolders(foldersEveryMs);
  }

  /** As they were when they were last looked at, for the minute that is over. */
  #addFolders(): void {
    for (const [application, { bytes }] of this.#folders)
      if (bytes > 0)
        this.#add(
          { application, kind: 'storage', name: '', release: '' },
          { byteSeconds: (bytes * minuteMs) / 1000, peakBytes: bytes },
        );
  }
}

/** 'shop.mail/1' is an instance of the worker 'mail' of 'shop', and 'shop.mail/1/ready' a check of it. */
function ownerOf({ application, program, kind, release }: LaunchedProgram): UsageOwner {
  const owner = { application, release: release ?? '' };
  if (kind === 'instance') return { ...owner, kind: 'instances', name: '' };
  if (kind === 'build' || kind === 'before') return { ...owner, kind: 'build', name: 'build' };
  const name = program.startsWith(`${application}.`) ? program.slice(application.length + 1) : program;
  return { ...owner, kind, name: name.split('/')[0] ?? '' };
}
