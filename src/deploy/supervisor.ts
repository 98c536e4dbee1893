import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { Host, OutputStream } from './host.ts';
import { Instance, type InstanceParts } from './instance.ts';
import type { Phase } from './instance-life.ts';
import type { InstanceStatus, LiveInstance } from './live-instance.ts';

export type { InstanceStatus, LiveInstance } from './live-instance.ts';

export interface SupervisorParts {
  readonly applications: readonly ApplicationSpec[];
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly host: Host;
  /** For how long at most an instance that is replaced or removed may finish its requests: asked each time. */
  readonly drainMs: () => number;
  /** Resolves when no request of a draining instance is left; without it, that time is waited in full. */
  readonly whenDrained?: (instance: LiveInstance) => Promise<void>;
  /** Each line that an instance writes, for a terminal that shows it. */
  readonly onLine?: (instance: string, stream: OutputStream, line: string) => void;
}

export interface Supervisor {
  start(): void;
  /**
   * Makes the running applications those of `applications`. Unchanged ones are not touched. Of a changed one, new
   * instances are started beside the old, and each old one is drained and stopped once a new one is ready; with a
   * port of its own the old must go first. Removed ones are drained and stopped.
   */
  apply(applications: readonly ApplicationSpec[]): void;
  /**
   * Asks everything to stop, and resolves when nothing is left running. Callers drain first. Called again while it
   * waits, it kills.
   */
  stop(): Promise<void>;
  /** Those that run, are to run, or are about to be gone. */
  instances(application: ApplicationId): readonly LiveInstance[];
  /** Calls back after each change of that list or of one of its instances, until the returned function is called. */
  onChange(callback: () => void): () => void;
  status(): readonly ApplicationStatus[];
}

export interface ApplicationStatus {
  readonly id: string;
  readonly command: readonly string[];
  readonly instances: readonly InstanceStatus[];
}

export function createSupervisor(parts: SupervisorParts): Supervisor {
  return new ApplicationsSupervisor(parts);
}

interface Application {
  readonly id: ApplicationId;
  /** Null once it has been removed from the configuration, while instances of it are left. */
  spec: ApplicationSpec | null;
  members: Member[];
  /** For ids; never used twice, so that an old and a new instance cannot be taken for each other. */
  nextNumber: number;
  isSettling: boolean;
  /** Something has changed since it was last looked at. */
  isUnsettled: boolean;
}

interface Member {
  readonly instance: Instance;
  /** What its process was made of. */
  readonly runKey: string;
}

class ApplicationsSupervisor implements Supervisor {
  readonly #parts: SupervisorParts;
  readonly #applications = new Map<ApplicationId, Application>();
  readonly #callbacks = new Set<() => void>();
  #stopped: PromiseWithResolvers<void> | null = null;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  start(): void {
    this.apply(this.#parts.applications);
  }

  apply(applications: readonly ApplicationSpec[]): void {
    if (this.#stopped !== null) return;
    const specs = new Map(applications.map((spec) => [spec.id, spec]));
    for (const id of specs.keys()) {
      if (!this.#applications.has(id)) this.#applications.set(id, newApplication(id));
    }
    for (const application of this.#applications.values()) {
      const spec = specs.get(application.id) ?? null;
      application.spec = spec;
      if (spec !== null) adaptMembers(application, spec);
      this.#settle(application);
      this.#forgetIfGone(application);
    }
    this.#tellChange();
  }

  stop(): Promise<void> {
    const isFirst = this.#stopped === null;
    this.#stopped ??= Promise.withResolvers();
    for (const { members } of [...this.#applications.values()]) {
      for (const { instance } of [...members]) {
        if (isFirst) instance.stop();
        else instance.kill();
      }
    }
    this.#endIfNothingIsLeft();
    return this.#stopped.promise;
  }

  instances(application: ApplicationId): readonly LiveInstance[] {
    return this.#applications.get(application)?.members.map(({ instance }) => instance.live()) ?? [];
  }

  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  status(): readonly ApplicationStatus[] {
    return [...this.#applications.values()].map(({ id, spec, members }) => ({
      id,
      command: spec?.command ?? [],
      instances: members.map(({ instance }) => instance.status()),
    }));
  }

  /** Starting and retiring are changes too: what they cause is looked at afterwards, never from inside. */
  #settle(application: Application): void {
    application.isUnsettled = true;
    if (application.isSettling) return;
    application.isSettling = true;
    while (application.isUnsettled) {
      application.isUnsettled = false;
      this.#bringCloser(application);
    }
    application.isSettling = false;
  }

