/** A keyed hash (HMAC) of a text, in base64url. */
type Mac = (text: string) => string;

/** 128 bits: nobody finds a value by trying. */
const macLength = 22;

/** 66 bits: enough to tell the endpoints of an upstream apart. */
const tagLength = 11;

/** Clocks of gateways that share a key differ by less. */
const skewS = 60;

const version = '1';

/** What a token says. */
export interface SessionToken {
  /** Of the endpoint: see `tagOf`. */
  readonly tag: string;
  readonly ageMs: number;
}

/**
 * The values of cookies that keep a client at an endpoint. A token has the tag of the endpoint, the time when it was issued, and a keyed hash over
 * both. The tag is a keyed hash itself: it names the endpoint to those alone who have the key, and says nothing about its address.
 */
export class SessionTokens {
  readonly #mac: Mac;
  readonly #lifetimeMs: number;

  /** `mac` must be of a key that is used for one upstream alone. A token is worth nothing after its lifetime. */
  constructor(mac: Mac, lifetimeMs: number) {
    this.#mac = mac;
    this.#lifetimeMs = lifetimeMs;
  }

  tagOf(endpoint: string): string {
    return this.#mac(`endpoint ${endpoint}`).slice(0, tagLength);
  }

  issue(tag: string, wallMs: number): string {
    const claims = `${version}.${Math.floor(wallMs / 1000).toString(36)}.${tag}`;
    return `${claims}.${this.#signature(claims)}`;
  }

  /** Null for a token that is forged, damaged, too old, or of another upstream. */
  read(token: string, wallMs: number): SessionToken | null {
    const [, claims, seconds, tag, signature] = form.exec(token) ?? [];
    if (claims === undefined || seconds === undefined || tag === undefined || signature === undefined) return null;
    if (!isSame(this.#signature(claims), signature)) return null;
    const ageMs = wallMs - Number.parseInt(seconds, 36) * 1000;
    if (ageMs > this.#lifetimeMs || ageMs < -skewS * 1000) return null;
    return { tag, ageMs };
  }

  /** Whether a client that has a token of this age should get a new one. */
  isDue({ ageMs }: SessionToken): boolean {
    return ageMs > this.#lifetimeMs / 2;
  }

  #signature(claims: string): string {
    return this.#mac(`token ${claims}`).slice(0, macLength);
  }
}

const form = new RegExp(`^(${version}\\.([0-9a-z]{1,9})\\.([\\w-]{${tagLength}}))\\.([\\w-]{${macLength}})$`);

/** Takes the same time wherever texts of the same length differ. */
function isSame(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
