import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { InstanceTraffic, LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { Host, OutputStream } from './host.ts';
import { Instance, type InstanceParts } from './instance.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { MemberStatus } from './instance-status.ts';
import {
  adaptInstances,
  foreignSpec,
  hasNoProgram,
  isLeaving,
  leastUsefulInstances,
  type ManagedInstance,
  recordOf,
  stopWithoutProgram,
} from './managed-instance.ts';
import { runKeyOf } from './run-key.ts';

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
  /** A readiness check has come back; `refused`: nothing listened. Before `onChange` tells what came of it. */
  readonly onChecked?: (application: ApplicationId, instance: LiveInstance, refused: boolean) => void;
}

export interface Supervisor extends SupervisedInstances {
  start(): void;
  /**
   * Makes the running applications those of `applications`. Unchanged ones are not touched. Of a changed one, new
   * instances are started beside the old, and each old one is drained and stopped once a new one is ready; with a
   * port of its own the old must go first. Removed ones are drained and stopped.
   */
  apply(applications: readonly ApplicationSpec[]): void;
  /**
   * Takes over the instances that an earlier process left `agoMs` ago, as far as they still run; returns those. What
   * does not fit is seen to by the `apply` that must follow: as in a reload, by new ones first.
   */
  adopt(records: readonly InstanceRecord[], agoMs: number): readonly InstanceRecord[];
  /** What a later process needs to take over the instances that run; those that it cannot are not among them. */
  records(): readonly InstanceRecord[];
  /**
   * Leaves those of `records`, which it returns, to another process: they are looked after no more, neither restarted
   * nor read, and seem to stay as they are. The others stay ours, for `stop`. Nothing is started from now on.
   */
  detach(): readonly InstanceRecord[];
  /** Undoes `letGo`: takes back those of `records` that still run. An `apply` must follow. */
  rollBack(records: readonly InstanceRecord[]): void;
  /**
   * Asks everything to stop that was not let go, and resolves when nothing of that is left running. Callers drain first.
   * Called again while it waits, it kills.
   */
  stop(): Promise<void>;
  status(): readonly SupervisedApplicationStatus[];
}

export interface SupervisedApplicationStatus {
  readonly id: string;
  readonly command: readonly string[];
  readonly instances: readonly MemberStatus[];
}

export function createSupervisor(parts: SupervisorParts): Supervisor {
  return new ApplicationsSupervisor(parts);
}

interface SupervisedApplication {
  readonly id: ApplicationId;
  /** Null once it has been removed from the configuration, while instances of it are left. */
  spec: ApplicationSpec | null;
  members: ManagedInstance[];
  /** For ids; never used twice, so that an old and a new instance cannot be taken for each other. */
  nextNumber: number;
  readonly exposure: { isReported: boolean };
  isSettling: boolean;
  /** Something has changed since it was last looked at. */
  isUnsettled: boolean;
}

class ApplicationsSupervisor implements Supervisor {
  readonly #parts: SupervisorParts;
  readonly #applications = new Map<ApplicationId, SupervisedApplication>();
  readonly #callbacks = new Set<() => void>();
  #stopped: PromiseWithResolvers<void> | null = null;
  #hasDetached = false;
  /** Until the `apply` that follows: nobody can say yet whether what was taken over is wanted. */
  #isAdopting = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  start(): void {
    this.apply(this.#parts.applications);
  }

