import type { CallFailure } from './call-failure.ts';
import type { ClientBreakerState } from './client-hooks.ts';
import type { BreakerOptions } from './retry-options.ts';

export type BreakerSettings = Readonly<Required<BreakerOptions>>;

export interface BreakerChange {
  readonly from: ClientBreakerState;
  readonly to: ClientBreakerState;
  readonly failure: CallFailure | null;
  readonly openMs: number | null;
}

/**
 * Opens when the attempts at an origin fail, lets one probe through after a while, and closes when it succeeds. Pure but for its own
 * state: the caller passes the time and the chance.
 */
export class OriginBreaker {
  readonly #settings: BreakerSettings;
  readonly #changed: (change: BreakerChange) => void;
  #state: ClientBreakerState = 'closed';
  #inRow = 0;
  /** The latest outcomes, true for a failure. */
  #window: boolean[] = [];
  #until = 0;
  #lastFailure: CallFailure | null = null;

  constructor(settings: BreakerSettings, changed: (change: BreakerChange) => void) {
    this.#settings = settings;
    this.#changed = changed;
  }

  get state(): ClientBreakerState {
    return this.#state;
  }

  get lastFailure(): CallFailure | null {
    return this.#lastFailure;
  }

  /** 'send', 'probe' (which must end in `succeeded`, `failed` or `probeLost`), or for how long to wait before asking again. */
  admit(now: number): 'send' | 'probe' | number {
    if (this.#state === 'closed') return 'send';
    if (this.#state === 'half_open') return this.#settings.openMs;
    if (now < this.#until) return this.#until - now;
    this.#change('half_open', null, null);
    return 'probe';
  }

  succeeded(isProbe: boolean): void {
    this.#inRow = 0;
    if (this.#state === 'closed') this.#push(false);
    else if (isProbe) this.#close();
  }

  failed(failure: CallFailure, isProbe: boolean, now: number, chance: number): void {
    this.#lastFailure = failure;
    if (isProbe) return this.#open(failure, now, chance);
    if (this.#state !== 'closed') return;
    this.#inRow++;
    this.#push(true);
    const { failuresInRow, failureShare, windowCalls } = this.#settings;
    const failures = this.#window.filter(Boolean).length;
    const mostFail = this.#window.length >= windowCalls && failures >= failureShare * windowCalls;
    if (this.#inRow >= failuresInRow || mostFail) this.#open(failure, now, chance);
  }

  /** The caller cancelled the probe: the next call is one. */
  probeLost(now: number): void {
    this.#until = now;
    this.#change('open', this.#lastFailure, 0);
  }

  #push(failed: boolean): void {
    this.#window.push(failed);
    if (this.#window.length > this.#settings.windowCalls) this.#window.shift();
  }

  #close(): void {
    this.#window = [];
    this.#change('closed', null, null);
  }

  /** Between half of the time and all of it, so that many clients do not probe in step. Never before the time that the service asks for. */
  #open(failure: CallFailure, now: number, chance: number): void {
    const { openMs, openMaxMs } = this.#settings;
    const wait = Math.min(openMaxMs, failure.retryAfterMs ?? 0) + openMs * (0.5 + chance / 2);
    this.#inRow = 0;
    this.#until = now + wait;
    this.#change('open', failure, wait);
  }

  #change(to: ClientBreakerState, failure: CallFailure | null, openMs: number | null): void {
    const from = this.#state;
    this.#state = to;
    this.#changed({ from, to, failure, openMs });
  }
}
