/** Takes octets of UTF-8, or of UTF-16 with a byte order mark, and passes on UTF-8 without one. */
export class OctetEncoding {
  readonly #pass: (octets: Uint8Array) => void;
  #decoder: TextDecoder | null = null;
  #beginning: Uint8Array | null = new Uint8Array(0);

  constructor(pass: (octets: Uint8Array) => void) {
    this.#pass = pass;
  }

  push(octets: Uint8Array): void {
    if (this.#beginning !== null) this.#begin(octets);
    else if (this.#decoder === null) this.#pass(octets);
    else this.#pass(utf8.encode(this.#decoder.decode(octets, { stream: true })));
  }

  end(): void {
    if (this.#beginning !== null) this.#pass(this.#beginning);
    else if (this.#decoder !== null) this.#pass(utf8.encode(this.#decoder.decode()));
    this.#beginning = null;
    this.#decoder = null;
  }

  /** A mark has at most three octets. */
  #begin(octets: Uint8Array): void {
    const waiting = this.#beginning as Uint8Array;
    const all = waiting.length === 0 ? octets : join(waiting, octets);
    if (all.length < 3) {
      this.#beginning = all.slice();
      return;
    }
    this.#beginning = null;
    const [first, second, third] = all;
    if (first === 0xff && second === 0xfe) this.#decoder = new TextDecoder('utf-16le');
    else if (first === 0xfe && second === 0xff) this.#decoder = new TextDecoder('utf-16be');
    this.push(first === 0xef && second === 0xbb && third === 0xbf ? all.subarray(3) : all);
  }
}

const utf8 = new TextEncoder();

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
