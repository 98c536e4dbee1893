import type { ReadinessSpec } from '../core/configuration.ts';
import { hasOwnCheck } from './readiness.ts';

/** The first pause after an instance has become ready, and after a failure. */
const firstMs = 1_000;

/** Without requests the pauses double up to this: the application's log should have requests, not checks. */
const restMs = 30_000;

/** While requests are answered they show more than a check would; the next check comes this long after the last of them. */
const afterTrafficMs = 5_000;

/**
 * A readiness path of its own may tell what no page tells, such as that the application takes itself out: it is
 * checked at least this often.
 */
const ownPathMs = 10_000;

/** The result of a check, or of requests. */
type Sign = 'passed' | 'failed' | 'served';

/** The pause between checks of a ready instance: short after a failure, longer while nothing fails. */
export class ReadyCheckInterval {
  /** The longest pause between two checks, whatever requests show. */
  readonly atMostMs: number;
  readonly #restMs: number;
  #calmMs = 0;

  constructor(readiness: ReadinessSpec) {
    this.atMostMs = hasOwnCheck(readiness) ? Math.max(ownPathMs, readiness.intervalMs) : Number.POSITIVE_INFINITY;
    this.#restMs = Math.min(restMs, this.atMostMs);
  }

  note(sign: Sign): void {
    if (sign === 'failed') this.#calmMs = 0;
    else if (sign === 'served') this.#calmMs = afterTrafficMs;
    else this.#calmMs = Math.min(this.#restMs, Math.max(firstMs, 2 * this.#calmMs));
  }

  /** Until the next check. */
  get pauseMs(): number {
    return Math.max(firstMs, this.#calmMs);
  }
}
