import type { HandedOff, GatewayOptions, RunningPredecessor } from './gateway-options.ts';
import type { ApplicationSpec, DrainSpec } from '../core/configuration.ts';
import { type ApplicationId, addressText } from '../core/endpoint.ts';
import type { Launcher } from '../core/launch.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { OutputSource } from '../core/output-line.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { ArmsOf } from '../deploy/application-arm.ts';
import type { OrphanWatchdog } from '../deploy/orphan-watchdog.ts';
import { createSupervisor, type Supervisor } from '../deploy/supervisor.ts';
import { createSystemHost } from '../deploy/system-host.ts';
import type { EventHub } from '../record/event-hub.ts';
import {
  ApplicationHandoff,
  type HandoffResult,
  type HandoffSuccessor,
  handoffTimeoutMs,
} from './application-handoff.ts';
import { StateFailure } from './start-failure.ts';
import { systemRandom } from '../system/system.ts';
import { type Condition, withTimeout } from '../core/condition.ts';
import type { EndingInstance } from '../core/stream.ts';
import { tunnelsCloseMs } from './shutdown.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { ProcessFigures } from '#failures/process-note.ts';
import { stoppedStep, stoppedText } from '#failures/process-text.ts';

/** Waits until an instance has no request left in any worker. */
export class InstanceDrains {
  readonly #waiters = new Map<string, () => void>();
  readonly #mayUse: (ending: string) => boolean;

  /** `mayUse`: whether a worker may still send to an endpoint whose id has this ending. */
  constructor(mayUse: (ending: string) => boolean) {
    this.#mayUse = mayUse;
  }

  /**
   * Resolves when every worker that knows the instance has reported it as drained, or is gone. This may never
   * happen: the caller sets a time limit.
   */
  whenDrained(instance: LiveInstance): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#mayUse(endingOf(instance))) return Promise.resolve();
    this.#waiters.set(endingOf(instance), resolve);
    return promise;
  }

  /** These instances exist: waiting for any other one ends. */
  keepOnly(instances: readonly LiveInstance[]): void {
    const endings = new Set(instances.map(endingOf));
    for (const ending of this.#waiters.keys()) if (!endings.has(ending)) this.#waiters.delete(ending);
  }

  /** A worker has reported drained endpoints, or is gone. */
  resolveDrained(): void {
    for (const [ending, resolve] of this.#waiters) {
      if (this.#mayUse(ending)) continue;
      this.#waiters.delete(ending);
      resolve();
    }
  }
}

/** An endpoint's id is its upstream's, then the instance's, then the address. */
function endingOf({ id, address }: LiveInstance): string {
  return `/${id}/${addressText(address)}`;
}

interface ApplicationsParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly checker: HealthChecker;
  readonly events: EventHub;
  readonly launcher: Launcher;
  readonly condition: Condition;
  readonly drain: () => DrainSpec;
  readonly endTunnelsOf: (instance: EndingInstance) => void;
  /** Whether a worker may still send to an endpoint whose id has this ending. */
  readonly mayUse: (ending: string) => boolean;
  readonly armsOf: ArmsOf;
  readonly isEnding: () => boolean;
  /** What the predecessor has passed on besides its applications. */
  readonly onHandedOff: (handedOff: HandedOff) => void;
  /** The state folder is this process's. Before any instance is adopted or started. */
  readonly onOwned: (isHandedOff: boolean) => Promise<void>;
  /** A program has printed a line. */
  readonly onOutput: (source: OutputSource, line: string) => void;
  /** A readiness check has a result; `refused`: nothing listened. */
  readonly onChecked: (application: ApplicationId, instance: LiveInstance, refused: boolean) => void;
}

/**
 * How long a reload waits for new applications before routes use them: most start faster, and the operator
 * is waiting.
 */
const newApplicationsMs = 5000;

/**
 * The applications that this process runs: adopted from its predecessor, handed to its successor, and kept until
 * no request is in flight to them.
 */
export class Applications {
  readonly supervisor: Supervisor;
  readonly watchdog: OrphanWatchdog;
  readonly #parts: ApplicationsParts;
  readonly #predecessor: RunningPredecessor | null;
  readonly #handoff: ApplicationHandoff;
  readonly #instanceDrains: InstanceDrains;
  #hasHandedOff = false;

