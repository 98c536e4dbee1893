import type { CgiFacts } from './cgi.ts';
import type { ContentKind } from './content-kind.ts';
import type { HeaderFilter } from './header-names.ts';

/**
 * Messages as the exchange sees them: no protocol version shows through. HTTP/1 and HTTP/2 back these with spans of
 * bytes; the exchange cannot tell which.
 */
export interface MessageHeaders {
  /** All values of a header, joined by ", " (RFC 9110 §5.3); null when there is none. `name` is lowercase. */
  get(name: string): string | null;
  has(name: string): boolean;
  /** As `has`, by the number of a known name (`header-names.ts`): one comparison. */
  hasId(id: number): boolean;
  /** Of all header lines; absent: not known. */
  readonly byteLength?: number;
  /** What the content is, by Content-Type, without a string being made: see `content-kind.ts`. */
  contentKind(): ContentKind;
  /** Every header line in order, names lowercase. */
  each(visit: (name: string, value: string) => void): void;
  /** Writes every header line that `drop` does not have, in order. */
  writeTo(sink: HeaderSink, drop: HeaderFilter): void;
}

/** Receives headers. */
export interface HeaderSink {
  header(name: string, value: string): void;
  /** Whole header lines in HTTP/1 form with their CR LF, already checked. */
  headerLines(bytes: Uint8Array, start: number, end: number): void;
}

interface WritesHeaders {
  writeHeaders(sink: HeaderSink): void;
}

/** How the end of a message's body is found (RFC 9112 §6.3; HTTP/2 knows `length` and `until-end`). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' } // ends with the last chunk
  | { readonly kind: 'until-close' }; // ends with the connection

export const noBody: Framing = { kind: 'none' };
export const chunkedBody: Framing = { kind: 'chunked' };
export const bodyUntilClose: Framing = { kind: 'until-close' };

/** Whether a message ends with its head. */
export function hasNoBody(framing: Framing): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0);
}

/** Whether the framing announces exactly `bytes` bytes of a body. */
export function isContentLength(framing: Framing, bytes: number): boolean {
  return framing.kind === 'length' && framing.bytes === bytes;
}

export type HttpVersion = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

export interface RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and port as the client sent them, lowercase; '' if an HTTP/1.0 client sent none. */
  readonly authority: string;
  /** Path and query in origin-form (or "*"), as sent, but for bytes of the query that a URL may not have: they are percent-encoded. */
  readonly target: string;
  readonly version: HttpVersion;
  readonly headers: MessageHeaders;
  readonly framing: Framing;
  /** The protocols that the client asks to change to, by preference (RFC 9110 §7.8, RFC 8441); null: none. */
  readonly upgrade: string | null;
  /** Whether the client says that it accepts trailers (`TE: trailers`, RFC 9110 §10.1.4). */
  readonly takesTrailers: boolean;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly version: HttpVersion;
  readonly headers: MessageHeaders;
  readonly framing: Framing;
  /** The value of Content-Length, even if no body follows (HEAD, 304); −1 without the header. */
  readonly contentLength: number;
}

/** A request as it is sent to the endpoint. */
export interface OutgoingRequest extends WritesHeaders {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
  readonly framing: Framing;
  readonly upgrade: string | null;
  /** The Sec-WebSocket-Key of the gateway's own, which an HTTP/1.1 endpoint needs and an HTTP/2 client does not send (RFC 8441 §5). */
  readonly webSocketKey?: string | null;
  readonly takesTrailers: boolean;
  /** For endpoints that are asked by CGI variables; null or absent: the request is of no client. */
  cgi?(): CgiFacts | null;
}

/** A response as it is sent to the client. */
export interface OutgoingResponse extends WritesHeaders {
  readonly status: number;
  /** The protocols that the client must change to, if the status is 426 (RFC 9110 §15.5.22); null: none. */
  readonly upgrade: string | null;
  /** When the response is to be sent among others on its connection (the header Priority, RFC 9218); null: it does not say. */
  readonly priority: string | null;
  readonly reason: string;
  readonly framing: Framing;
  readonly contentLength: number;
}

/**
 * Owned bytes belong to the receiver; those that came in a large read only until it lets their sender go on. Borrowed ones are valid during the call only; those of a response until its read
 * is over (`onResponseReadDone`, or the end of the stream), so that a small response can be held without a copy.
 */
export type Ownership = 'borrowed' | 'owned';

/** The properties of a side's protocol that an exchange uses. */
export interface Capabilities {
  /** The protocol's ALPN name (RFC 7301), for `next-protocol` of Proxy-Status. */
  readonly protocol: string;
  /** Several exchanges share a connection. gRPC needs this: only such a client can be answered by trailers alone. */
  readonly multiplexed: boolean;
  /** Trailers can follow the body. If not, `Trailer`, which announces them, is not forwarded. */
  readonly trailers: boolean;
}
