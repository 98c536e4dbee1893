import type { CheckSpec } from '../core/configuration.ts';
import type { Cause } from '../core/failure.ts';
import type { Random } from '../core/random.ts';
import type { CheckSchedule } from '../core/snapshot.ts';
import { after, type Instant, type Timer } from '../core/time.ts';
import {
  checkPauseMs,
  type Health,
  nextHealth,
  passesNeeded,
  troubledPauseMs,
  unknownHealth,
} from '../policy/health.ts';
import { healthReason } from './health-reason.ts';
import {
  type CheckPorts,
  type CheckResult,
  type CheckTarget,
  HealthCheck,
  outcomeOf,
} from '../upstream/health-check.ts';

export interface WatchPorts extends CheckPorts {
  readonly random: Random;
}

export interface WatchListener {
  /** What is known of it has changed. */
  onChange(): void;
  /** A check has come back; `refused`: nothing listened. Before `onChange`. */
  onChecked(refused: boolean): void;
}

/** How many endpoints are troubled now, of all that are watched together: their checks share a budget. */
export interface TroubledCount {
  troubled: number;
}

/** Checks one configured address again and again: at the interval of the configuration, quickly while it is troubled. */
export class WatchedEndpoint {
  /** May change while it is watched, as the other family of a name does; the next check goes by it. */
  target: CheckTarget;
  readonly #ports: WatchPorts;
  readonly #listener: WatchListener;
  readonly #all: TroubledCount;
  #health: Health = unknownHealth;
  #found = '';
  #cause: Cause | null = null;
  #check: HealthCheck | null = null;
  #timer: Timer | null = null;
  #nextAt: Instant | null = null;
  /** A connection was refused, and no check has passed since. */
  #refuses = false;
  #isTroubled = false;
  #stopped = false;

  constructor(target: CheckTarget, ports: WatchPorts, listener: WatchListener, all: TroubledCount = { troubled: 0 }) {
    this.target = target;
    this.#ports = ports;
    this.#listener = listener;
    this.#all = all;
  }

  get state(): Health['state'] {
    return this.#health.state;
  }

  /** Why it is in its state: what the last check found. */
  get reason(): string {
    return healthReason(this.#health, this.#found, this.target.check);
  }

  /** What the last check met that a request would meet too; null where it passed, or was answered. */
  get cause(): Cause | null {
    return this.#cause;
  }

  get check(): Exclude<CheckSpec, { kind: 'none' }> {
    return this.target.check;
  }

  /** When checks can next change what is known of it. */
  get rhythm(): CheckSchedule {
    const { intervalMs, timeoutMs } = this.target.check;
    const passes = passesNeeded(this.#health, this.target.check);
    // One that is under way has its result within its own time limit.
    const nextInstant = this.#nextAt ?? after(this.#ports.clock.now(), timeoutMs);
    const everyMs = this.#isTroubled ? troubledPauseMs(intervalMs, this.#all.troubled) : intervalMs;
    return { nextInstant, everyMs, passesNeeded: passes };
  }

  start(): void {
    this.#nextAt = null;
    this.#check = new HealthCheck(this.target, this.#ports, (result) => this.#note(result));
    this.#check.begin();
  }

  /** A request was refused a connection: the next check comes soon, and the others after it until one passes. */
  suspect(): void {
    if (this.#stopped || this.#refuses) return;
    this.#refuses = true;
    if (this.#isTroubled) return;
    this.#countTrouble();
    // The result of a check that is under way decides about the next one.
    if (this.#check === null) this.#checkLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#countTrouble();
    this.#timer?.cancel();
    this.#check?.cancel();
  }

  #note(result: CheckResult): void {
    if (this.#stopped) return;
    this.#check = null;
    const outcome = outcomeOf(result);
    const { check } = this.target;
    const before = this.#health;
    this.#health = nextHealth(before, outcome, check);
    this.#refuses = outcome === 'refused';
    this.#countTrouble();
    const isNewReason = this.#found !== result.reason;
    this.#found = result.reason;
    this.#cause = result.cause ?? null;
    this.#checkLater();
    this.#listener.onChecked(outcome === 'refused');
    // What a check finds again is told to nobody; of one that is healthy nobody asks what it finds.
    const comesCloser = passesNeeded(before, check) !== passesNeeded(this.#health, check);
    if (before.state !== this.#health.state || ((isNewReason || comesCloser) && this.#health.state === 'unhealthy')) {
      this.#listener.onChange();
    }
  }

  #countTrouble(): void {
    const isTroubled = !this.#stopped && (this.#refuses || this.#health.state === 'unhealthy');
    if (isTroubled === this.#isTroubled) return;
    this.#isTroubled = isTroubled;
    this.#all.troubled += isTroubled ? 1 : -1;
  }

  #checkLater(): void {
    const { clock, random } = this.#ports;
    const schedule = { intervalMs: this.target.check.intervalMs, troubled: this.#all.troubled, chance: random.next() };
    this.#nextAt = after(clock.now(), checkPauseMs(this.#isTroubled, schedule));
    this.#timer?.cancel();
    this.#timer = clock.schedule(this.#nextAt, recheck, this);
  }
}

function recheck(endpoint: WatchedEndpoint): void {
  endpoint.start();
}
