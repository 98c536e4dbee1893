import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { TlsFacts } from '../core/transport.ts';
import { recordVersion } from '../core/record.ts';
import { protocolDefault } from '../core/record-defaults.ts';
import { hidesSecret } from '../redact/target.ts';
import { decimalsMsMax, exactMs } from './json-text.ts';
import type { LineBytes } from './line-bytes.ts';
import { recordLimits } from './limits.ts';
import { isSuccess, type SuccessTimes } from './success-times.ts';

/** Fragments that the writer prepares for lines with common parts. */
export interface OrdinaryParts {
  /** From `"process"` to `"path":"`, where this client was answered likewise twice before; else null. */
  cachedPrefix(exchange: EndedExchange): Uint8Array | null;
  /** From `"process"` to `"application"`. */
  origin(exchange: EndedExchange): Uint8Array;
  /** `"tls"`. */
  tls(tls: TlsFacts, exchange: EndedExchange): Uint8Array;
  endpoint(attempt: AttemptFacts, exchange: EndedExchange): EndpointBytes;
  /** RFC 3339, valid until the next call. */
  timestamp(wallTime: number): Uint8Array;
  /** No parameter of a query is allowed to keep its value. */
  readonly keepsNoValues: boolean;
  /** The redacted query, in quotes; null if it cannot be written this way. */
  query(query: string): string | null;
  /** From `"shape"` to `"evidence"`; null if that is long, or not the same for failures that are alike. */
  failure(failure: Failure, exchange: EndedExchange): Uint8Array | null;
  /** The member `"gateway_state"` of a failure; null if it is long. */
  gatewayState(exchange: EndedExchange): string | null;
  /** Reused for each line. */
  readonly times: SuccessTimes;
}

