/** So much of what an application writes to STDERR is kept for one request. */
const keptBytesMax = 2048;

/** What an application has written to STDERR while it had one request: its beginning. */
export class ErrorText {
  readonly #bytes = Buffer.allocUnsafeSlow(keptBytesMax);
  #length = 0;
  #isLonger = false;

  add(bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(end - start, keptBytesMax - this.#length);
    this.#bytes.set(bytes.subarray(start, start + length), this.#length);
    this.#length += length;
    if (length < end - start) this.#isLonger = true;
  }

  /** Without a word that is cut: half a secret is not known as one. */
  get text(): string {
    const text = this.#bytes.toString('utf8', 0, this.#length);
    return this.#isLonger ? text.slice(0, Math.max(0, text.search(/\s\S*$/))) : text;
  }
}

/** php-fpm says so of a program that it cannot find, or must not run (`security.limit_extensions`). */
const unknownScript = /Primary script unknown|Unable to open primary script/;
const deniedScript = /Access to the script '[^']*' has been denied/;

/** Why the server has not run the program; null: it has, or does not say. */
export function scriptRefusal(text: string): 'unknown' | 'denied' | null {
  if (unknownScript.test(text)) return 'unknown';
  return deniedScript.test(text) ? 'denied' : null;
}
