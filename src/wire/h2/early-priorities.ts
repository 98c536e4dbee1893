import { h2Limits } from './limits.ts';

/** Far more than urgency and `i` take. */
const valueCharactersMax = 64;

/** What a client has said of the priority of streams before it opened them (RFC 9218 §7.1). */
export class EarlyPriorities {
  /** The one that was noted longest ago first. */
  readonly #values = new Map<number, string>();

  note(streamId: number, value: string): void {
    this.#values.delete(streamId);
    if (value.length > valueCharactersMax) return;
    this.#values.set(streamId, value);
    if (this.#values.size <= h2Limits.streamsMax) return;
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }

  /** Null: nothing. */
  take(streamId: number): string | null {
    if (this.#values.size === 0) return null; // Nearly always.
    const value = this.#values.get(streamId) ?? null;
    this.#values.delete(streamId);
    return value;
  }
}