  apply(applications: readonly ApplicationSpec[]): void {
    if (this.#stopped !== null || this.#hasDetached) return;
    this.#isAdopting = false;
    const specs = new Map(applications.map((spec) => [spec.id, spec]));
    for (const id of specs.keys()) {
      if (!this.#applications.has(id)) this.#applications.set(id, newApplication(id));
    }
    for (const application of this.#applications.values()) {
      const spec = specs.get(application.id) ?? null;
      application.spec = spec;
      if (spec !== null) adaptInstances(application.members, spec, this.#runKeyOf(spec));
      this.#settle(application);
      this.#forgetIfGone(application);
    }
    this.#notifyChange();
  }

  adopt(records: readonly InstanceRecord[], agoMs: number): readonly InstanceRecord[] {
    this.#isAdopting = true;
    const adopted = records.filter((record) => this.#adoptInstance(record, agoMs));
    this.#notifyChange();
    return adopted;
  }

  #adoptInstance(record: InstanceRecord, agoMs: number): boolean {
    const { application: id, number, more } = record;
    const application = this.#applications.get(id) ?? newApplication(id);
    const known = application.spec ?? this.#parts.applications.find((one) => one.id === id) ?? null;
    const fits = known !== null && this.#runKeyOf(known) === record.runKey;
    const spec = fits ? known : foreignSpec(record);
    const instance = new Instance(`${id}/${number}`, spec, this.#instanceParts(application));
    if (!instance.adopt(record, agoMs)) return false;
    // One that nobody after us could adopt is replaced while there is time.
    const staysAdoptable = instance.isAdoptable;
    application.members.push({
      instance,
      runKey: staysAdoptable ? record.runKey : '',
      more,
      isForeign: !fits || !staysAdoptable,
    });
    application.nextNumber = Math.max(application.nextNumber, number + 1);
    this.#applications.set(id, application);
    return true;
  }

  records(): readonly InstanceRecord[] {
    return [...this.#applications.values()].flatMap(({ members }) => members.flatMap((one) => recordOf(one) ?? []));
  }

  detach(): readonly InstanceRecord[] {
    this.#hasDetached = true;
    const members = [...this.#applications.values()].flatMap((application) => application.members);
    const adoptable = members.filter(({ instance }) => instance.isAdoptable);
    // First nothing is read any more; only then is it certain which line has been read how far.
    for (const { instance } of adoptable) instance.detach();
    for (const member of members) stopWithoutProgram(member);
    return adoptable.flatMap((one) => recordOf(one) ?? []);
  }

  rollBack(records: readonly InstanceRecord[]): void {
    this.#hasDetached = false;
    for (const application of this.#applications.values()) {
      application.members = application.members.filter(({ instance }) => !instance.isDetached);
    }
    this.adopt(records, 0);
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
    this.#finishStop();
    return this.#stopped.promise;
  }

  noteTraffic(id: ApplicationId, instance: string, traffic: InstanceTraffic): void {
    const members = this.#applications.get(id)?.members ?? [];
    members.find((member) => member.instance.id === instance)?.instance.noteTraffic(traffic);
  }

  instances(application: ApplicationId): readonly LiveInstance[] {
    return this.#applications.get(application)?.members.map(({ instance }) => instance.live()) ?? [];
  }

  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  status(): readonly SupervisedApplicationStatus[] {
    return [...this.#applications.values()].map(({ id, spec, members }) => ({
      id,
      command: spec?.command ?? [],
      instances: this.#membersStatus(spec, members),
    }));
  }

  #membersStatus(spec: ApplicationSpec | null, members: readonly ManagedInstance[]): readonly MemberStatus[] {
    const current = spec === null ? null : this.#runKeyOf(spec);
    return members.map(({ instance, runKey }) => ({
      ...instance.status(),
      earlierCommand: runKey === current ? null : instance.command,
    }));
  }

  /** Starting and retiring are changes too: what they cause is looked at afterwards, never from inside. */
  #settle(application: SupervisedApplication): void {
    application.isUnsettled = true;
    if (application.isSettling) return;
    application.isSettling = true;
    while (application.isUnsettled) {
      application.isUnsettled = false;
      this.#reconcile(application);
    }
    application.isSettling = false;
  }

  /**
   * Brings the instances closer to what is wanted. Decides from what is there, not from what happened, so that it
   * may be called after any change, and a second configuration may come while the first is still being carried out.
   */
  #reconcile(application: SupervisedApplication): void {
    if (this.#stopped !== null || this.#hasDetached || this.#isAdopting) return;
    const { spec, members } = application;
    const wanted = spec?.instances ?? 0;
    const runKey = spec === null ? '' : this.#runKeyOf(spec);
    for (const member of members) if (member.isForeign && hasNoProgram(member.instance.phase)) this.#retire(member);
    const staying = members.filter(({ instance }) => !isLeaving(instance.phase));
    const current = staying.filter((member) => member.runKey === runKey);
    const older = staying.filter((member) => member.runKey !== runKey);
    const readyCount = current.filter(({ instance }) => instance.phase === 'ready').length;
    // Two programs cannot listen on one port: with a port of their own the old have to go first.
    const hasOwnPort = spec !== null && spec.port !== null;
    for (const member of leastUsefulInstances(current, wanted)) this.#retire(member);
    for (const member of leastUsefulInstances(older, hasOwnPort ? 0 : wanted - readyCount)) this.#retire(member);
    if (spec === null || (hasOwnPort && members.some((member) => !current.includes(member)))) return;
    for (let count = current.length; count < wanted; count++) this.#startInstance(application, spec, runKey);
  }

  #startInstance(application: SupervisedApplication, spec: ApplicationSpec, runKey: string): void {
    const instance = new Instance(
      `${application.id}/${application.nextNumber}`,
      spec,
      this.#instanceParts(application),
    );
    application.nextNumber += 1;
    application.members.push({ instance, runKey, more: {}, isForeign: false });
    instance.start();
  }

  #instanceParts(application: SupervisedApplication): InstanceParts {
    const { clock, random, events, host, onLine = doNothing } = this.#parts;
    const onChanged = (): void => this.#changed(application);
    const onChecked = (instance: Instance, refused: boolean): void =>
      this.#parts.onChecked?.(application.id, instance.live(), refused);
    const { exposure } = application;
    return { clock, random, events, host, onChanged, onLine, onChecked, exposure };
  }

  #runKeyOf(spec: ApplicationSpec): string {
    return runKeyOf(spec, this.#parts.host.inheritedEnvironment);
  }

  #retire({ instance }: ManagedInstance): void {
    const { whenDrained, drainMs } = this.#parts;
    instance.retire(drainMs());
    if (instance.phase !== 'draining') return;
    // Where nobody can say that it has drained, or asking fails, the time limit decides.
    whenDrained?.(instance.live()).then(
      () => instance.drained(),
      () => {},
    );
  }

  #changed(application: SupervisedApplication): void {
    if (this.#hasDetached) application.members.forEach(stopWithoutProgram);
    application.members = application.members.filter(({ instance }) => instance.phase !== 'stopped');
    this.#settle(application);
    this.#forgetIfGone(application);
    this.#notifyChange();
    this.#finishStop();
  }

  #forgetIfGone({ id, spec, members }: SupervisedApplication): void {
    if (spec === null && members.length === 0) this.#applications.delete(id);
  }

  #notifyChange(): void {
    for (const callback of [...this.#callbacks]) callback();
  }

  #finishStop(): void {
    if (this.#stopped === null) return;
    for (const { members } of this.#applications.values()) {
      if (members.some(({ instance }) => !instance.isDetached)) return;
    }
    this.#parts.host.close();
    this.#stopped.resolve();
  }
}

function newApplication(id: ApplicationId): SupervisedApplication {
  return {
    id,
    spec: null,
    members: [],
    nextNumber: 1,
    exposure: { isReported: false },
    isSettling: false,
    isUnsettled: false,
  };
}

function doNothing(): void {}
