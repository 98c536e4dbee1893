import { HTAB, isBlank, SP, tokenOctets } from './characters.ts';

const beforeSemicolon = 0;
const beforeName = 1;
const inName = 2;
const afterName = 3;
const beforeValue = 4;
const inToken = 5;
const inQuoted = 6;
const inPair = 7;
const afterValue = 8;

const semicolon = 0x3b;
const equals = 0x3d;
const quote = 0x22;
const backslash = 0x5c;

/**
 * Checks chunk extensions octet by octet (RFC 9112 §7.1.1):
 *
 *     chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )        chunk-ext-val = token / quoted-string
 *
 * They are passed over: we know none, and a recipient must ignore what it does not know.
 */
export class ChunkExtensionReader {
  #place = beforeSemicolon;

  begin(): void {
    this.#place = beforeSemicolon;
  }

  mayBegin(octet: number): boolean {
    return octet === semicolon || octet === SP || octet === HTAB;
  }

  /** Whether the line may end here. White space that no ";" follows may not stand before its end. */
  get mayEnd(): boolean {
    return this.#place === inName || this.#place === inToken || this.#place === afterValue;
  }

  /** Takes one octet. False when it may not stand there. */
  take(octet: number): boolean {
    switch (this.#place) {
      case beforeSemicolon:
        return isBlank(octet) || this.#goIf(octet === semicolon, beforeName);
      case beforeName:
        return isBlank(octet) || this.#goIf(tokenOctets[octet] !== 0, inName);
      case inName:
        return tokenOctets[octet] !== 0 || this.#afterName(octet);
      case afterName:
        return this.#afterName(octet);
      case beforeValue:
        return isBlank(octet) || this.#goIf(octet === quote, inQuoted) || this.#goIf(tokenOctets[octet] !== 0, inToken);
      case inToken:
        return tokenOctets[octet] !== 0 || this.#afterValue(octet);
      case inQuoted:
        return this.#quoted(octet);
      case inPair:
        return this.#goIf(isQuotable(octet), inQuoted);
      default:
        return this.#afterValue(octet);
    }
  }

  #afterName(octet: number): boolean {
    if (isBlank(octet)) return this.#goIf(true, afterName);
    return this.#goIf(octet === semicolon, beforeName) || this.#goIf(octet === equals, beforeValue);
  }

  #afterValue(octet: number): boolean {
    if (isBlank(octet)) return this.#goIf(true, beforeSemicolon);
    return this.#goIf(octet === semicolon, beforeName);
  }

  #quoted(octet: number): boolean {
    if (octet === quote) return this.#goIf(true, afterValue);
    if (octet === backslash) return this.#goIf(true, inPair);
    return isQuotable(octet);
  }

  #goIf(condition: boolean, place: number): boolean {
    if (condition) this.#place = place;
    return condition;
  }
}

/** RFC 9110 §5.6.4: HTAB / SP / VCHAR / obs-text. */
function isQuotable(octet: number): boolean {
  return octet === HTAB || (octet >= SP && octet !== 0x7f);
}
