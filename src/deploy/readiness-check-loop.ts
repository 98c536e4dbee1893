import type { ReadinessSpec } from '../core/configuration.ts';
import type { Cancellable } from '../core/connector.ts';
import { after, type Clock, type Instant, never, type Timer } from '../core/time.ts';
import type { Host } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import type { ReadinessResult } from './readiness.ts';

/** Checks one instance repeatedly, one check at a time. */
export class ReadinessCheckLoop {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #port: number;
  readonly #readiness: ReadinessSpec;
  readonly #onObserved: (observation: ReadinessResult) => void;
  #timer: Timer | null = null;
  #check: Cancellable | null = null;
  #dueAt: Instant = never;
  #followsFailure = false;
  #checkedAt: Instant;
  #stopped = false;

  constructor(
    parts: { readonly clock: Clock; readonly host: Host },
    port: number,
    readiness: ReadinessSpec,
    onObserved: (observation: ReadinessResult) => void,
  ) {
    this.#clock = parts.clock;
    this.#checkedAt = parts.clock.now();
    this.#host = parts.host;
    this.#port = port;
    this.#readiness = readiness;
    this.#onObserved = onObserved;
  }

  /** Replaces the check that was due. Does nothing while a check is in progress: its result decides about the next one. */
  checkIn(delayMs: number): void {
    if (this.#stopped || this.#check !== null) return;
    this.#timer?.cancel();
    this.#dueAt = after(this.#clock.now(), delayMs);
    this.#timer = this.#clock.schedule(
      this.#dueAt,
      (checks: ReadinessCheckLoop) => checks.#checkNow(),
      this as ReadinessCheckLoop,
    );
  }

  /** After a failure: checks soon, and no sooner than `pauseMs` after the last check. Does nothing where one is due earlier. */
  checkSoon(delayMs: number, pauseMs: number): void {
    const now = this.#clock.now();
    const waitMs = Math.max(delayMs, this.#checkedAt + pauseMs - now);
    this.#followsFailure = true;
    if (after(now, waitMs) < this.#dueAt) this.checkIn(waitMs);
  }

  /** Whether the next check was requested because of a failure. */
  get followsFailure(): boolean {
    return this.#followsFailure;
  }

  /** Replaces the check that was due, but by no later one than `atMostMs` after the last check. */
  putOff(delayMs: number, atMostMs: number): void {
    this.checkIn(Math.max(0, Math.min(delayMs, this.#checkedAt + atMostMs - this.#clock.now())));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#check?.cancel();
    this.#check = null;
  }

  #checkNow(): void {
    if (this.#stopped) return;
    this.#checkedAt = this.#clock.now();
    this.#dueAt = never;
    this.#followsFailure = false;
    this.#check = this.#host.checkReadiness({ port: this.#port, ...this.#readiness }, (observation) => {
      this.#check = null;
      if (!this.#stopped) this.#onObserved(observation);
    });
  }
}

/** After the first pass of a start the other checks follow this fast, so that a ready application gets requests at once. */
const confirmMs = 50;

/**
 * The pause between a check and the next one; null: an instance in this phase is not checked. An instance that gets no requests is
 * checked at the interval of its start, since people wait for it; so is an instance that has just refused a connection. Any
 * other ready instance is checked after `readyMs`.
 */
export function nextCheckInMs(
  life: InstanceLife,
  readiness: ReadinessSpec,
  last: ReadinessResult,
  readyMs: number,
): number | null {
  switch (life.phase) {
    case 'starting':
    case 'failing':
      return life.passes > 0 ? Math.min(confirmMs, readiness.intervalMs) : readiness.intervalMs;
    case 'ready':
      return last.kind === 'refused' ? readiness.intervalMs : Math.max(readyMs, readiness.intervalMs);
    default:
      return null;
  }
}

/** Whether an instance in this phase is checked at all. */
export function isChecked({ phase }: InstanceLife): boolean {
  return phase === 'starting' || phase === 'ready' || phase === 'failing';
}
