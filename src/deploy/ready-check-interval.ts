import type { ReadinessSpec } from '../core/configuration.ts';
import { defaultReadinessPath } from './readiness.ts';

/** The first pause after an instance has become ready, and after anything that puts it in doubt. */
const firstMs = 1_000;

/** While nobody asks anything of it, the pauses double up to this: its log should have requests, not checks. */
const restMs = 30_000;

/** While requests are answered they show more than a check would; this long after the last of them it is asked again. */
const afterTrafficMs = 5_000;

/** A path of its own may say what no page says, such as that the application takes itself out: it is asked at least so often. */
const ownPathMs = 10_000;

/** What a check saw, or requests. */
type Sign = 'passed' | 'failed' | 'served';

/** How long a ready instance is left alone: less when its traffic fails, longer while nothing puts it in doubt. */
export class ReadyCheckInterval {
  /** From a check on, however much its requests show. */
  readonly atMostMs: number;
  readonly #restMs: number;
  #calmMs = 0;

  constructor({ path, intervalMs }: ReadinessSpec) {
    this.atMostMs = path === defaultReadinessPath ? Number.POSITIVE_INFINITY : Math.max(ownPathMs, intervalMs);
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
