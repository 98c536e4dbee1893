/** The first pause after an instance has become ready, and after anything that puts it in doubt. */
const firstMs = 1_000;

/** While nobody asks anything of it, the pauses double up to this: its log should have requests, not checks. */
const restMs = 30_000;

/** While requests are answered they show more than a check would; this long after the last of them it is asked again. */
const afterTrafficMs = 5_000;

/** How long a ready instance is left alone: less when its traffic fails, longer while nothing puts it in doubt. */
export class ReadyPace {
  #pauseMs = firstMs;

  /** After a check of it that passed. */
  passed(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(restMs, 2 * pauseMs);
    return pauseMs;
  }

  /** From an answer of it on. */
  served(): number {
    this.#pauseMs = afterTrafficMs;
    return afterTrafficMs;
  }

  /** A check or a request failed. */
  failed(): number {
    this.#pauseMs = firstMs;
    return firstMs;
  }
}
