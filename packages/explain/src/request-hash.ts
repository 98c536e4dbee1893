import type { GatewayProduct } from './finding.ts';
import { familyOf } from './joined-failures.ts';

/** As many as a finding keeps of a request. */
const requestCharactersMax = 200;

const space = 0x20;
const question = 0x3f;
const quote = 0x22;

const [primeA, primeB] = [0x01000193, 0x85ebca6b];

/**
 * Two numbers that stand for a client and its request without the query. The bytes of an access line and the texts of an error
 * line give the same ones. Together they have 64 bits, so that two requests do not share them by chance.
 */
export class RequestHash {
  a = 0;
  b = 0;

  ofText(gateway: GatewayProduct, client: string, request: string): this {
    this.#begin(gateway);
    for (let i = 0; i < client.length; i++) this.#mix(client.charCodeAt(i));
    this.#mix(space);
    const end = Math.min(request.length, requestCharactersMax);
    for (let i = 0; i < end; i++) {
      const code = request.charCodeAt(i);
      if (code === question) break;
      this.#mix(code);
    }
    return this;
  }

  /** The client's address is from `client` to `clientEnd`; the request line begins at `request`, and ends with a quote. */
  ofBytes(gateway: GatewayProduct, bytes: Uint8Array, client: number, clientEnd: number, request: number): this {
    this.#begin(gateway);
    for (let i = client; i < clientEnd; i++) this.#mix(bytes[i] as number);
    this.#mix(space);
    let spaces = 0;
    for (let i = request; i < request + requestCharactersMax; i++) {
      const byte = bytes[i] as number;
      if (byte === space) spaces += 1;
      // The second one is before the version.
      if (spaces === 2 || byte === question || byte === quote) break;
      this.#mix(byte);
    }
    return this;
  }

  #begin(gateway: GatewayProduct): void {
    this.a = 0x811c9dc5;
    this.b = 0x9e3779b9;
    const seed = seedOf(gateway);
    this.#mix(seed);
  }

  #mix(code: number): void {
    this.a = Math.imul(this.a ^ code, primeA);
    this.b = (Math.imul(this.b ^ code, primeB) + 1) | 0;
  }
}

const seeds = new Map<GatewayProduct, number>();

/** Equal for the gateways of one family. */
function seedOf(gateway: GatewayProduct): number {
  let seed = seeds.get(gateway);
  if (seed === undefined) {
    seed = [...familyOf(gateway)].reduce((sum, letter) => Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0), 7);
    seeds.set(gateway, seed);
  }
  return seed;
}
