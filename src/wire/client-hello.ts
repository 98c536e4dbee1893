/** The part of a TLS ClientHello that decides which certificate the client is shown (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2). */
export interface ClientHello {
  /**
   * The host name that the client asks for (RFC 6066 §3), in lowercase and without a final dot; null: it names none; '': a text that
   * is no host name.
   */
  readonly serverName: string | null;
  /** The protocols that the client offers (RFC 7301), the preferred one first; empty: it offers none. */
  readonly protocols: readonly string[];
  /** The highest version that the client speaks, such as 0x0304 for TLS 1.3. */
  readonly versionMax: number;
}

type ClientHelloReading =
  | { readonly state: 'partial' }
  | { readonly state: 'done'; readonly hello: ClientHello }
  /** The bytes are no ClientHello, or a damaged one. */
  | { readonly state: 'refused' };

/**
 * The body of the message. With keys against quantum computers and a session ticket it has some 2.5 KB; large tickets and several
 * such keys take it beyond 16 KiB, and so into a second record. OpenSSL accepts 128 KiB.
 */
export const clientHelloBytesMax: number = 64 * 1024;

const partial: ClientHelloReading = { state: 'partial' };
const refused: ClientHelloReading = { state: 'refused' };

const handshakeRecord = 0x16;
const clientHelloMessage = 0x01;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
/** RFC 8446 §5.1: the largest plaintext record. */
const recordBytesMax = 1 << 14;

/** Clients use one record, some a few. RFC 8446 §5.1 allows a byte in each; more than these are no ClientHello of any use. */
const recordsMax = 2048;

/** The largest ClientHello that is accepted, with the headers of its records. */
export const clientHelloFlightBytesMax: number =
  messageHeaderBytes + clientHelloBytesMax + recordsMax * recordHeaderBytes;

const serverNameExtension = 0;
const protocolsExtension = 16;
const versionsExtension = 43;

/**
 * Parses the ClientHello at the beginning of bytes [start, end), which may be spread over several records. It is small: with
 * more bytes, call again from its start. It reads only what it needs; the TLS library judges the rest.
 */
export function parseClientHello(bytes: Uint8Array, start: number, end: number): ClientHelloReading {
  const messageEnd = judgeRecords(bytes, start, end);
  if (typeof messageEnd !== 'number') return messageEnd === 'partial' ? partial : refused;
  try {
    return { state: 'done', hello: readMessage(messageReader(bytes, start, messageEnd)) };
  } catch (error) {
    if (error instanceof DamagedMessage) return refused;
    throw error;
  }
}

/**
 * Where the records end that have the whole message. It is asked at each segment of the message, so that nothing is copied
 * here.
 */
function judgeRecords(bytes: Uint8Array, start: number, end: number): number | 'partial' | 'refused' {
  let has = 0;
  let length = 0;
  let at = start;
  for (let records = 0; at < end; records++) {
    if (bytes[at] !== handshakeRecord) return 'refused';
    if (end - at >= 2 && bytes[at + 1] !== 3) return 'refused';
    if (end - at < recordHeaderBytes) break;
    const recordBytes = recordLength(bytes, at);
    if (records === recordsMax || recordBytes === 0 || recordBytes > recordBytesMax) return 'refused';
    const from = at + recordHeaderBytes;
    const to = Math.min(end, from + recordBytes);
    for (let index = from; index < to && has + index - from < messageHeaderBytes; index++) {
      const isType = has + index === from;
      if (isType && bytes[index] !== clientHelloMessage) return 'refused';
      if (!isType) length = (length << 8) | (bytes[index] as number);
    }
    has += to - from;
    if (has >= messageHeaderBytes && length > clientHelloBytesMax) return 'refused';
    if (has >= messageHeaderBytes + length) return to;
    at = from + recordBytes;
  }
  return 'partial';
}

