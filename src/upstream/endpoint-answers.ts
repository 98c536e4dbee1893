import type { Clock, Instant } from '../core/time.ts';

/** So many answers in a row that are no HTTP may be another program's that has taken the address. */
const inRowMax = 10;

/** What came so long before says nothing of who answers now. */
const forgetMs = 300_000;

/** What an endpoint answers, on all connections of a worker: whether bytes that are no HTTP come from an application that also answers in HTTP. */
export class EndpointAnswers {
  readonly #clock: Clock;
  /** Null: no answer was anything else than HTTP. */
  #lastAt: Instant | null = null;
  #inHttp = 0;
  #inRow = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A response in HTTP has begun. */
  onHttp(): void {
    if (this.#lastAt === null) return;
    this.#inHttp++;
    this.#inRow = 0;
  }

  /** An answer was no HTTP. Returns how many were HTTP since the first such one; 0: it may be another program's. */
  onNotHttp(): number {
    const now = this.#clock.now();
    const isLate = this.#lastAt !== null && now - this.#lastAt > forgetMs;
    this.#lastAt = now;
    if (++this.#inRow > inRowMax || isLate) this.#inHttp = 0;
    return this.#inHttp;
  }
}
