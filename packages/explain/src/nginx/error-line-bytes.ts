import { digits } from '../byte-classes.ts';

/** Bytes that make a word: printable ASCII without blanks, quotes and backslashes. */
const wordBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
);

const bytesOf = (form: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (form.test(String.fromCharCode(byte)) ? 1 : 0));

const addressBytes = bytesOf(/[\da-f.:]/);
const letters = bytesOf(/[a-z]/);
/** What ends the authority of a URL. */
const pathStarts = bytesOf(/[/?#]/);

const codes = (text: string): Uint8Array => new TextEncoder().encode(text);

const marks = {
  client: codes(', client: '),
  server: codes(', server: '),
  kong: codes('kong'),
  request: codes(', request: "'),
  upstream: codes(', upstream: "'),
  authority: codes('://'),
  host: codes(', host: "'),
  referrer: codes(', referrer: "'),
};

const [lf, space, quote, hash, asterisk, comma, colon, bracket, closing, letterU] = [
  0x0a, 0x20, 0x22, 0x23, 0x2a, 0x2c, 0x3a, 0x5b, 0x5d, 0x75,
] as const;

/** "2026/11/21 21:59:48" */
export const timeBytes = 19;

/** Messages up to this length are remembered by the slow path, too. */
const messageBytesMax = 500;

const hostBytesMax = 255;

/** So many digits make an exact number. */
const connectionDigitsMax = 15;

/** The positions of a text in the bytes of a line; and its hash, for texts that repeat. */
export interface ByteRange {
  start: number;
  end: number;
  hash: number;
}

const range = (): ByteRange => ({ start: 0, end: 0, hash: 0 });

/** The letters of an upstream's scheme. */
const schemeBytesMax = 12;

/**
 * Finds the parts of a line of nginx's error log in its bytes: `2026/11/21 21:59:48 [error] 812#812: *42 connect() failed
 * (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: example.org, request: "GET /
 * HTTP/1.1", upstream: "http://10.0.0.1:8080/", host: "example.org"`. Reads only the plainest lines, in which no part could
 * be mistaken for another. The bytes must have a line feed somewhere after the beginning.
 */
export class ErrorLineBytes {
  /** The level's letters as a number. */
  level = 0;
  connection = 0;
  readonly message = range();
  readonly client = range();
  readonly request = range();
  /** Empty if the line names none. */
  readonly upstream = range();
  /** Its scheme, address and port. */
  readonly origin = range();
  readonly host = range();
  /** The position of the line feed. */
  end = 0;
  #at = 0;

  /** False if the line is not of this form. */
  read(bytes: Uint8Array, start: number): boolean {
    return (
      this.#readHead(bytes, start + timeBytes) &&
      this.#readMessage(bytes) &&
      this.#readClient(bytes) &&
      this.#readServer(bytes) &&
      this.#readRequest(bytes) &&
      this.#readUpstream(bytes) &&
      this.#readHost(bytes) &&
      this.#readEnd(bytes)
    );
  }

  /** ` [error] 812#812: *42 ` */
  #readHead(bytes: Uint8Array, start: number): boolean {
    if (bytes[start] !== space || bytes[start + 1] !== bracket) return false;
    let i = start + 2;
    let level = 0;
    for (; i < start + 8 && (bytes[i] as number) >= 0x61 && (bytes[i] as number) <= 0x7a; i++)
      level = level * 32 + (bytes[i] as number) - 0x60;
    this.level = level;
    if (bytes[i] !== closing || bytes[i + 1] !== space) return false;
    const process = endOfDigits(bytes, i + 2, 10);
    if (process < 0 || bytes[process] !== hash) return false;
    const thread = endOfDigits(bytes, process + 1, 10);
    if (thread < 0 || bytes[thread] !== colon || bytes[thread + 1] !== space || bytes[thread + 2] !== asterisk)
      return false;
    return this.#readConnection(bytes, thread + 3);
  }

  #readConnection(bytes: Uint8Array, start: number): boolean {
    const end = endOfDigits(bytes, start, connectionDigitsMax);
    // With a zero before it, two texts would be one number.
    if (end < 0 || bytes[start] === 0x30 || bytes[end] !== space) return false;
    let connection = 0;
    for (let i = start; i < end; i++) connection = connection * 10 + (bytes[i] as number) - 0x30;
    this.connection = connection;
    this.#at = end + 1;
    return true;
  }

  #readMessage(bytes: Uint8Array): boolean {
    const start = this.#at;
    const endMax = start + messageBytesMax;
    let value = this.level;
    let i = start;
    for (; i <= endMax; i++) {
      const byte = bytes[i] as number;
      if (byte < 0x20 || byte > 0x7e || byte === quote) return false;
      if (byte === comma && isAt(bytes, i, marks.client)) break;
      // A line may begin at such a bracket; two blanks may hide one.
      if (byte === space && (bytes[i + 1] === bracket || bytes[i + 1] === space)) return false;
      value = (Math.imul(value, 31) + byte) | 0;
    }
    this.#at = i;
    return i <= endMax && set(this.message, start, i, value);
  }

  #readClient(bytes: Uint8Array): boolean {
    const start = this.#at + marks.client.length;
    let i = start;
    while (addressBytes[bytes[i] as number] === 1) i += 1;
    this.#at = i;
    return i - start >= 3 && i - start <= 45 && set(this.client, start, i, 0);
  }

  /** Nothing is made of the server, except that its name shows Kong. */
  #readServer(bytes: Uint8Array): boolean {
    if (!isAt(bytes, this.#at, marks.server)) return false;
    let i = this.#at + marks.server.length;
    if (isAt(bytes, i, marks.kong)) return false;
    while (wordBytes[bytes[i] as number] === 1 && bytes[i] !== comma) i += 1;
    this.#at = i;
    return true;
  }

  #readRequest(bytes: Uint8Array): boolean {
    if (!isAt(bytes, this.#at, marks.request)) return false;
    const start = this.#at + marks.request.length;
    let i = start;
    while (wordBytes[bytes[i] as number] === 1 || isPlainBlank(bytes, i)) i += 1;
    this.#at = i + 1;
    return bytes[i] === quote && set(this.request, start, i, 0);
  }

  #readUpstream(bytes: Uint8Array): boolean {
    set(this.upstream, 0, 0, 0);
    if (bytes[this.#at + 2] !== letterU) return true;
    if (!isAt(bytes, this.#at, marks.upstream)) return false;
    const start = this.#at + marks.upstream.length;
    let i = start;
    while (letters[bytes[i] as number] === 1) i += 1;
    if (i === start || i - start > schemeBytesMax || !isAt(bytes, i, marks.authority)) return false;
    i += marks.authority.length;
    while (wordBytes[bytes[i] as number] === 1 && pathStarts[bytes[i] as number] !== 1) i += 1;
    set(this.origin, start, i, hashOf(bytes, start, i));
    // The slow path takes `unix:` anywhere for a socket.
    while (wordBytes[bytes[i] as number] === 1 && bytes[i] !== colon) i += 1;
    this.#at = i + 1;
    return bytes[i] === quote && set(this.upstream, start, i, 0);
  }

  #readHost(bytes: Uint8Array): boolean {
    if (!isAt(bytes, this.#at, marks.host)) return false;
    const start = this.#at + marks.host.length;
    const end = endOfWord(bytes, start);
    this.#at = end + 1;
    const isHost = bytes[end] === quote && end > start && end - start <= hostBytesMax;
    return isHost && set(this.host, start, end, hashOf(bytes, start, end));
  }

  /** After the host, only a referrer may follow. */
  #readEnd(bytes: Uint8Array): boolean {
    let i = this.#at;
    if (bytes[i] === comma) {
      if (!isAt(bytes, i, marks.referrer)) return false;
      i = endOfWord(bytes, i + marks.referrer.length);
      if (bytes[i] !== quote) return false;
      i += 1;
    }
    this.end = i;
    return bytes[i] === lf;
  }
}

function set(into: ByteRange, start: number, end: number, value: number): true {
  into.start = start;
  into.end = end;
  into.hash = value;
  return true;
}

function isAt(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  for (let i = 0; i < mark.length; i++) if (bytes[at + i] !== mark[i]) return false;
  return true;
}

function endOfWord(bytes: Uint8Array, at: number): number {
  let i = at;
  while (wordBytes[bytes[i] as number] === 1) i += 1;
  return i;
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = (Math.imul(value, 31) + (bytes[i] as number)) | 0;
  return value;
}

/** -1 without digits, or with more. */
function endOfDigits(bytes: Uint8Array, at: number, digitsMax: number): number {
  let i = at;
  while (digits[bytes[i] as number] === 1) i += 1;
  return i > at && i - at <= digitsMax ? i : -1;
}

/** A single blank, which neither ends the name of a field nor begins a line. */
function isPlainBlank(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === space && bytes[at - 1] !== comma && bytes[at + 1] !== space && bytes[at + 1] !== bracket;
}
