import { after, type Clock, type Timer } from '../core/time.ts';
import { partsOf, type StatusParts } from './status-parts.ts';

/** As often as a person reads. */
const everyMs = 1_000;

interface LiveStatusParts {
  readonly clock: Clock;
  /** The status as the API gives it. If it rejects, the followers are told `null`. */
  readonly status: () => Promise<object>;
}

/** Reads the status once a second while somebody follows it, for all followers. */
export class LiveStatus {
  readonly #parts: LiveStatusParts;
  readonly #followers = new Set<(parts: StatusParts | null) => void>();
  #timer: Timer | null = null;
  #isReading = false;

  constructor(parts: LiveStatusParts) {
    this.#parts = parts;
  }

  /** Calls back with the status as soon as it has been read, then once a second, until the returned function is called. */
  follow(follower: (parts: StatusParts | null) => void): () => void {
    this.#followers.add(follower);
    void this.#read();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#timer?.cancel();
      this.#timer = null;
    };
  }

  async #read(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isReading || this.#followers.size === 0) return;
    this.#isReading = true;
    const parts = await this.#parts.status().then(partsOf, () => null);
    this.#isReading = false;
    for (const follower of [...this.#followers]) follower(parts);
    this.#readLater();
  }

  #readLater(): void {
    const { clock } = this.#parts;
    if (this.#followers.size === 0) return;
    this.#timer = clock.schedule(after(clock.now(), everyMs), (live: LiveStatus) => void live.#read(), this);
  }
}
