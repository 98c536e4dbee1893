import { HTAB, isBlank, SP, tokenBytes } from './characters.ts';

const beforeSemicolon = 0;
const beforeName = 1;
const inName = 2;
const afterName = 3;
const beforeValue = 4;
const inToken = 5;
const inQuoted = 6;
const inPair = 7;
const afterValue = 8;

/** By state. Not where a name or a value is missing, nor within quotes. */
const mayEndIn = Uint8Array.of(1, 0, 1, 1, 0, 1, 0, 0, 1);

const semicolon = 0x3b;
const equals = 0x3d;
const quote = 0x22;
const backslash = 0x5c;

/**
 * Checks chunk extensions byte by byte (RFC 9112 §7.1.1):
 *
 *     chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )        chunk-ext-val = token / quoted-string
 *
 * They are passed over: we know none, and a recipient must ignore what it does not know.
 */
export class ChunkExtensionReader {
  #state = beforeSemicolon;

  begin(): void {
    this.#state = beforeSemicolon;
  }

  mayBegin(byte: number): boolean {
    return byte === semicolon || byte === SP || byte === HTAB;
  }

  /**
   * Whether the line may end here. The grammar has no white space before its end, but senders that pad their sizes do (`5  ` CR LF), and every
   * reader counts the same bytes: it is passed over as the BWS before an extension is.
   */
  get mayEnd(): boolean {
    return mayEndIn[this.#state] === 1;
  }

  /** Takes one byte. False when it may not stand there. */
  take(byte: number): boolean {
    switch (this.#state) {
      case beforeSemicolon:
        return isBlank(byte) || this.#goIf(byte === semicolon, beforeName);
      case beforeName:
        return isBlank(byte) || this.#goIf(tokenBytes[byte] !== 0, inName);
      case inName:
        return tokenBytes[byte] !== 0 || this.#afterName(byte);
      case afterName:
        return this.#afterName(byte);
      case beforeValue:
        return isBlank(byte) || this.#goIf(byte === quote, inQuoted) || this.#goIf(tokenBytes[byte] !== 0, inToken);
      case inToken:
        return tokenBytes[byte] !== 0 || this.#afterValue(byte);
      case inQuoted:
        return this.#quoted(byte);
      case inPair:
        return this.#goIf(isQuotable(byte), inQuoted);
      default:
        return this.#afterValue(byte);
    }
  }

  #afterName(byte: number): boolean {
    if (isBlank(byte)) return this.#goIf(true, afterName);
    return this.#goIf(byte === semicolon, beforeName) || this.#goIf(byte === equals, beforeValue);
  }

  #afterValue(byte: number): boolean {
    if (isBlank(byte)) return this.#goIf(true, beforeSemicolon);
    return this.#goIf(byte === semicolon, beforeName);
  }

  #quoted(byte: number): boolean {
    if (byte === quote) return this.#goIf(true, afterValue);
    if (byte === backslash) return this.#goIf(true, inPair);
    return isQuotable(byte);
  }

  #goIf(condition: boolean, state: number): boolean {
    if (condition) this.#state = state;
    return condition;
  }
}

/** RFC 9110 §5.6.4: HTAB / SP / VCHAR / obs-text. */
function isQuotable(byte: number): boolean {
  return byte === HTAB || (byte >= SP && byte !== 0x7f);
}
