import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance } from '../deploy/instance.ts';
import { createSupervisor, type Supervisor } from '../deploy/supervisor.ts';
import { createSystemHost } from '../deploy/system-host.ts';
import type { EventHub } from '../record/event-hub.ts';
import { Drains } from './drains.ts';
import { Estate, type HandedOver, type Heir, heirMs } from './estate.ts';
import type { GatewayOptions, Succession } from './gateway-options.ts';
import { StateFailure } from './start-failure.ts';
import { systemRandom } from './system.ts';
import type { Outlook } from './waiting.ts';

export interface ApplicationsParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly outlook: Outlook;
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
  readonly #adopt: Succession | null;
  readonly #estate: Estate;
  readonly #drains: Drains;
  #hasHandedOver = false;

  constructor(parts: ApplicationsParts) {
    this.#parts = parts;
    const { options, clock, events } = parts;
    this.#adopt = options.adopt ?? null;
    this.#drains = new Drains(parts.mayUse);
    const { stateFolder, applications } = options.configuration;
    const host = createSystemHost(clock, Estate.outputsFor(stateFolder));
    this.supervisor = createSupervisor({
      ...{ applications, clock, random: systemRandom, events, host },
      drainMs: parts.drainMs,
      whenDrained: async (instance) => {
        await this.#drains.when(instance);
        await this.#adopt?.predecessorEnded;
      },
      onChecked: parts.onChecked,
      onLine: (instance, stream, line) => options.watcher?.printed?.(instance, stream, line),
    });
    this.#estate = new Estate({ path: stateFolder, clock, events, host, supervisor: () => this.supervisor });
  }

  /** Another process looks after them; this one only finishes what is under way. */
  get hasHandedOver(): boolean {
    return this.#hasHandedOver;
  }

  /** Of the state folder, while it is ours. */
  get generation(): number | null {
    return this.#estate.generation;
  }

  /** Why none of them can be run; null where they can. */
  claim(applications: readonly ApplicationSpec[]): ReturnType<Estate['claim']> {
    return this.#estate.claim(applications);
  }

  /** Those that an earlier process has started are taken over, the others are started. Rejects with `StateFailure`. */
  async takeOver(applications: readonly ApplicationSpec[]): Promise<void> {
    const adopt = this.#adopt;
    if (adopt !== null) {
      const expected = this.#estate.expected();
      const own = applications.filter(({ id }) => !expected.has(id));
      this.supervisor.apply(own);
      await this.untilUp(own);
      // A process that is about to end takes nothing from the one that serves.
      if (this.#parts.isEnding()) return;
      await adopt.whenHandedOver();
    }
    const held = this.#estate.claim(applications);
    if (held !== null) throw new StateFailure(held);
    await this.#estate.inherit(adopt?.settled ?? null);
    this.supervisor.start();
  }

  /** What was taken over goes back to the predecessor. */
  async giveBack(): Promise<void> {
    if (this.#adopt !== null && this.#estate.adopted > 0) await this.#estate.leave(heirMs);
  }

  async handOver(heir: Heir, applications: readonly ApplicationSpec[]): Promise<HandedOver> {
    const handed = await this.#estate.handOver(heir);
    this.#hasHandedOver = this.#estate.hasHanded;
    if (!this.#hasHandedOver) this.supervisor.apply(applications);
    return handed;
  }

  /** Whether they are ours again. */
  async takeBack(applications: readonly ApplicationSpec[]): Promise<boolean> {
    if (!(await this.#estate.takeBack())) return false;
    this.#hasHandedOver = false;
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
    await this.#parts.outlook.until(() => this.#parts.isEnding() || !undecided(), newApplicationsMs);
  }

  /** An instance has come, changed or gone. */
  noteChange(): void {
    this.#estate.noteChange();
    // Applications that the configuration has no more are among them until their last instance is gone.
    const applications = this.supervisor.status();
    this.#drains.keep(applications.flatMap(({ id }) => this.supervisor.instances(id as ApplicationId)));
  }

  /** A worker has said that endpoints have drained, or is gone. */
  drained(): void {
    this.#drains.look();
  }

  /** Stops them, but for those that run on, so long at most, for whoever comes next (`leaveMs`, null: none does). */
  async end(leaveMs: number | null): Promise<void> {
    if (leaveMs !== null && !this.#hasHandedOver) await this.#estate.leave(leaveMs);
    await this.supervisor.stop();
    await this.#estate.close();
  }
}