/** What a line says of an endpoint, from `"release"` to `"reused"`. */
export interface EndpointBytes {
  readonly bytes: Uint8Array;
  /** The upstream that readers take from the endpoint's name; null if they cannot. */
  readonly upstream: string | null;
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const beginning = ascii(`{"v":${recordVersion},"id":"`);
const traceId = ascii('","trace_id":"');
const at = ascii('","at":"');
const quote = ascii('"');
const clientAddress = ascii(',"client":{"address":"');
const clientPort = ascii('","port":');
const clientPeer = ascii(',"peer":"');
const clientProtocol = ascii(',"protocol":"');
const closing = ascii('}');
const method = ascii(',"method":"');
const schemeHttps = ascii(',"scheme":"https"');
const schemeHttp = ascii(',"scheme":"http"');
const host = ascii(',"host":"');
const path = ascii('","path":"');
const query = ascii('","query":');
const idle = ascii(',"idle_ms":');
const started = ascii(',"started_ms":');
const connected = ascii(',"connected_ms":');
const sent = ascii(',"sent_ms":');
const head = ascii(',"head_ms":');
const ended = ascii(',"ended_ms":');
const status = ascii('}],"status":');
const turn = ascii(',"turn_ms":');
const ownStatus = ascii(',"status":');
const generated = ascii(',"delivery":"not_sent","end":"generated"');
const bytesIn = ascii(',"bytes_in":');
const bytesOut = ascii(',"bytes_out":');
const duration = ascii(',"duration_ms":');
const ending = ascii('}\n');
const noFailure = new Uint8Array(0);

/** Of a failure, and of the state of the gateway, in a line that is written as bytes. */
export const failureBytesMax = 2048;

/** Path, query (redacted, each letter may become \\u2026) and host at their limits, a failure, and 4 KiB of everything else. */
export const ordinaryBytesMax =
  recordLimits.path + 4 * recordLimits.query + recordLimits.host + 2 * failureBytesMax + 4096;

/** A success without anything rare: nearly every exchange. And what the gateway has refused by itself, which comes in floods. */
export function isOrdinary(exchange: EndedExchange): boolean {
  return (isSuccess(exchange) ? isOrdinaryForwarded(exchange) : isOwnAnswer(exchange)) && hasOrdinaryFacts(exchange);
}

function isOrdinaryForwarded(exchange: EndedExchange): boolean {
  const { statusReceived } = exchange;
  const attempt = exchange.attempts[0] as AttemptFacts;
  return (
    exchange.delivery === 'response_started' &&
    exchange.statusSent === statusReceived &&
    attempt.status === statusReceived &&
    !attempt.retry &&
    attempt.retryReason === 'accepted' &&
    (attempt.surplusBytes ?? 0) === 0 &&
    (attempt.errorText ?? '') === '' &&
    hasOrdinaryTimes(attempt)
  );
}

/**
 * The gateway itself has answered, with a file, by its configuration, or with a refusal. In profiles the line as text had taken 6 of the 33 µs of a
 * small file, and a third of a refusal.
 */
function isOwnAnswer(exchange: EndedExchange): boolean {
  return (
    exchange.attempts.length === 0 &&
    exchange.endKind === 'generated' &&
    exchange.tunnel === null &&
    exchange.release === null &&
    exchange.delivery === 'not_sent' &&
    exchange.statusSent > 0 &&
    exchange.statusReceived === 0
  );
}

function hasOrdinaryFacts(exchange: EndedExchange): boolean {
  return (
    (exchange.recordedHeaders ?? null) === null &&
    (exchange.recording ?? null) === null &&
    (exchange.filterMs === undefined || exchange.filterMs < 0) &&
    (exchange.bodyMs === undefined || exchange.bodyMs < 0) &&
    (exchange.waitedMs === undefined || exchange.waitedMs < 0) &&
    (exchange.session ?? null) === null &&
    (exchange.user ?? null) === null &&
    exchange.pageReplaced !== true &&
    (exchange.drawnUpstream ?? '') === '' &&
    (exchange.grpcStatus ?? null) === null &&
    exchange.endedAt - exchange.startedAt < decimalsMsMax &&
    exchange.id.length <= recordLimits.id &&
    exchange.traceId.length <= recordLimits.id &&
    exchange.target.length <= recordLimits.path &&
    exchange.method.length <= recordLimits.method &&
    exchange.authority.length <= recordLimits.host
  );
}

/** It was sent and answered over a kept connection, or over a new one without a wait, a look-up and a handshake. */
function hasOrdinaryTimes(attempt: AttemptFacts): boolean {
  const { queuedMs = -1, connectedMs, dnsMs, tlsMs, sentMs, headMs, endedMs, startedMs } = attempt;
  return (
    !(queuedMs >= 0) &&
    !(dnsMs >= 0) &&
    !(tlsMs >= 0) &&
    (attempt.reused ? !(connectedMs >= 0) : connectedMs >= 0 && connectedMs < decimalsMsMax) &&
    sentMs >= 0 &&
    sentMs < decimalsMsMax &&
    headMs >= 0 &&
    headMs < decimalsMsMax &&
    endedMs < decimalsMsMax &&
    startedMs < decimalsMsMax
  );
}

/**
 * Writes the line of an ordinary exchange as bytes: the same line that `RecordWriter.line` returns as text, at a
 * fraction of the cost and without garbage (`bench/record.ts`). False if a text needs escaping, or the upstream is not that
 * of the endpoint's name; then nothing has been written.
 */
export function writeOrdinary(line: LineBytes, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  const attempt = exchange.attempts[0];
  const endpoint = attempt === undefined ? null : parts.endpoint(attempt, exchange);
  if (endpoint !== null && endpoint.upstream !== exchange.upstream) return false;
  if (hidesSecret(exchange.target)) return false;
  line.fragment(beginning);
  if (!line.plain(exchange.id)) return false;
  if (!writeTraceId(line, exchange.traceId)) return false;
  line.fragment(parts.timestamp(exchange.startedWall));
  line.fragment(quote);
  const cachedPrefix = parts.cachedPrefix(exchange);
  if (cachedPrefix !== null) line.fragment(cachedPrefix);
  else if (!writePrefix(line, exchange, parts)) return false;
  if (!writeTarget(line, exchange.target, parts)) return false;
  writeTurn(line, exchange);
  if (attempt === undefined || endpoint === null) return writeOwnEnd(line, exchange, parts);
  line.fragment(endpoint.bytes);
  noteTimes(line, attempt, exchange, parts.times);
  noteEnd(line, exchange);
  line.writeNumbers();
  line.fragment(ending);
  return true;
}

/** While the gateway has more to do than it can, nearly every request waits for its turn. */
function writeTurn(line: LineBytes, { turnMs = -1 }: EndedExchange): void {
  if (!(turnMs >= 0)) return;
  line.fragment(turn);
  line.ascii(String(exactMs(turnMs)));
}

/** From `"status"` on, of an answer of the gateway itself; false if what it says of a failure is long. */
function writeOwnEnd(line: LineBytes, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  const { failure } = exchange;
  const failed = failure === null ? noFailure : parts.failure(failure, exchange);
  const state = failure === null ? '' : parts.gatewayState(exchange);
  if (failed === null || state === null) return false;
  line.fragment(ownStatus);
  line.digits(exchange.statusSent);
  line.fragment(failed);
  line.fragment(generated);
  noteBytes(line, exchange);
  line.writeNumbers();
  line.fragment(duration);
  line.ascii(String(exactMs(exchange.endedAt - exchange.startedAt)));
  line.ascii(state);
  line.fragment(ending);
  return true;
}

/** From `"trace_id"` to the beginning of the time; false if the id needs escaping. */
function writeTraceId(line: LineBytes, id: string): boolean {
  if (id !== '') {
    line.fragment(traceId);
    if (!line.plain(id)) return false;
  }
  line.fragment(at);
  return true;
}

/** False if a text needs escaping. */
function writePrefix(line: LineBytes, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  line.fragment(parts.origin(exchange));
  if (!writeClient(line, exchange)) return false;
  const { tls, scheme } = exchange.client;
  if (tls !== null) line.fragment(parts.tls(tls, exchange));
  if (exchange.method !== 'GET') {
    line.fragment(method);
    if (!line.plain(exchange.method)) return false;
    line.fragment(quote);
  }
  if (scheme !== (tls === null ? 'http' : 'https')) line.fragment(scheme === 'http' ? schemeHttp : schemeHttps);
  line.fragment(host);
  if (!line.openStart(exchange.authority, exchange.authority.length)) return false;
  line.fragment(path);
  return true;
}

/** The member of a client of which no record may follow. False if a text is too long or needs escaping. */
function writeClient(line: LineBytes, { client, version }: EndedExchange): boolean {
  const { address, port, peerAddress } = client;
  if (address.length > recordLimits.name || peerAddress.length > recordLimits.name) return false;
  line.fragment(clientAddress);
  if (!line.plain(address)) return false;
  line.fragment(clientPort);
  line.digits(port);
  if (peerAddress !== address) {
    line.fragment(clientPeer);
    if (!line.plain(peerAddress)) return false;
    line.fragment(quote);
  }
  if (version !== protocolDefault) {
    line.fragment(clientProtocol);
    line.ascii(version);
    line.fragment(quote);
  }
  line.fragment(closing);
  return true;
}

function writeTarget(line: LineBytes, target: string, parts: OrdinaryParts): boolean {
  const questionMark = target.indexOf('?');
  if (!line.openStart(target, questionMark === -1 ? target.length : questionMark)) return false;
  if (questionMark === -1) {
    line.fragment(quote);
    return true;
  }
  line.fragment(query);
  const start = questionMark + 1;
  const length = target.length - start;
  if (parts.keepsNoValues && length <= recordLimits.query && line.redactedQuery(target, start)) return true;
  const text = parts.query(target.slice(start));
  if (text !== null) line.ascii(text);
  return text !== null;
}

/** Each time that is not the default of its key. */
function noteTimes(line: LineBytes, attempt: AttemptFacts, exchange: EndedExchange, times: SuccessTimes): void {
  const durationMs = fromZero(exchange.endedAt - exchange.startedAt);
  times.reduce(attempt, durationMs);
  const { idleMs, startedMs, connectedMs, sentMs, headMs, endedMs } = times;
  if (idleMs >= 0) line.number(idle, idleMs);
  if (startedMs > 0) line.number(started, startedMs);
  if (connectedMs >= 0 && connectedMs !== startedMs) line.number(connected, connectedMs);
  if (sentMs !== (connectedMs >= 0 ? connectedMs : startedMs)) line.number(sent, sentMs);
  if (headMs !== endedMs) line.number(head, headMs);
  if (endedMs !== durationMs) line.number(ended, endedMs);
}

function noteEnd(line: LineBytes, exchange: EndedExchange): void {
  line.number(status, exchange.statusSent);
  noteBytes(line, exchange);
  line.number(duration, fromZero(exchange.endedAt - exchange.startedAt));
}

function noteBytes(line: LineBytes, exchange: EndedExchange): void {
  const [received, written] = [
    Math.floor(fromZero(exchange.bytesFromClient)),
    Math.floor(fromZero(exchange.bytesToClient)),
  ];
  if (received > 0) line.number(bytesIn, received);
  if (written > 0) line.number(bytesOut, written);
}

/** Negative numbers and NaN become 0. */
function fromZero(value: number): number {
  return value > 0 ? value : 0;
}
