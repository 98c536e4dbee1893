import type { ReadinessSpec } from '../core/configuration.ts';
import type { Cancellable } from '../core/connector.ts';
import { after, type Clock, type Instant, never, type Timer } from '../core/time.ts';
import type { Host } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import type { ReadinessResult } from './readiness.ts';

/** Asks an instance again and again, one question at a time. */
export class ReadinessCheckLoop {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #port: number;
  readonly #readiness: ReadinessSpec;
  readonly #onObserved: (observation: ReadinessResult) => void;
  #timer: Timer | null = null;
  #check: Cancellable | null = null;
  #dueAt: Instant = never;
  #isInDoubt = false;
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

  /** In place of what was due, unless the answer to a check is awaited: that decides then. */
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

  /**
   * After a failure: asks soon, and no sooner than `pauseMs` after the check before. Does nothing where one is due before
   * that.
   */
  checkSoon(delayMs: number, pauseMs: number): void {
    const now = this.#clock.now();
    const waitMs = Math.max(delayMs, this.#checkedAt + pauseMs - now);
    this.#isInDoubt = true;
    if (after(now, waitMs) < this.#dueAt) this.checkIn(waitMs);
  }

  /** A failure has called for the check that comes next. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** In place of what was due, and no later than `atMostMs` after the check before. */
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
    const { path, timeoutMs } = this.#readiness;
    this.#checkedAt = this.#clock.now();
    this.#dueAt = never;
    this.#isInDoubt = false;
    this.#check = this.#host.checkReadiness({ port: this.#port, path, timeoutMs }, (observation) => {
      this.#check = null;
      if (!this.#stopped) this.#onObserved(observation);
    });
  }
}

/** After the first pass of a start the others follow this fast: a ready application should not wait for our clock. */
const confirmMs = 50;

/**
 * How long after a check the next one follows; null: there are none in this phase. An instance that gets no requests is
 * checked as at its start, since people wait for it; so is one that has just refused a connection. Any other that is
 * ready is left alone for `readyMs`.
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
