import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** A stolen key opens the sessions of so long a time (RFC 5077 §5.5; Mozilla and Cloudflare rotate daily or more often). */
const rotateMs = 12 * 3_600_000;

const keyBytes = 48;

/**
 * The key from which all workers derive the keys of TLS session tickets. It is rotated, and passed on by an upgrade, so that clients
 * resume their sessions at every worker and at the successor. It is never written to a disk: a restart begins with a new one.
 */
export class TicketKeys {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onChanged: (key: Uint8Array) => void;
  #current: Uint8Array;
  #since: Instant;
  #rotation: Timer | null = null;

  constructor(clock: Clock, random: Random, onChanged: (key: Uint8Array) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#onChanged = onChanged;
    this.#current = this.#create();
    this.#since = clock.now();
    this.#rotateLater(rotateMs);
  }

  get current(): Uint8Array {
    return this.#current;
  }

  /** How long the current key has been in use. */
  get ageMs(): number {
    return this.#clock.now() - this.#since;
  }

  /** Goes on with the key of the predecessor, which has used it for `ageMs`. What is no such key is ignored. */
  adopt(key: Uint8Array | null, ageMs: number): void {
    if (key?.length !== keyBytes) return;
    const age = Number.isFinite(ageMs) ? Math.min(rotateMs, Math.max(0, ageMs)) : 0;
    this.#rotation?.cancel();
    this.#change(key);
    this.#since = after(this.#since, -age);
    this.#rotateLater(rotateMs - age);
  }

  /** No rotation follows. */
  close(): void {
    this.#rotation?.cancel();
  }

  #create(): Uint8Array {
    const key = new Uint8Array(keyBytes);
    this.#random.fill(key);
    return key;
  }

  #change(key: Uint8Array): void {
    this.#current = key;
    this.#since = this.#clock.now();
    this.#onChanged(key);
  }

  #rotateLater(afterMs: number): void {
    const rotate = (keys: TicketKeys): void => {
      keys.#change(keys.#create());
      keys.#rotateLater(rotateMs);
    };
    this.#rotation = this.#clock.schedule(after(this.#clock.now(), afterMs), rotate, this as TicketKeys);
  }
}
