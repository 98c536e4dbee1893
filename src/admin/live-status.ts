import { jsonOf } from '../record/json-text.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

/** As often as a person reads. */
const everyMs = 1_000;

/** Each top-level member of a status, as JSON. */
export type StatusParts = ReadonlyMap<string, string>;

export interface LiveStatusParts {
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

function partsOf(status: object): StatusParts {
  return new Map(Object.entries(status).map(([key, value]) => [key, jsonOf(value)]));
}

/** The members of `parts` that differ from what was sent before, as one JSON object; null: none does. */
export function changesSince(sent: StatusParts, parts: StatusParts): string | null {
  const changed = [...parts].filter(([key, json]) => sent.get(key) !== json);
  return changed.length === 0 ? null : `{${changed.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}
