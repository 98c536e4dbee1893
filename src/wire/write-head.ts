import type { HeaderFilter } from '../core/header-names.ts';
import type { MessageHeaders, HttpVersion, OutgoingRequest, OutgoingResponse } from '../core/message.ts';
import type { ByteWriter } from './byte-writer.ts';
import { reasonPhrase, reasonPhrases } from './reason-phrases.ts';

/** How a body is framed towards the client. 'none': no byte of a body may follow the head. */
export type ResponseFraming = 'none' | 'length' | 'chunked' | 'until-close';

/** What the writer of a head needs to know of the client's connection. */
interface ClientConnectionFacts {
  /** Whether it may live on after this response. */
  readonly persistent: boolean;
  readonly version: HttpVersion;
}

/** "HTTP/1.1 200 OK" CR LF and so on: made once. */
const statusLines: readonly (string | undefined)[] = Array.from({ length: 600 }, (_, status) =>
  reasonPhrases.has(status) ? `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n` : undefined,
);

/**
 * Writes a request head to an endpoint (RFC 9112 §3): always HTTP/1.1, with our own Host and our own framing, whatever
 * the client's was, and what it wants of this connection: another protocol, trailers, its end (`isLast`).
 */
export function writeRequestHead(writer: ByteWriter, request: OutgoingRequest, isLast = false): void {
  writer.text(request.method);
  writer.text(' ');
  writer.text(request.target);
  writer.text(' HTTP/1.1\r\nHost: ');
  writer.text(request.authority);
  writer.text('\r\n');
  request.writeHeaders(writer);
  if (request.upgrade !== null || request.takesTrailers || isLast) writeConnectionOptions(writer, request, isLast);
  writeRequestFraming(writer, request);
  writer.text('\r\n');
}

/**
 * RFC 9110 §7.8 and §10.1.4: both are for one connection, so Connection names them. A request for an upgrade asks for no
 * end: a connection that has changed its protocol serves no other request anyway.
 */
function writeConnectionOptions(
  writer: ByteWriter,
  { upgrade, webSocketKey = null, takesTrailers }: OutgoingRequest,
  isLast: boolean,
): void {
  if (upgrade !== null) writer.header('Upgrade', upgrade);
  if (webSocketKey !== null) writer.header('Sec-WebSocket-Key', webSocketKey);
  if (takesTrailers) writer.text('TE: trailers\r\n');
  if (upgrade === null && isLast) writer.text(takesTrailers ? 'Connection: close, TE\r\n' : 'Connection: close\r\n');
  else if (upgrade === null) writer.text('Connection: TE\r\n');
  else writer.text(takesTrailers ? 'Connection: upgrade, TE\r\n' : 'Connection: upgrade\r\n');
}

function writeRequestFraming(writer: ByteWriter, { method, framing }: OutgoingRequest): void {
  switch (framing.kind) {
    case 'length':
      return writeLength(writer, framing.bytes);
    case 'none':
      // RFC 9110 §8.6: where the method gives a body a meaning, say that there is none; some servers answer 411 else.
      if (method === 'POST' || method === 'PUT' || method === 'PATCH') writeLength(writer, 0);
      return;
    case 'chunked':
    case 'until-close': // A request cannot end with its connection (RFC 9112 §6.3); HTTP/2's open end becomes chunks.
      return writer.text('Transfer-Encoding: chunked\r\n');
  }
}

/**
 * Writes a final response's head to an HTTP/1 client, always as HTTP/1.1 (RFC 9110 §2.5), and returns how the body is to
 * follow. RFC 9112 §6.3 in the other direction: none to HEAD, 204 and 304; by length where it is known; chunked to a
 * client that knows it; else to the end of the connection, which the caller must then close.
 */