  /**
   * Brings the instances closer to what is wanted. Decides from what is there, not from what happened, so that it
   * may be called after any change, and a second configuration may come while the first is still being carried out.
   */
  #bringCloser(application: Application): void {
    if (this.#stopped !== null) return;
    const { spec, members } = application;
    const wanted = spec?.instances ?? 0;
    const runKey = spec === null ? '' : runKeyOf(spec);
    const staying = members.filter(({ instance }) => !isLeaving(instance.phase));
    const current = staying.filter((member) => member.runKey === runKey);
    const older = staying.filter((member) => member.runKey !== runKey);
    const readyCount = current.filter(({ instance }) => instance.phase === 'ready').length;
    // Two programs cannot listen on one port: with a port of their own the old have to go first.
    const hasOwnPort = spec !== null && spec.port !== null;
    for (const member of leastUseful(current, wanted)) this.#retire(member);
    for (const member of leastUseful(older, hasOwnPort ? 0 : wanted - readyCount)) this.#retire(member);
    if (spec === null || (hasOwnPort && members.some((member) => !current.includes(member)))) return;
    for (let count = current.length; count < wanted; count++) this.#startMember(application, spec, runKey);
  }

  #startMember(application: Application, spec: ApplicationSpec, runKey: string): void {
    const { clock, random, events, host, onLine } = this.#parts;
    const parts: InstanceParts = {
      clock,
      random,
      events,
      host,
      onChanged: () => this.#changed(application),
      onLine: onLine ?? (() => {}),
    };
    const instance = new Instance(`${application.id}/${application.nextNumber}`, spec, parts);
    application.nextNumber += 1;
    application.members.push({ instance, runKey });
    instance.start();
  }

  #retire({ instance }: Member): void {
    const { whenDrained, drainMs } = this.#parts;
    instance.retire(drainMs());
    if (instance.phase !== 'draining') return;
    // Where nobody can say that it has drained, or asking fails, the time limit decides.
    whenDrained?.(instance.live()).then(
      () => instance.drained(),
      () => {},
    );
  }

  #changed(application: Application): void {
    application.members = application.members.filter(({ instance }) => instance.phase !== 'stopped');
    this.#settle(application);
    this.#forgetIfGone(application);
    this.#tellChange();
    this.#endIfNothingIsLeft();
  }

  #forgetIfGone({ id, spec, members }: Application): void {
    if (spec === null && members.length === 0) this.#applications.delete(id);
  }

  #tellChange(): void {
    for (const callback of [...this.#callbacks]) callback();
  }

  #endIfNothingIsLeft(): void {
    if (this.#stopped === null) return;
    for (const { members } of this.#applications.values()) if (members.length > 0) return;
    this.#parts.host.close();
    this.#stopped.resolve();
  }
}

function newApplication(id: ApplicationId): Application {
  return { id, spec: null, members: [], nextNumber: 1, isSettling: false, isUnsettled: false };
}

/** Settings that a running process has no part in take effect at once. */
function adaptMembers(application: Application, spec: ApplicationSpec): void {
  const runKey = runKeyOf(spec);
  for (const member of application.members) if (member.runKey === runKey) member.instance.adapt(spec);
}

/**
 * What makes a new instance necessary. Readiness is among it although no process depends on it: a mistake in it then
 * leaves the old instances serving, where it would otherwise take them out one after the other.
 */
function runKeyOf({ command, directory, environment, port, readiness }: ApplicationSpec): string {
  const variables = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  const { path, intervalMs, timeoutMs, passes, startMs } = readiness;
  return JSON.stringify([command, directory, variables, port, path, intervalMs, timeoutMs, passes, startMs]);
}

function isLeaving(phase: Phase): boolean {
  return phase === 'draining' || phase === 'stopping' || phase === 'stopped';
}

/** All but `keep` of them, those first that serve nobody. */
function leastUseful(members: readonly Member[], keep: number): readonly Member[] {
  const usefulness = ({ instance }: Member) => (instance.phase === 'ready' ? 2 : instance.phase === 'failing' ? 1 : 0);
  const sorted = [...members].sort((a, b) => usefulness(a) - usefulness(b));
  return sorted.slice(0, Math.max(0, members.length - Math.max(0, keep)));
}
