import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { type Launcher, plainLauncher } from '../core/launch.ts';
import type { InstanceTraffic, LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { Host } from './host.ts';
import { Instance, type InstanceParts } from './instance.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { ManagedInstanceStatus } from './instance-report.ts';
import {
  adaptInstances,
  specFromRecord,
  hasNoProgram,
  isLeaving,
  liveAmong,
  replacingInstance,
  surplusInstances,
  type ManagedInstance,
  recordOf,
  stopIfNotRunning,
} from './managed-instance.ts';
import { createHash } from 'node:crypto';
import { type ApplicationArm, type ArmsOf, oneArm } from './application-arm.ts';

export interface SupervisorParts {
  readonly applications: readonly ApplicationSpec[];
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly host: Host;
  /** Absent: programs start as their applications say. */
  readonly launcher?: Launcher;
  /** The releases of an application that run. Called at each `apply` and `refresh`. Absent: what its specification says, alone. */
  readonly armsOf?: ArmsOf;
  /** How long an instance that is replaced or removed may take to finish its requests. Called at each drain. */
  readonly drainMs: () => number;
  /** Resolves when a draining instance has no request left. Without this function each drain takes the whole `drainMs`. */
  readonly whenDrained?: (instance: LiveInstance) => Promise<void>;
  /** Called for each line of output of an instance, to show and to store it. */
  readonly onLine?: InstanceParts['onLine'];
  /** Called when a readiness check has ended, before `onChange`. `refused`: nothing listened. */
  readonly onChecked?: (application: ApplicationId, instance: LiveInstance, refused: boolean) => void;
}

export interface Supervisor extends SupervisedInstances {
  start(): void;
  /**
   * Starts and stops instances until exactly `applications` run. An unchanged application keeps its instances. For a changed
   * application the supervisor starts new instances beside the old ones, and drains and stops one old instance for each new
   * instance that is ready. If the application has a fixed port, its old instances must end first. The instances of a removed
   * application are drained and stopped.
   */
  apply(applications: readonly ApplicationSpec[]): void;
  /** The arms of the application have changed. */
  refresh(application: ApplicationId): void;
  /**
   * Takes over instances that an earlier process detached `agoMs` ago. Returns the records of those that still run. `apply` must
   * follow: it replaces instances that do not fit the configuration, as a reload does.
   */
  adopt(records: readonly InstanceRecord[], agoMs: number): readonly InstanceRecord[];
  /** The records from which a later process can take over the running instances. Instances that it could not adopt have none. */
  records(): readonly InstanceRecord[];
  /**
   * Stops managing the instances that another process can adopt, and returns their records. This supervisor no
   * longer restarts these instances or reads their output, and still lists them with their last state. It keeps the other
   * instances until `stop`. It starts no instance after this call.
   */
  detach(): readonly InstanceRecord[];
  /** Undoes `detach`: takes over the instances of `records` again, if they still run. `apply` must follow. */
  rollBack(records: readonly InstanceRecord[]): void;
  /**
   * Stops all instances that were not detached. Resolves when none of them is running. Call it when no request is in flight. A second call kills
   * the instances.
   */
  stop(): Promise<void>;
  /**
   * Replaces an instance by a new one, as if its configuration had changed: with a free port it serves until the new one is ready. The name of an
   * application stands for all of its instances and those of its workers, that of a worker for its own. False: there is no such instance, or it
   * ends already.
   */
  restart(instance: string): boolean;
  status(): readonly SupervisedApplicationStatus[];
  /** The instance that replaces this one, or has replaced it; null: none does. */
  replacedBy(instance: string): string | null;
}

export interface SupervisedApplicationStatus {
  readonly id: string;
  /** Of a worker: its application. */
  readonly of?: string;
  readonly command: readonly string[];
  /** The feature that answers its requests in place of instances. */
  readonly answeredBy?: string;
  /** How many instances are to run. */
  readonly wanted: number;
  readonly instances: readonly ManagedInstanceStatus[];
}

export function createSupervisor(parts: SupervisorParts): Supervisor {
  return new ApplicationsSupervisor(parts);
}

interface SupervisedApplication {
  readonly id: ApplicationId;
  /** Null if the configuration no longer has the application, while some of its instances still run. */
  spec: ApplicationSpec | null;
  /** What runs of it; empty if `spec` is null. */
  arms: readonly RunningArm[];
  instances: ManagedInstance[];
  /** The number in the id of the next instance. No number is used twice, so that an old and a new instance cannot be confused. */
  nextNumber: number;
  /** Whether an event has said that the application listens on every address. All its instances share this object. */
  readonly exposure: { isReported: boolean };
  isReconciling: boolean;
  /** Whether something has changed since the last `#reconcile`. */
  needsReconcile: boolean;
}

interface RunningArm extends ApplicationArm {
  readonly runKey: string;
}

class ApplicationsSupervisor implements Supervisor {
  readonly #parts: SupervisorParts;
  readonly #applications = new Map<ApplicationId, SupervisedApplication>();
  readonly #callbacks = new Set<() => void>();
  #stopping: PromiseWithResolvers<void> | null = null;
  #hasDetached = false;
  /** True between `adopt` and the `apply` that follows: which adopted instances the configuration wants is not known yet. */
  #isAdopting = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  start(): void {
    this.apply(this.#parts.applications);
  }

  apply(applications: readonly ApplicationSpec[]): void {
    if (this.#stopping !== null || this.#hasDetached) return;
    this.#isAdopting = false;
    const specs = new Map(applications.map((spec) => [spec.id, spec]));
    for (const id of specs.keys()) {
      if (!this.#applications.has(id)) this.#applications.set(id, newApplication(id));
    }
    for (const application of this.#applications.values()) {
      const spec = specs.get(application.id) ?? null;
      application.spec = spec;
      this.#useArms(application);
      this.#forgetIfGone(application);
    }
    this.#notifyChange();
  }

  refresh(id: ApplicationId): void {
    if (this.#stopping !== null || this.#hasDetached || this.#isAdopting) return;
    const application = this.#applications.get(id);
    if (application === undefined) return;
    this.#useArms(application);
    for (const worker of this.#applications.values()) if (worker.spec?.of === id) this.#useArms(worker);
    this.#notifyChange();
  }

  #useArms(application: SupervisedApplication): void {
    const { spec, instances } = application;
    application.arms = spec === null ? [] : this.#armsOf(spec);
    for (const arm of application.arms) adaptInstances(instances, arm.spec, arm.runKey);
    this.#reconcileUntilStable(application);
  }

  #armsOf(spec: ApplicationSpec): readonly RunningArm[] {
    const { armsOf = oneArm } = this.#parts;
    return armsOf(spec).map((arm) => ({ ...arm, runKey: this.#runKeyOf(arm.spec) }));
  }

  adopt(records: readonly InstanceRecord[], agoMs: number): readonly InstanceRecord[] {
    this.#isAdopting = true;
    const adopted = records.filter((record) => this.#adoptInstance(record, agoMs));
    this.#notifyChange();
    return adopted;
  }

  #adoptInstance(record: InstanceRecord, agoMs: number): boolean {
    const { application: id, number, unknownFields } = record;
    const application = this.#applications.get(id) ?? newApplication(id);
    const known = application.spec ?? this.#parts.applications.find((one) => one.id === id) ?? null;
    const arm = known === null ? undefined : this.#armsOf(known).find(({ runKey }) => runKey === record.runKey);
    // What features keep for the program is found by what the application says of them now.
    const { features } = known ?? {};
    const spec = arm?.spec ?? { ...specFromRecord(record), ...(features === undefined ? {} : { features }) };
    const instance = new Instance(`${id}/${number}`, spec, this.#instanceParts(application));
    if (!instance.adopt(record, agoMs)) return false;
    // An instance that no later process could adopt would have to be stopped at the next handoff. So it gets an empty run key,
    // which fits no configuration: the next `apply` replaces it.
    const staysAdoptable = instance.isAdoptable;
    application.instances.push({
      instance,
      runKey: staysAdoptable ? record.runKey : '',
      unknownFields,
      mustNotRestart: arm === undefined || !staysAdoptable,
    });
    application.nextNumber = Math.max(application.nextNumber, number + 1);
    this.#applications.set(id, application);
    return true;
  }

  records(): readonly InstanceRecord[] {
    return [...this.#applications.values()].flatMap(({ instances }) => instances.flatMap((one) => recordOf(one) ?? []));
  }

  detach(): readonly InstanceRecord[] {
    this.#hasDetached = true;
    const instances = [...this.#applications.values()].flatMap((application) => application.instances);
    const adoptable = instances.filter(({ instance }) => instance.isAdoptable);
    // A record says how far the output was read. So the supervisor stops reading all outputs before it makes the records.
    for (const { instance } of adoptable) instance.detach();
    for (const managed of instances) stopIfNotRunning(managed);
    return adoptable.flatMap((one) => recordOf(one) ?? []);
  }

  rollBack(records: readonly InstanceRecord[]): void {
    this.#hasDetached = false;
    for (const application of this.#applications.values()) {
      application.instances = application.instances.filter(({ instance }) => !instance.isDetached);
    }
    this.adopt(records, 0);
  }

  stop(): Promise<void> {
    const isFirst = this.#stopping === null;
    this.#stopping ??= Promise.withResolvers();
    for (const { instances } of [...this.#applications.values()]) {
      for (const { instance } of [...instances]) {
        if (isFirst) instance.stop();
        else instance.kill();
      }
    }
    this.#finishStopIfAllEnded();
    return this.#stopping.promise;
  }

  noteTraffic(id: ApplicationId, instance: string, traffic: InstanceTraffic): void {
    const instances = this.#applications.get(id)?.instances ?? [];
    instances.find((managed) => managed.instance.id === instance)?.instance.noteTraffic(traffic);
  }

  restart(instance: string): boolean {
    if (this.#stopping !== null || this.#hasDetached || this.#isAdopting) return false;
    const restarted: SupervisedApplication[] = [];
    for (const application of this.#applications.values()) {
      const { id, spec } = application;
      if (spec === null) continue;
      const isWhole = id === instance || spec.of === instance;
      const all = application.instances.filter((one) => isWhole || one.instance.id === instance);
      const staying = all.filter((one) => !isLeaving(one.instance.phase));
      for (const managed of staying) {
        // A key that fits no configuration.
        managed.runKey = '';
        managed.mustNotRestart = true;
      }
      if (staying.length > 0) restarted.push(application);
    }
    for (const application of restarted) this.#reconcileUntilStable(application);
    if (restarted.length > 0) this.#notifyChange();
    return restarted.length > 0;
  }

  instances(application: ApplicationId): readonly LiveInstance[] {
    const { arms, instances } = this.#applications.get(application) ?? { arms: [], instances: [] };
    return instances.map((managed) => {
      const live = liveAmong(managed, instances);
      const [main] = arms;
      if (main === undefined || arms.length === 1) return live;
      // What is about to be replaced serves in place of its replacement.
      const { share, name: arm } = arms.find(({ runKey }) => runKey === managed.runKey) ?? main;
      return { ...live, share, arm };
    });
  }

  replacedBy(instance: string): string | null {
    for (const { instances } of this.#applications.values()) {
      const managed = instances.find((one) => one.instance.id === instance);
      if (managed !== undefined) return replacingInstance(managed, instances);
    }
    return null;
  }

  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  status(): readonly SupervisedApplicationStatus[] {
    return [...this.#applications.values()].map(({ id, arms, instances }) => ({
      id,
      ...(arms[0]?.spec.of === undefined ? {} : { of: arms[0].spec.of }),
      command: arms[0]?.spec.command ?? [],
      ...(arms[0]?.spec.answeredBy === undefined ? {} : { answeredBy: arms[0].spec.answeredBy }),
      wanted: arms[0]?.spec.instances ?? 0,
      instances: instances.map(({ instance, runKey }) => ({
        ...instance.status(),
        earlierCommand: arms.some((arm) => arm.runKey === runKey) ? null : instance.command,
      })),
    }));
  }

  /**
   * Calls `#reconcile` until nothing changes any more. Starting or retiring an instance calls this method again; such a call only
   * sets `needsReconcile`, and the loop runs once more.
   */
  #reconcileUntilStable(application: SupervisedApplication): void {
    application.needsReconcile = true;
    if (application.isReconciling) return;
    application.isReconciling = true;
    while (application.needsReconcile) {
      application.needsReconcile = false;
      this.#reconcile(application);
    }
    application.isReconciling = false;
  }

  /**
   * Takes the next steps towards the wanted instances. It decides from the present state only. So it may be called after any
   * change, and a new configuration may be applied while instances for the last one are still starting.
   */
  #reconcile(application: SupervisedApplication): void {
    if (this.#stopping !== null || this.#hasDetached || this.#isAdopting) return;
    const { arms, instances } = application;
    for (const managed of instances)
      if (managed.mustNotRestart && hasNoProgram(managed.instance.phase)) this.#retire(managed);
    const keys = new Set(arms.map(({ runKey }) => runKey));
    // Of an earlier configuration only what may serve stays until its replacement is ready.
    for (const managed of instances)
      if (!keys.has(managed.runKey) && managed.instance.endsAtStart) this.#retire(managed);
    const staying = instances.filter(({ instance }) => !isLeaving(instance.phase));
    const older = staying.filter(({ runKey }) => !keys.has(runKey));
    const [main] = arms;
    for (const { spec, runKey } of arms)
      for (const managed of surplusInstances(ofArm(staying, runKey), spec.instances)) this.#retire(managed);
    const readyCount = ofArm(staying, main?.runKey).filter(({ instance }) => instance.phase === 'ready').length;
    // Two programs cannot listen on one port: if the port is fixed, the old instances have to end first.
    const stopsFirst = main !== undefined && (main.spec.port !== null || main.spec.replace === 'stop_first');
    const replaced = stopsFirst ? 0 : (main?.spec.instances ?? 0) - readyCount;
    for (const managed of surplusInstances(older, replaced)) this.#retire(managed);
    if (main === undefined || (stopsFirst && instances.some(({ runKey }) => runKey !== main.runKey))) return;
    for (const { spec, runKey } of arms)
      for (let count = ofArm(staying, runKey).length; count < spec.instances; count++)
        this.#startInstance(application, spec, runKey);
  }

  #startInstance(application: SupervisedApplication, spec: ApplicationSpec, runKey: string): void {
    const instance = new Instance(
      `${application.id}/${application.nextNumber}`,
      spec,
      this.#instanceParts(application),
    );
    application.nextNumber += 1;
    application.instances.push({ instance, runKey, unknownFields: {}, mustNotRestart: false });
    instance.start();
  }

  #instanceParts(application: SupervisedApplication): InstanceParts {
    const { clock, random, events, host, launcher = plainLauncher, onLine = doNothing } = this.#parts;
    const onChanged = (): void => this.#changed(application);
    const onChecked = (instance: Instance, refused: boolean): void =>
      this.#parts.onChecked?.(application.id, instance.live(), refused);
    const { exposure } = application;
    return { clock, random, events, host, launcher, onChanged, onLine, onChecked, exposure };
  }

  /** A digest of the settings that a running program depends on. An instance with another key must be replaced. */
  #runKeyOf(spec: ApplicationSpec): string {
    const { host, launcher = plainLauncher } = this.#parts;
    return runKeyOf(spec, host.inheritedEnvironment, launcher.key(spec.of ?? spec.id, spec.features ?? {}));
  }

  #retire({ instance }: ManagedInstance): void {
    const { whenDrained, drainMs } = this.#parts;
    instance.retire(drainMs());
    if (instance.phase !== 'draining') return;
    // Without `whenDrained`, or if it fails, the time limit ends the drain.
    whenDrained?.(instance.live()).then(
      () => instance.drained(),
      () => {},
    );
  }

  #changed(application: SupervisedApplication): void {
    if (this.#hasDetached) application.instances.forEach(stopIfNotRunning);
    application.instances = application.instances.filter(({ instance }) => instance.phase !== 'stopped');
    this.#reconcileUntilStable(application);
    this.#forgetIfGone(application);
    // The outer call notifies once, of all that it has changed: between the ends of two instances of a release the second one seems to serve.
    if (!application.isReconciling) this.#notifyChange();
    this.#finishStopIfAllEnded();
  }

  #forgetIfGone({ id, spec, instances }: SupervisedApplication): void {
    if (spec === null && instances.length === 0) this.#applications.delete(id);
  }

  #notifyChange(): void {
    for (const callback of [...this.#callbacks]) callback();
  }

  #finishStopIfAllEnded(): void {
    if (this.#stopping === null) return;
    for (const { instances } of this.#applications.values()) {
      if (instances.some(({ instance }) => !instance.isDetached)) return;
    }
    this.#parts.host.close();
    this.#stopping.resolve();
  }
}

const ofArm = (instances: readonly ManagedInstance[], key: string | undefined): readonly ManagedInstance[] =>
  instances.filter(({ runKey }) => runKey === key);

function newApplication(id: ApplicationId): SupervisedApplication {
  return {
    id,
    spec: null,
    arms: [],
    instances: [],
    nextNumber: 1,
    exposure: { isReported: false },
    isReconciling: false,
    needsReconcile: false,
  };
}

function doNothing(): void {}

/**
 * What makes a new instance necessary, as a digest: settings may be secrets, and it is written to disk. Readiness is
 * among it although no process depends on it: a mistake in it then leaves the old instances serving, where it would
 * otherwise take them out one after the other. `inherited`: what the program gets of our own environment.
 * `launch`: of the features that have a part in its start.
 */
export function runKeyOf(
  spec: ApplicationSpec,
  inherited: Readonly<Record<string, string | undefined>>,
  launch = '',
): string {
  const { command, directory, environment, port, readiness } = spec;
  const { path, intervalMs, timeoutMs, passes, startMs } = readiness;
  const { tcp, headers, expectStatus, expectHeaders, expectBody, program } = readiness;
  const asked = { tcp, headers, expectStatus, expectHeaders, expectBody, program };
  const beside = [...(Object.values(asked).some(Boolean) ? [asked] : []), ...(launch === '' ? [] : [launch])];
  const made = [command, directory, sorted(environment), port, path, intervalMs, timeoutMs, passes, startMs];
  return (
    createHash('sha256')
      // Where none of these is set, they do not count: a version that knows more of them keeps such instances in an upgrade.
      .update(JSON.stringify([...made, ...beside, sorted(inherited)]))
      .digest('base64url')
  );
}

function sorted(variables: Readonly<Record<string, string | undefined>>): readonly (readonly [string, string])[] {
  return Object.entries(variables)
    .flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