/** Reads what the records in bytes [start, end) carry; nearly always it is one record, which is read where it lies. */
function messageReader(bytes: Uint8Array, start: number, end: number): ByteReader {
  const first = start + recordHeaderBytes;
  if (first + recordLength(bytes, start) >= end) return new ByteReader(bytes, first, end);
  const fragments: Uint8Array[] = [];
  for (let at = start; at < end; at += recordHeaderBytes + recordLength(bytes, at)) {
    const from = at + recordHeaderBytes;
    fragments.push(bytes.subarray(from, Math.min(end, from + recordLength(bytes, at))));
  }
  const message = Buffer.concat(fragments);
  return new ByteReader(message, 0, message.length);
}

function recordLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
}

function readMessage(message: ByteReader): ClientHello {
  message.skip(1);
  const body = message.part(message.number(3));
  const legacyVersion = body.number(2);
  body.skip(32); // random
  body.skip(body.number(1)); // session id
  body.skip(body.number(2)); // cipher suites
  body.skip(body.number(1)); // compression methods
  let serverName: string | null = null;
  let protocols: readonly string[] = [];
  let versionMax = legacyVersion;
  // A ClientHello of TLS 1.2 may end here.
  const extensions = body.isAtEnd ? body : body.part(body.number(2));
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const extension = extensions.part(extensions.number(2));
    if (type === serverNameExtension) serverName = readServerName(extension);
    else if (type === protocolsExtension) protocols = readProtocols(extension);
    else if (type === versionsExtension) versionMax = readVersions(extension, legacyVersion);
  }
  return { serverName, protocols, versionMax };
}

const hostName = /^[a-z0-9_](?:[a-z0-9_.-]{0,252})$/;

const ipv6Address = /^\[?[\da-f.]*:[\da-f.:]*\]?$/;

const ipv4Address = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * RFC 6066 §3: the only type of name is the host name. An address may not stand there, although some clients send it: it is
 * treated as if it were absent.
 */
function readServerName(extension: ByteReader): string | null {
  if (extension.isAtEnd) return null;
  const names = extension.part(extension.number(2));
  while (!names.isAtEnd) {
    const type = names.number(1);
    const text = names.part(names.number(2)).text().toLowerCase();
    if (type !== 0) continue;
    const name = text.endsWith('.') ? text.slice(0, -1) : text;
    if (hostName.test(name)) return ipv4Address.test(name) ? null : name;
    return ipv6Address.test(name) ? null : '';
  }
  return null;
}

function readProtocols(extension: ByteReader): readonly string[] {
  const list = extension.part(extension.number(2));
  const protocols: string[] = [];
  while (!list.isAtEnd) protocols.push(list.part(list.number(1)).text());
  return protocols;
}

/** RFC 8446 §4.2.1. Values like 0x?a?a are no versions: clients send them to keep servers tolerant (RFC 8701). */
function readVersions(extension: ByteReader, legacyVersion: number): number {
  const list = extension.part(extension.number(1));
  let max = 0;
  while (!list.isAtEnd) {
    const version = list.number(2);
    if (version >> 8 === 3 && version > max) max = version;
  }
  return max === 0 ? legacyVersion : max;
}

class DamagedMessage extends Error {}

/**
 * Reads numbers and parts in order; throws `DamagedMessage` where the bytes end too early. It refers to the bytes by their
 * positions: a subarray of each part took most of the time of a ClientHello.
 */
class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** An unsigned number of 1 to 3 bytes, the highest first. */
  number(bytes: number): number {
    const at = this.#take(bytes);
    let value = 0;
    for (let index = at; index < at + bytes; index++) value = (value << 8) | (this.#bytes[index] as number);
    return value;
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  part(bytes: number): ByteReader {
    const at = this.#take(bytes);
    return new ByteReader(this.#bytes, at, at + bytes);
  }

  /** The rest, each byte as a character. */
  text(): string {
    return latin1Slice.call(this.#bytes, this.#at, this.#end);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw new DamagedMessage();
    this.#at += bytes;
    return at;
  }
}

/** Node's own, for any array of bytes: a `Buffer` of them would be another object. */
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};
