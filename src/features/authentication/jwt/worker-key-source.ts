/** The public keys of an issuer that an upstream tells: asked before they are needed, asked again when they may have changed, and used on while it is out. */
import { explain } from '#failures/failure-texts.ts';
import type { UpstreamId } from '../../../core/endpoint.ts';
import type { Instant } from '../../../core/time.ts';
import type { SharedState } from '../settings.ts';
import { ownClient } from '../worker-own-client.ts';
import type { SchemePorts } from '../worker-scheme.ts';
import { keySetBytesMax } from './settings.ts';
import type { VerificationKeys } from './worker-verify.ts';

export interface KeySource {
  /** Null: none are known that may be used. Asks again in the background if they are old. */
  keys(): VerificationKeys | null;
  /** Asks for other keys, or waits for who asks already. Null: it was asked a short time ago. */
  renew(): Promise<void> | null;
  /** Why there are none, a clause. */
  readonly fault: string | null;
  /** When `renew` asks again. */
  readonly retryAfterS: number;
}

/** Keys that do not change until the next reload. */
export class FixedKeys implements KeySource {
  readonly fault = null;
  readonly retryAfterS = 0;
  readonly #keys: VerificationKeys;

  constructor(keys: VerificationKeys) {
    this.#keys = keys;
  }

  keys(): VerificationKeys {
    return this.#keys;
  }

  renew(): null {
    return null;
  }
}

const minuteMs = 60_000;
/** A key that the issuer withdraws is believed for so long at most, while the issuer answers. */
const freshMs = 5 * minuteMs;
/** Older ones, after hours without requests, are asked for before they are used. */
const staleMs = 15 * minuteMs;
/** While the issuer is out. Then nobody can say whether they still hold. */
const usableMs = 24 * 60 * minuteMs;
/**
 * Tokens that name unknown keys, which anybody can send, ask no more often: where a stranger sends them all the time, a new key of the issuer is
 * known so long after it is published. All workers together ask little more often than one: each counts what another one was told.
 */
const renewMs = 10_000;
/** As long as there are none, nobody can enter. */
const firstRenewMs = 5000;
const limitMs = 5000;

/** What the keys are made of, for people and for other workers. */
export interface KnownKeys extends SharedState {
  readonly jwksText: string;
  /** Who has told them: after a reload, a route may have another issuer. */
  readonly source: string;
}

interface KeysHere extends Omit<KnownKeys, 'source'> {
  readonly keys: VerificationKeys;
  readonly count: number;
  readonly fetchedAt: Instant;
}

type ReadKeys = (text: string) => { readonly keys: VerificationKeys; readonly count: number };

export class UpstreamKeys implements KeySource {
  fault: string | null = null;
  readonly #upstream: string;
  readonly #target: string;
  readonly #ports: Pick<SchemePorts, 'clock' | 'ask'>;
  readonly #read: ReadKeys;
  #known: KeysHere | null = null;
  #askedAt: Instant | null = null;
  #running: Promise<void> | null = null;

  constructor(upstream: string, target: string, ports: Pick<SchemePorts, 'clock' | 'ask'>, read: ReadKeys) {
    this.#upstream = upstream;
    this.#target = target;
    this.#ports = ports;
    this.#read = read;
  }

  get known(): (KnownKeys & { readonly count: number }) | null {
    const known = this.#known;
    if (known === null) return null;
    const { jwksText, fetchedWall, count } = known;
    return { jwksText, fetchedWall, count, source: this.#source };
  }

  get #source(): string {
    return `${this.#upstream} ${this.#target}`;
  }

  get retryAfterS(): number {
    return Math.max(1, Math.ceil(this.#waitMs() / 1000));
  }

  keys(): VerificationKeys | null {
    const known = this.#known;
    if (known === null) return null;
    const age = this.#ports.clock.now() - known.fetchedAt;
    if (age > freshMs) void this.renew();
    // While the issuer does not answer, requests do not wait for it.
    if (age > usableMs || (age > staleMs && this.fault === null)) return null;
    return known.keys;
  }

  renew(): Promise<void> | null {
    if (this.#running !== null) return this.#running;
    if (this.#waitMs() > 0) return null;
    this.#askedAt = this.#ports.clock.now();
    this.#running = this.#ask().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Keys that another worker has been told, such as before this one began. */
  offer({ jwksText, fetchedWall, source }: KnownKeys): void {
    if (source !== this.#source) return;
    if (this.#known !== null && this.#known.fetchedWall >= fetchedWall) return;
    const { clock } = this.#ports;
    const ageMs = Math.max(0, clock.wallTime() - fetchedWall);
    const fetchedAt = (clock.now() - ageMs) as Instant;
    this.#take(jwksText, fetchedWall, fetchedAt);
    this.#askedAt = Math.max(this.#askedAt ?? fetchedAt, fetchedAt) as Instant;
  }

  #waitMs(): number {
    if (this.#askedAt === null) return 0;
    const pauseMs = this.#known === null ? firstRenewMs : renewMs;
    return Math.max(0, this.#askedAt + pauseMs - this.#ports.clock.now());
  }

  async #ask(): Promise<void> {
    const { ask, clock } = this.#ports;
    const result = await ask({
      ...{ upstream: this.#upstream as UpstreamId, route: `keys of ${this.#upstream}`, method: 'GET' },
      ...{ target: this.#target, authority: '', headers: [['accept', 'application/json']], body: null },
      ...{ client: ownClient(), limitMs, bodyBytesMax: keySetBytesMax },
    });
    if (!result.ok) this.fault = explain(result.failure).replace(/\.$/, '');
    else if (result.value.status !== 200) this.fault = `it answered ${result.value.status}`;
    else this.#take(Buffer.from(result.value.body).toString(), clock.wallTime(), clock.now());
  }

  #take(jwksText: string, fetchedWall: number, fetchedAt: Instant): void {
    try {
      // The same keys stay the same object: what was verified by them stays so.
      const same = this.#known?.jwksText === jwksText ? this.#known : this.#read(jwksText);
      this.#known = { keys: same.keys, count: same.count, jwksText, fetchedWall, fetchedAt };
      this.fault = null;
    } catch {
      this.fault = 'its answer is no set of public keys (RFC 7517)';
    }
  }
}
