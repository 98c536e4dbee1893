/** Takes bytes of UTF-8, or of UTF-16 with a byte order mark, and passes on UTF-8 without a mark. */
export class ByteEncoding {
  readonly #pass: (bytes: Uint8Array) => void;
  #decoder: TextDecoder | null = null;
  #beginning: Uint8Array | null = new Uint8Array(0);

  constructor(pass: (bytes: Uint8Array) => void) {
    this.#pass = pass;
  }

  push(bytes: Uint8Array): void {
    if (this.#beginning !== null) this.#begin(bytes);
    else if (this.#decoder === null) this.#pass(bytes);
    else this.#pass(utf8.encode(this.#decoder.decode(bytes, { stream: true })));
  }

  end(): void {
    if (this.#beginning !== null) this.#pass(this.#beginning);
    else if (this.#decoder !== null) this.#pass(utf8.encode(this.#decoder.decode()));
    this.#beginning = null;
    this.#decoder = null;
  }

  /** A mark has at most three bytes. */
  #begin(bytes: Uint8Array): void {
    const waiting = this.#beginning as Uint8Array;
    const all = waiting.length === 0 ? bytes : join(waiting, bytes);
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