  constructor(parts: ApplicationsParts) {
    this.#parts = parts;
    const { options, clock, events } = parts;
    this.#predecessor = options.adopt ?? null;
    this.#instanceDrains = new InstanceDrains(parts.mayUse);
    const { stateFolder, applications } = options.configuration;
    const host = createSystemHost(clock, parts.checker, ApplicationHandoff.outputsFor(stateFolder));
    this.watchdog = host.watchdog;
    this.supervisor = createSupervisor({
      ...{ applications, clock, random: systemRandom, events, host, launcher: parts.launcher },
      drainMs: () => parts.drain().timeoutMs + tunnelsCloseMs,
      armsOf: parts.armsOf,
      whenDrained: async (instance) => {
        const drained = this.#instanceDrains.whenDrained(instance);
        await this.#endTunnels(endingOf(instance), drained);
        await drained;
        await this.#predecessor?.predecessorEnded;
      },
      onChecked: parts.onChecked,
      onLine: (instance, stream, line, pid) => {
        options.watcher?.onOutput?.(instance, stream, line);
        const application = instance.slice(0, instance.lastIndexOf('/'));
        parts.onOutput({ application, instance, pid, stream, path: null }, line);
      },
    });
    this.#handoff = new ApplicationHandoff({
      path: stateFolder,
      clock,
      events,
      host,
      supervisor: () => this.supervisor,
    });
  }

  /** When they end in a drain of the whole gateway: at once, or when the time of the drain is over. */
  async #endTunnels(ending: string, drained: Promise<void>): Promise<void> {
    const { clock, drain, mayUse, endTunnelsOf } = this.#parts;
    const { timeoutMs, tunnels } = drain();
    if (tunnels === 'end' && mayUse(ending)) endTunnelsOf({ ending, eventStreams: false });
    await withTimeout(clock, timeoutMs, drained);
    if (mayUse(ending)) endTunnelsOf({ ending, eventStreams: true });
  }

  /** The successor supervises them; this process only finishes requests in flight. */
  get hasHandedOff(): boolean {
    return this.#hasHandedOff;
  }

  /** Generation of the state folder, while this process owns it. */
  get generation(): number | null {
    return this.#handoff.generation;
  }

  /** Why no application can run; null if they can. */
  claimStateFolder(applications: readonly ApplicationSpec[]): ReturnType<ApplicationHandoff['claim']> {
    return this.#handoff.claim(applications);
  }

  /** Adopts instances that an earlier process has started, and starts the others. Rejects with `StateFailure`. */
  async adoptOrStart(applications: readonly ApplicationSpec[]): Promise<void> {
    const predecessor = this.#predecessor;
    if (predecessor !== null) {
      const expected = this.#handoff.expectedApplications();
      const own = applications.filter(({ id }) => !expected.has(id));
      this.supervisor.apply(own);
      await this.untilUp(own);
      // A process that is stopping takes no application from the one that serves.
      if (this.#parts.isEnding()) return;
      this.#parts.onHandedOff(await predecessor.whenHandedOff());
    }
    const held = this.#handoff.claim(applications);
    if (held !== null) throw new StateFailure(held);
    await this.#parts.onOwned(predecessor !== null);
    await this.#handoff.adopt(predecessor?.settled ?? null);
    this.supervisor.start();
  }

  /** Gives adopted applications back to the predecessor. */
  async returnToPredecessor(): Promise<void> {
    if (this.#predecessor !== null && this.#handoff.adopted > 0) await this.#handoff.detach(handoffTimeoutMs);
  }

  async handOff(successor: HandoffSuccessor, applications: readonly ApplicationSpec[]): Promise<HandoffResult> {
    const result = await this.#handoff.handOff(successor);
    this.#hasHandedOff = this.#handoff.hasHandedOff;
    if (!this.#hasHandedOff) this.supervisor.apply(applications);
    return result;
  }

  /** Whether this process supervises them again. */
  async rollBack(applications: readonly ApplicationSpec[]): Promise<boolean> {
    if (!(await this.#handoff.rollBack())) return false;
    this.#hasHandedOff = false;
    this.supervisor.apply(applications);
    return true;
  }

  /** Resolves when each application serves or has failed, when the time is over, or when the gateway stops. */
  async untilUp(applications: readonly ApplicationSpec[]): Promise<void> {
    const undecided = (): boolean =>
      applications.some(({ id }) => {
        const states = this.supervisor.instances(id).map(({ state }) => state);
        return !states.includes('healthy') && states.includes('starting');
      });
    await this.#parts.condition.until(() => this.#parts.isEnding() || !undecided(), newApplicationsMs);
  }

  /** An instance was added, changed or removed. */
  noteChange(): void {
    this.#handoff.noteChange();
    // Removed applications are included until their last instance has ended.
    const applications = this.supervisor.status();
    this.#instanceDrains.keepOnly(applications.flatMap(({ id }) => this.supervisor.instances(id as ApplicationId)));
  }

  /** A worker has reported drained endpoints, or is gone. */
  drained(): void {
    this.#instanceDrains.resolveDrained();
  }

  /**
   * Stops the applications. With `detachMs` those that can outlive this process run on at most that long, for a successor;
   * null stops all.
   */
  async end(detachMs: number | null): Promise<void> {
    if (detachMs !== null && !this.#hasHandedOff) await this.#handoff.detach(detachMs);
    await this.supervisor.stop();
    await this.#handoff.close();
  }
}

/** The same instances; of those whose processes a signal has stopped it is said, also as the reason why they are not ready. */
export function withStopped(
  instances: readonly LiveInstance[],
  figuresOf: (instance: string) => Pick<ProcessFigures, 'stoppedPids'> | null,
): readonly LiveInstance[] {
  return instances.map((instance) => {
    const stoppedPids = figuresOf(instance.id)?.stoppedPids;
    if (stoppedPids === undefined) return instance;
    const { finding } = instance;
    const reason = stoppedText({ pids: stoppedPids, isWhole: true });
    const fix = lowerFirst(stoppedStep(stoppedPids).replace(/\.$/, ''));
    if (finding === null) return { ...instance, stoppedPids };
    return { ...instance, stoppedPids, reason: `its checks fail: ${reason}`, finding: { ...finding, reason, fix } };
  });
}
