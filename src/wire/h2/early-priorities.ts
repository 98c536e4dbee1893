import { h2Limits } from './limits.ts';

/** Far more than urgency and `i` take. */
const valueCharactersMax = 64;

/** What a client has said of the priority of streams before it opened them (RFC 9218 §7.1). */
export class EarlyPriorities {
  readonly #values = new Map<number, string | null>();

  /**
   * False: these streams and the `open` ones are more than a client may have (§7.1). Streams before `firstIdle` have been passed by.
   */
  note(streamId: number, value: string, firstIdle: number, open: number): boolean {
    this.#values.delete(streamId);
    this.#values.set(streamId, value.length > valueCharactersMax ? null : value);
    if (this.#values.size + open <= h2Limits.streamsMax) return true;
    for (const id of this.#values.keys()) if (id < firstIdle) this.#values.delete(id);
    return this.#values.size + open <= h2Limits.streamsMax;
  }

  /** Null: nothing. */
  take(streamId: number): string | null {
    if (this.#values.size === 0) return null; // Nearly always.
    const value = this.#values.get(streamId) ?? null;
    this.#values.delete(streamId);
    return value;
  }
}
