import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { failWith, type Result, succeed } from '#failures/result.ts';
import type { EventSink } from '../../core/event.ts';
import type { FeatureState } from '../../core/feature.ts';
import type {
  Launch,
  LaunchedExit,
  LaunchedProgram,
  LaunchFailure,
  LaunchHold,
  PreparedLaunch,
} from '../../core/launch.ts';
import { after, type Clock, type Instant, type Timer } from '../../core/time.ts';
import { signalGroup } from '../../deploy/process-identity.ts';
import { missingProgram } from '../../deploy/program.ts';
import { processTreeUsage } from '../../system/process-tree-usage.ts';
import type { LaunchPart } from '../launch.ts';
import { type CommandPorts, mainFeature, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { diskOf } from './devices.ts';
import { holdingText } from './holding-text.ts';
import { holdingsOf, needsGroup } from './holdings.ts';
import { type ResourceMachine, SystemMachine } from './machine.ts';
import { chained } from './main-chain.ts';
import { type GroupFiles, keyOfProcess, type ProcessGroup, ProcessGroups, systemGroupFiles } from './main-groups.ts';
import { ChildKills, groupKills, groupMemory, MemoryGrowth, MemoryOfReleases } from './main-memory.ts';
import { killedChildrenText, killText, type LimitedRun } from './main-run.ts';
import { isIn, sandboxMounts } from './main-sandbox.ts';
import { openWay, realPath } from './main-way.ts';
import { type Holding, resourcesName, type ResourceSpec, type ResourcesStatus } from './settings.ts';
import { type KnownUser, mayUse, resolveUser, unreachableFolder } from './users.ts';

interface ResourcesParts {
  readonly clock: Clock;
  readonly machine: ResourceMachine;
  readonly files: GroupFiles;
  readonly pid: number;
  /** Null: nothing is kept. */
  readonly stateFolder: string | null;
  /** Absent: there is no gateway to tell. */
  readonly events?: EventSink;
  /** Of the service manager; absent: it gives none. */
  readonly credentials?: string | undefined;
  /** Of a program and what it has started, in bytes; null: not known. */
  readonly memoryOf?: (pid: number) => number | null;
  readonly kill?: (pid: number) => void;
  /** Where an application is, as the release in force has it. Absent: its limits name no disk until it starts. */
  readonly directoryOf?: (application: string) => string | null;
}

/** Between two looks at a program whose limit the gateway itself holds, and at others, whose growth alone is noted. */
const lookEveryMs = 1000;
const sampleEveryMs = 5000;
const youngMs = 15_000;

/** A bwrap before the program, and one that is the first process of its name space. */
const sandboxProcesses = 2;

const stateVersion = 1;

/** Starts programs with their limits, as their user, isolated, and knows what their memory was when they end. */
export class ResourcesPart implements MainPart<ResourceSpec> {
  readonly #parts: ResourcesParts;
  readonly #groups: ProcessGroups;
  readonly #runs = new Set<LimitedRun>();
  readonly #releases = new MemoryOfReleases();
  #scopes: readonly ScopedSpec<ResourceSpec>[] = [];
  /** By application. Looked at with each start, because a look reads files and starts programs, and a status must not wait for them. */
  readonly #holdings = new Map<string, readonly Holding[]>();
  #hasSwept = false;
  #hasStopped = false;
  #timer: Timer | null = null;
  #sampledAt: Instant;
  readonly #readText = (path: string): string | null => this.#parts.files.readText(path);
  readonly launch: LaunchPart;

  constructor(parts: ResourcesParts) {
    this.#parts = parts;
    const { clock, files, pid, machine, stateFolder } = parts;
    this.#sampledAt = clock.now();
    this.#groups = new ProcessGroups({
      ...{ clock, files, self: { pid, isRoot: machine.isRoot } },
      key: stateFolder === null ? keyOfProcess(pid) : digestOf(stateFolder),
    });
    const own: LaunchPart<ResourceSpec> = {
      key: ({ limits, user, isolation, persistent }) => JSON.stringify([limits, user, isolation, persistent]),
      owner: (spec) => this.#userOf(spec),
      prepare: (spec, launch) => this.#prepare(spec, launch),
      adopt: (spec, program, pid) => this.#adopt(spec, program, pid),
    };
    this.launch = own as unknown as LaunchPart;
  }

  use(scopes: readonly ScopedSpec<ResourceSpec>[]): void {
    this.#scopes = scopes;
    this.#holdings.clear();
    const { directoryOf } = this.#parts;
    for (const { scope, spec } of scopes) this.#noteHoldings(scope.id, spec, directoryOf?.(scope.id) ?? null);
    if (this.#hasSwept || scopes.length === 0) return;
    this.#hasSwept = true;
    this.#groups.sweep();
  }

  status(): ResourcesStatus {
    return {
      resources: this.#scopes.map(({ scope }) => ({
        application: scope.id,
        holdings: this.#holdings.get(scope.id) ?? [],
      })),
    };
  }

  export(): FeatureState | null {
    return this.#runs.size === 0 ? null : { version: stateVersion, bytes: this.#releases.export() };
  }

  import({ version, bytes }: FeatureState): void {
    if (version === stateVersion) this.#releases.import(bytes);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#hasStopped = true;
  }

  /** The applications have ended, or another gateway has them. */
  close(hasSuccessor: boolean): Promise<void> {
    return this.#groups.close(hasSuccessor);
  }

  #prepare(spec: ResourceSpec, launch: Launch): Result<PreparedLaunch, LaunchFailure> {
    const { machine, stateFolder, credentials } = this.#parts;
    const refused = this.#noteHoldings(launch.application, spec, launch.directory).find(({ isRefused }) => isRefused);
    if (refused !== undefined) return failWith({ errno: 'EPERM', reason: holdingText(refused) });
    const user = this.#userOf(spec);
    const problem = missingProgram(launch) ?? (user === null ? null : this.#unreadable(user, spec, launch));
    if (problem !== null) return failWith(problem);
    const isStrict = spec.isolation === 'strict';
    const group = this.#makeGroup(spec, launch);
    const holdings = this.#noteHoldings(launch.application, spec, launch.directory);
    const sandbox = isStrict
      ? {
          directory: launch.directory,
          mounts: sandboxMounts({ launch, persistent: spec.persistent, stateFolder, credentials }),
          dropsRights: machine.isRoot,
        }
      : null;
    const command = chained(
      launch.command,
      {
        groups: group?.folders.map((folder) => join(folder, 'cgroup.procs')) ?? [],
        niceness: this.#nicenessOf(spec),
        limits: this.#rlimitsOf(spec, group, holdings),
        user,
        given: user === null ? [] : this.#givenTo(user, spec, launch),
        sandbox,
      },
      (name) => machine.tool(name) ?? name,
    );
    const environment = { ...(user === null ? {} : environmentOf(user)), ...launch.environment };
    return succeed({ command, environment, hold: this.#holdOf(spec, launch, launch.command[0] ?? '', group) });
  }

  #noteHoldings(application: string, spec: ResourceSpec, directory: string | null): readonly Holding[] {
    const problemOf = this.#groups.problemOf.bind(this.#groups);
    const holdings = holdingsOf(spec, this.#parts.machine, problemOf, directory);
    this.#holdings.set(application, holdings);
    return holdings;
  }

  #adopt(spec: ResourceSpec, program: LaunchedProgram, pid: number): LaunchHold | null {
    const group = this.#groups.groupOf(pid);
    const name = this.#readText(`/proc/${pid}/comm`)?.trim() ?? program.program;
    const hold = this.#holdOf(spec, program, name, group);
    hold.started?.(pid);
    return hold;
  }

  #userOf({ user }: ResourceSpec): KnownUser | null {
    const { machine } = this.#parts;
    if (user === null) return null;
    const found = resolveUser(user, machine);
    return found.ok && machine.isRoot ? found.value : null;
  }

  #makeGroup({ limits, isolation }: ResourceSpec, { application, program, directory }: Launch): ProcessGroup | null {
    if (!needsGroup(limits)) return null;
    const extra = isolation === 'strict' ? sandboxProcesses : 0;
    const disk = limits.ioBytesPerS === undefined ? null : diskOf(directory, this.#parts.machine);
    const made = this.#groups.make(application, program, limits, extra, typeof disk === 'string' ? disk : null);
    return made.ok ? made.value : null;
  }

  #nicenessOf({ limits }: ResourceSpec): number {
    const { machine } = this.#parts;
    if (limits.nice === undefined || machine.tool('nice') === null) return 0;
    const added = limits.nice - machine.niceness;
    return added < 0 && !machine.isRoot ? 0 : added;
  }

  #rlimitsOf({ limits }: ResourceSpec, group: ProcessGroup | null, holdings: readonly Holding[]): readonly string[] {
    const { machine } = this.#parts;
    if (machine.tool('prlimit') === null) return [];
    const isHeld = (setting: string): boolean =>
      holdings.some((one) => one.setting === setting && one.by?.startsWith('prlimit') === true);
    const { descriptors, processes } = limits;
    return [
      ...(descriptors !== undefined && isHeld('descriptors') ? [`--nofile=${descriptors}:${descriptors}`] : []),
      ...(processes !== undefined && group === null && isHeld('processes')
        ? [`--nproc=${processes}:${processes}`]
        : []),
    ];
  }

  /** Why the user could not run the program; null: it can. Folders of the gateway on the way are opened for it. */
  #unreadable(user: KnownUser, spec: ResourceSpec, launch: Launch): LaunchFailure | null {
    const { machine, stateFolder } = this.#parts;
    const { directory, command } = launch;
    const isKept = stateFolder !== null && isIn(directory, stateFolder);
    if (isKept) openWay(user, stateFolder, directory);
    const blocked = unreachableFolder(user, directory, machine);
    // A build gets its folder with its start.
    if (blocked !== null && !(launch.kind === 'build' && blocked.path === directory)) {
      const { path, mode } = blocked;
      const wanted = path === directory ? 'read' : 'pass';
      const fix = path === directory ? `chmod o+rx ${path}` : `chmod o+x ${path}`;
      const reason = `the user ${spec.user?.name} may not ${wanted} ${path} (mode ${mode}), and the program lies in ${directory}: ${fix}, or give it to the user's group`;
      return { errno: 'EACCES', reason };
    }
    const [program = ''] = command;
    if (!program.startsWith('/') || mayUse(user, realPath(program), 'execute', machine)) return null;
    return { errno: 'EACCES', reason: `the user ${spec.user?.name} may not execute ${program}: chmod o+rx ${program}` };
  }

  /** Folders of the gateway that the program writes: the copy of a build, and persistent paths that are not its user's yet. */
  #givenTo(user: KnownUser, { persistent }: ResourceSpec, { directory, kind }: Launch): readonly string[] {
    const { machine, stateFolder } = this.#parts;
    if (stateFolder === null) return [];
    const own = persistent
      .map((path) => realPath(join(directory, path)))
      .filter((path) => isIn(path, stateFolder) && existsSync(path) && machine.stat(path)?.uid !== user.uid);
    for (const path of own) openWay(user, stateFolder, path);
    return kind === 'build' && isIn(directory, stateFolder) ? [directory] : own;
  }

  #holdOf(spec: ResourceSpec, program: LaunchedProgram, file: string, group: ProcessGroup | null): LaunchHold {
    const run = this.#limitedRun(spec, program, file, group);
    return {
      started: (pid) => {
        if (run === null) return;
        run.pid = pid;
        run.youngUntil = after(this.#parts.clock.now(), youngMs);
        this.#runs.add(run);
        this.#lookLater();
      },
      exited: (exit) => (run === null ? null : this.#exited(run, exit)),
      ended: () => {
        if (run !== null) this.#ended(run);
        if (group !== null) this.#groups.remove(group);
      },
    };
  }

  #limitedRun(
    spec: ResourceSpec,
    program: LaunchedProgram,
    file: string,
    group: ProcessGroup | null,
  ): LimitedRun | null {
    const { memoryBytes } = spec.limits;
    if (memoryBytes === undefined) return null;
    const memory = group?.memory ?? null;
    const kills = memory === null ? 0 : (groupKills(memory.folder, memory.version, this.#readText) ?? 0);
    return {
      ...{
        program,
        name: basename(file),
        limitBytes: memoryBytes,
        pid: null,
        hasExited: false,
        youngUntil: this.#parts.clock.now(),
        memory,
      },
      source: memory === null ? null : groupMemory(memory.folder, memory.version),
      kills: [kills, kills],
      childKills: new ChildKills(kills),
      growth: new MemoryGrowth(),
      killedAtBytes: null,
    };
  }

  #ended(run: LimitedRun): void {
    this.#runs.delete(run);
    if (this.#runs.size === 0) {
      this.#timer?.cancel();
      this.#timer = null;
    }
    const { application, release } = run.program;
    this.#releases.used(application, release, run.growth.peakBytes);
  }

  /** A shell, and bwrap, report the SIGKILL of what they run as 137. */
  #exited(run: LimitedRun, { code, signal }: { code: number | null; signal: string | null }): LaunchedExit | null {
    // What comes from now on belongs to its end.
    run.hasExited = true;
    const mayBeKilled = signal === 'SIGKILL' || code === 128 + 9 || (code === null && signal === null);
    if (!mayBeKilled) return null;
    const { memory, killedAtBytes } = run;
    const kills = memory === null ? null : groupKills(memory.folder, memory.version, this.#readText);
    if (killedAtBytes === null && (kills === null || kills <= run.kills[0])) return null;
    const { application, release } = run.program;
    const parts = [killText(run), run.growth.text(), this.#releases.killed(application, release)];
    return { outOfMemory: true, how: parts.filter((part) => part !== null).join('; ') };
  }

  #tellKilledChildren(run: LimitedRun, now: Instant): void {
    const count = run.hasExited ? 0 : run.childKills.due(run.kills[0], now);
    if (count === 0) return;
    const { application, program, kind } = run.program;
    this.#parts.events?.emit({
      ...{ kind: 'child_out_of_memory', subject: `${kind === 'job' ? 'job' : 'instance'}:${program}` },
      reason: killedChildrenText(run, count),
      evidence: { application, program, count, limitBytes: run.limitBytes },
    });
  }

  #lookLater(): void {
    if (this.#timer !== null || this.#runs.size === 0 || this.#hasStopped) return;
    const { clock } = this.#parts;
    const isOften = [...this.#runs].some(({ source, youngUntil }) => source === null || clock.now() < youngUntil);
    const look = (part: ResourcesPart): void => {
      part.#timer = null;
      part.#look();
      part.#lookLater();
    };
    const everyMs = isOften ? lookEveryMs : sampleEveryMs;
    this.#timer = clock.schedule(after(clock.now(), everyMs), look, this as ResourcesPart);
  }

  #look(): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const isSampled = now - this.#sampledAt >= sampleEveryMs - lookEveryMs / 2;
    if (isSampled) this.#sampledAt = now;
    for (const run of this.#runs) {
      const { source, pid, growth, program, limitBytes, youngUntil } = run;
      if (pid === null || (source !== null && !isSampled && now >= youngUntil)) continue;
      const bytes = source === null ? (this.#parts.memoryOf ?? residentOf)(pid) : source(this.#readText);
      if (isSampled && run.memory !== null) {
        const kills = groupKills(run.memory.folder, run.memory.version, this.#readText);
        run.kills = [run.kills[1], kills ?? run.kills[1]];
        this.#tellKilledChildren(run, now);
      }
      if (bytes === null) continue;
      growth.add(now, bytes);
      this.#releases.used(program.application, program.release, bytes);
      if (source !== null || bytes <= limitBytes) continue;
      run.killedAtBytes ??= bytes;
      (this.#parts.kill ?? killGroup)(pid);
    }
  }
}

const residentOf = (pid: number): number | null => processTreeUsage(pid)?.residentBytes ?? null;
const killGroup = (pid: number): void => void signalGroup(pid, 'SIGKILL');

function environmentOf({ name, home }: KnownUser): Readonly<Record<string, string>> {
  return {
    ...(home === null || home === '' ? {} : { HOME: home }),
    ...(name === null ? {} : { USER: name, LOGNAME: name }),
  };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

const partOf = ({
  clock,
  stateFolder,
  events,
  directoryOf,
}: CommandPorts & Pick<ResourcesParts, 'events' | 'directoryOf'>): ResourcesPart =>
  new ResourcesPart({
    ...{ clock, stateFolder, ...(events && { events }), ...(directoryOf && { directoryOf }) },
    ...{ credentials: process.env['CREDENTIALS_DIRECTORY'] },
    ...{ machine: new SystemMachine(), files: systemGroupFiles, pid: process.pid },
  });

export const resources = mainFeature<ResourceSpec, ResourcesPart, ResourcesStatus>({
  name: resourcesName,
  start: (ports) =>
    partOf({ ...ports, directoryOf: (application) => ports.applications.inForce(application)?.directory ?? null }),
  forCommand(ports) {
    const part = partOf(ports);
    // A gateway may run, whose groups those are.
    return { launch: part.launch, close: () => part.close(true) };
  },
});
