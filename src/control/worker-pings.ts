import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** A worker's turn takes milliseconds. */
const pingEveryMs = 125;

/** After so many pings without an answer, 250 ms, a worker is silent: another worker accepts its new connections. */
const silentPings = 2;
export const silentMs = silentPings * pingEveryMs;

/** After so many pings without an answer, 3 s, a worker is lost. */
const missedPingsMax = 24;

/** A worker that was silent within this time may soon be silent again. */
const steadyMs = 10_000;

interface WorkerPingsParts {
  readonly clock: Clock;
  /** A number that changes when the worker has ended an exchange. */
  readonly served: () => number;
  readonly send: () => void;
  /** Called with every ping that is sent while the worker is silent. */
  readonly onSilent: () => void;
  /** The worker has not answered for too long. */
  readonly onLost: (why: string) => void;
}

/**
 * Pings a worker, and knows whether it answers. It counts pings, not time: a pause of the main thread does not make a worker late.
 * A worker that has served since the last ping needs none: under load there are no messages of pings.
 */
export class WorkerPings {
  readonly #parts: WorkerPingsParts;
  /** Before the first message its modules are loading, and a missing answer means nothing. */
  #hasResponded = false;
  #missed = 0;
  #served = 0;
  #silentAt: Instant | null = null;
  #timer: Timer | null;

  constructor(parts: WorkerPingsParts) {
    this.#parts = parts;
    this.#timer = this.#schedule();
  }

  get isSilent(): boolean {
    return this.#missed >= silentPings;
  }

  /** The worker answers, and has not been silent for a while. */
  get isSteady(): boolean {
    const isLongAgo = this.#silentAt === null || this.#parts.clock.now() - this.#silentAt >= steadyMs;
    return !this.isSilent && isLongAgo;
  }

  /** A message of any kind has come. */
  onMessage(): void {
    this.#hasResponded = true;
    this.#missed = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Called by its timer alone. */
  ping(): void {
    if (this.#timer === null) return;
    const served = this.#parts.served();
    if (served !== this.#served) {
      this.#served = served;
      this.onMessage();
      this.#timer = this.#schedule();
      return;
    }
    if (this.#missed >= missedPingsMax) {
      this.stop();
      return this.#parts.onLost(`it has not answered for ${(missedPingsMax * pingEveryMs) / 1000} s`);
    }
    if (this.isSilent) {
      this.#silentAt = this.#parts.clock.now();
      this.#parts.onSilent();
    }
    if (this.#hasResponded) this.#missed += 1;
    this.#parts.send();
    this.#timer = this.#schedule();
  }

  #schedule(): Timer {
    const { clock } = this.#parts;
    return clock.schedule(after(clock.now(), pingEveryMs), pingIsDue, this as WorkerPings);
  }
}

function pingIsDue(pings: WorkerPings): void {
  pings.ping();
}
