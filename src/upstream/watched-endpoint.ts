import type { CheckSpec } from '../core/configuration.ts';
import type { Cause } from '../core/failure.ts';
import type { Random } from '../core/random.ts';
import type { CheckRhythm } from '../core/snapshot.ts';
import { after, type Instant, type Timer } from '../core/time.ts';
import { type Health, nextHealth, passesNeeded, unknownHealth } from '../policy/health.ts';
import { type CheckPorts, type CheckResult, type CheckTarget, HealthCheck } from './health-check.ts';

export interface WatchPorts extends CheckPorts {
  readonly random: Random;
}

/** Ten endpoints that are checked every five seconds are not all to be checked in the same instant. */
const jitter = 0.1;

/** One configured address that is asked again and again how it is. */
export class WatchedEndpoint {
  /** May change while it is watched, as the other family of a name does; the next check goes by it. */
  target: CheckTarget;
  readonly #ports: WatchPorts;
  readonly #told: () => void;
  #health: Health = unknownHealth;
  #says = 'its first check is not back yet';
  #cause: Cause | null = null;
  #check: HealthCheck | null = null;
  #timer: Timer | null = null;
  #nextAt: Instant | null = null;
  #stopped = false;

  constructor(target: CheckTarget, ports: WatchPorts, told: () => void) {
    this.target = target;
    this.#ports = ports;
    this.#told = told;
  }

  get state(): Health['state'] {
    return this.#health.state;
  }

  /** What the last check found. */
  get says(): string {
    return this.#says;
  }

  /** What the last check met that a request would meet too; null where it passed, or was answered. */
  get cause(): Cause | null {
    return this.#cause;
  }

  get check(): Exclude<CheckSpec, { kind: 'none' }> {
    return this.target.check;
  }

  /** When checks can next change what is known of it. */
  get rhythm(): CheckRhythm {
    const { intervalMs, timeoutMs } = this.target.check;
    const passes = passesNeeded(this.#health, this.target.check);
    // One that is under way has its result within its own time limit.
    const nextInstant = this.#nextAt ?? after(this.#ports.clock.now(), timeoutMs);
    return { nextInstant, everyMs: intervalMs, passesNeeded: passes };
  }

  start(): void {
    this.#nextAt = null;
    this.#check = new HealthCheck(this.target, this.#ports, (result) => this.#note(result));
    this.#check.begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#check?.cancel();
  }

  #note(result: CheckResult): void {
    if (this.#stopped) return;
    this.#check = null;
    const before = this.#health;
    this.#health = nextHealth(before, result.passed, this.target.check);
    const saysNews = this.#says !== result.says;
    this.#says = result.says;
    this.#cause = result.cause ?? null;
    const spread = 1 + jitter * (2 * this.#ports.random.next() - 1);
    const nextAt = after(this.#ports.clock.now(), this.target.check.intervalMs * spread);
    this.#nextAt = nextAt;
    this.#timer = this.#ports.clock.schedule(nextAt, again, this);
    // What a check finds again is told to nobody; of one that is healthy nobody asks what it finds.
    const { check } = this.target;
    const comesCloser = passesNeeded(before, check) !== passesNeeded(this.#health, check);
    if (before.state !== this.#health.state || ((saysNews || comesCloser) && this.#health.state === 'unhealthy')) {
      this.#told();
    }
  }
}

function again(endpoint: WatchedEndpoint): void {
  endpoint.start();
}
