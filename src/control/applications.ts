import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import { createSupervisor, type Supervisor } from '../deploy/supervisor.ts';
import { createSystemHost } from '../deploy/system-host.ts';
import type { EventHub } from '../record/event-hub.ts';
import { InstanceDrains } from './instance-drains.ts';
import {
  ApplicationHandoff,
  type HandoffResult,
  type HandoffSuccessor,
  handoffTimeoutMs,
} from './application-handoff.ts';
import type { GatewayOptions, RunningPredecessor } from './gateway-options.ts';
import { StateFailure } from './start-failure.ts';
import { systemRandom } from '../system/system.ts';
import type { Condition } from '../core/condition.ts';

export interface ApplicationsParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly checker: HealthChecker;
  readonly events: EventHub;
  readonly condition: Condition;
  readonly drainMs: () => number;
  /** Whether a worker may still send to an endpoint whose id ends so. */
  readonly mayUse: (ending: string) => boolean;
  readonly isEnding: () => boolean;
  /** A readiness check has come back; `refused`: nothing listened. */
  readonly onChecked: (application: ApplicationId, instance: LiveInstance, refused: boolean) => void;
}

/** What a reload waits for applications that are new before routes move to them: most start in less, and whoever
 * asked for the reload waits too. */
const newApplicationsMs = 5000;

/**
 * The applications that this process runs: from the process before it, to the one after it, and until nothing is under way
 * on them any more.
 */
export class Applications {
  readonly supervisor: Supervisor;
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
    this.supervisor = createSupervisor({
      ...{ applications, clock, random: systemRandom, events, host },
      drainMs: parts.drainMs,
      whenDrained: async (instance) => {
        await this.#instanceDrains.whenDrained(instance);
        await this.#predecessor?.predecessorEnded;
      },
      onChecked: parts.onChecked,
      onLine: (instance, stream, line) => options.watcher?.onOutput?.(instance, stream, line),
    });
    this.#handoff = new ApplicationHandoff({
      path: stateFolder,
      clock,
      events,
      host,
      supervisor: () => this.supervisor,
    });
  }

  /** Another process looks after them; this one only finishes what is under way. */
  get hasHandedOff(): boolean {
    return this.#hasHandedOff;
  }

  /** Of the state folder, while it is ours. */
  get generation(): number | null {
    return this.#handoff.generation;
  }

  /** Why none of them can be run; null where they can. */
  claimStateFolder(applications: readonly ApplicationSpec[]): ReturnType<ApplicationHandoff['claim']> {
    return this.#handoff.claim(applications);
  }

  /** Those that an earlier process has started are taken over, the others are started. Rejects with `StateFailure`. */
  async adoptOrStart(applications: readonly ApplicationSpec[]): Promise<void> {
    const predecessor = this.#predecessor;
    if (predecessor !== null) {
      const expected = this.#handoff.expectedApplications();
      const own = applications.filter(({ id }) => !expected.has(id));
      this.supervisor.apply(own);
      await this.untilUp(own);
      // A process that is about to end takes nothing from the one that serves.
      if (this.#parts.isEnding()) return;
      await predecessor.whenHandedOff();
    }
    const held = this.#handoff.claim(applications);
    if (held !== null) throw new StateFailure(held);
    await this.#handoff.adopt(predecessor?.settled ?? null);
    this.supervisor.start();
  }

  /** What was taken over goes back to the predecessor. */
  async returnToPredecessor(): Promise<void> {
    if (this.#predecessor !== null && this.#handoff.adopted > 0) await this.#handoff.detach(handoffTimeoutMs);
  }

  async handOff(successor: HandoffSuccessor, applications: readonly ApplicationSpec[]): Promise<HandoffResult> {
    const result = await this.#handoff.handOff(successor);
    this.#hasHandedOff = this.#handoff.hasHandedOff;
    if (!this.#hasHandedOff) this.supervisor.apply(applications);
    return result;
  }

  /** Whether they are ours again. */
  async rollBack(applications: readonly ApplicationSpec[]): Promise<boolean> {
    if (!(await this.#handoff.rollBack())) return false;
    this.#hasHandedOff = false;
    this.supervisor.apply(applications);
    return true;
  }

  /** Resolves when each of them serves or has failed, or it took too long, or the gateway is to end. */
  async untilUp(applications: readonly ApplicationSpec[]): Promise<void> {
    const undecided = (): boolean =>
      applications.some(({ id }) => {
        const states = this.supervisor.instances(id).map(({ state }) => state);
        return !states.includes('healthy') && states.includes('starting');
      });
    await this.#parts.condition.until(() => this.#parts.isEnding() || !undecided(), newApplicationsMs);
  }

  /** An instance has come, changed or gone. */
  noteChange(): void {
    this.#handoff.noteChange();
    // Applications that the configuration has no more are among them until their last instance is gone.
    const applications = this.supervisor.status();
    this.#instanceDrains.keepOnly(applications.flatMap(({ id }) => this.supervisor.instances(id as ApplicationId)));
  }

  /** A worker has said that endpoints have drained, or is gone. */
  drained(): void {
    this.#instanceDrains.resolveDrained();
  }

  /** Stops them, but for those that run on, so long at most, for whoever comes next (`leaveMs`, null: none does). */
  async end(detachMs: number | null): Promise<void> {
    if (detachMs !== null && !this.#hasHandedOff) await this.#handoff.detach(detachMs);
    await this.supervisor.stop();
    await this.#handoff.close();
  }
}