export function writeResponseHead(
  writer: ByteWriter,
  response: OutgoingResponse,
  connection: ClientConnectionFacts,
  method: string,
): ResponseFraming {
  writeStatusLine(writer, response.status, response.reason);
  response.writeHeaders(writer);
  const framing = framingTowards(response, connection.version, method);
  writeResponseFraming(writer, response, framing, method);
  if (response.status === 426 && response.upgrade !== null) {
    writeRequiredUpgrade(writer, connection, framing, response.upgrade);
  } else if (response.status >= 200) writeConnection(writer, connection, framing);
  writer.text('\r\n');
  return framing;
}

/** Writes an interim response (RFC 9110 §15.2): no framing, its headers but for those in `drop`. Not for HTTP/1.0 clients. */
export function writeInformation(
  writer: ByteWriter,
  status: number,
  headers: MessageHeaders,
  drop: HeaderFilter,
): void {
  writeStatusLine(writer, status, reasonPhrase(status));
  headers.writeTo(writer, drop);
  writer.text('\r\n');
}

/** Writes the 101 after which the connection speaks `protocol` (RFC 9110 §15.2.2). */
export function writeSwitchHead(writer: ByteWriter, protocol: string, response: OutgoingResponse): void {
  writeStatusLine(writer, 101, response.reason);
  response.writeHeaders(writer);
  writer.header('Upgrade', protocol);
  writer.text('Connection: upgrade\r\n\r\n');
}

/** An endpoint's own phrase is kept: clients must ignore it, but it may help people. */
function writeStatusLine(writer: ByteWriter, status: number, reason: string): void {
  const line = statusLines[status];
  if (line !== undefined && reason === reasonPhrase(status)) return writer.text(line);
  writer.text(`HTTP/1.1 ${status} ${reason}\r\n`);
}

function framingTowards(response: OutgoingResponse, version: HttpVersion, method: string): ResponseFraming {
  const { status, framing } = response;
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  switch (framing.kind) {
    case 'none':
      return 'none';
    case 'length':
      return 'length';
    case 'chunked':
    case 'until-close':
      return version === 'HTTP/1.0' ? 'until-close' : 'chunked';
  }
}

function writeResponseFraming(
  writer: ByteWriter,
  response: OutgoingResponse,
  framing: ResponseFraming,
  method: string,
): void {
  const { status } = response;
  if (framing === 'chunked') return writer.text('Transfer-Encoding: chunked\r\n');
  if (framing === 'until-close') return;
  if (framing === 'length') {
    return writeLength(writer, response.framing.kind === 'length' ? response.framing.bytes : 0);
  }
  // RFC 9110 §8.6: never with 1xx and 204; with HEAD and 304 the length that the body would have, if we know it.
  if (status < 200 || status === 204) return;
  if (method === 'HEAD' || status === 304) {
    if (response.contentLength >= 0) writeLength(writer, response.contentLength);
    return;
  }
  writeLength(writer, 0);
}

function writeConnection(writer: ByteWriter, connection: ClientConnectionFacts, framing: ResponseFraming): void {
  // RFC 9112 §9.3 and §9.6: send only what is not the default of the client's version.
  if (!connection.persistent || framing === 'until-close') writer.text('Connection: close\r\n');
  else if (connection.version === 'HTTP/1.0') writer.text('Connection: keep-alive\r\n');
}

/** RFC 9110 §15.5.22: a 426 names its protocols, and Connection says that Upgrade is for one hop (§7.8). */
function writeRequiredUpgrade(
  writer: ByteWriter,
  connection: ClientConnectionFacts,
  framing: ResponseFraming,
  protocols: string,
): void {
  writer.header('Upgrade', protocols);
  if (!connection.persistent || framing === 'until-close') writer.text('Connection: close, upgrade\r\n');
  else if (connection.version === 'HTTP/1.0') writer.text('Connection: keep-alive, upgrade\r\n');
  else writer.text('Connection: upgrade\r\n');
}

function writeLength(writer: ByteWriter, bytes: number): void {
  if (bytes < 64) return writer.text(shortLengths[bytes] as string);
  writer.text('Content-Length: ');
  writer.count(bytes);
  writer.text('\r\n');
}

const shortLengths: readonly string[] = Array.from({ length: 64 }, (_, bytes) => `Content-Length: ${bytes}\r\n`);
