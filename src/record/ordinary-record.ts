import type { AttemptFacts, ClientFacts, EndedExchange } from '../core/exchange.ts';
import { hidesSecret } from '../core/redact/target.ts';
import type { LineBytes } from './line-bytes.ts';
import { recordLimits } from './limits.ts';

/** Fragments that the writer prepares for lines with common parts. */
export interface OrdinaryParts {
  /** From `"deployment"` to `"path":"`, where this client was answered likewise twice before; else null. */
  cachedPrefix(exchange: EndedExchange): Uint8Array | null;
  /** From `"deployment"` to `"weight"`. */
  origin(exchange: EndedExchange): Uint8Array;
  /** `"client"` and `"tls"`. */
  client(client: ClientFacts, version: string): Uint8Array;
  /** From `"attempts":[{"endpoint"` to `"idle_ms":`. */
  endpoint(attempt: AttemptFacts): Uint8Array;
  /** RFC 3339, valid until the next call. */
  timestamp(wallTime: number): Uint8Array;
  /** No parameter of a query is allowed to keep its value. */
  readonly keepsNoValues: boolean;
  /** The redacted query, in quotes; null if it cannot be written this way. */
  query(query: string): string | null;
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const beginning = ascii(`{"v":2,"kind":"exchange","id":"`);
const traceId = ascii('","trace_id":"');
const at = ascii('","at":"');
const noTraceId = ascii('","trace_id":null,"at":"');
const method = ascii(',"method":"');
const schemeHttp = ascii('","scheme":"http","host":"');
const schemeHttps = ascii('","scheme":"https","host":"');
const path = ascii('","path":"');
const query = ascii('","query":');
const localPort = ascii(',"local_port":');
const started = ascii(',"started_ms":');
const queued = ascii(',"queued_ms":');
const dns = ascii(',"dns_ms":');
const connected = ascii(',"connected_ms":');
const opened = ascii(',"dns_ms":null,"connected_ms":null,"tls_ms":null,"sent_ms":');
const tls = ascii(',"tls_ms":');
const sent = ascii(',"sent_ms":');
const head = ascii(',"head_ms":');
const ended = ascii(',"ended_ms":');
const accepted =
  ',"cause":null,"stage":null,"evidence":null,"exit":null,"retry":false,"retry_reason":"accepted"}],"status":';
const verdict =
  ',"grpc_status":null,"shape":"none","type":null,"cause":null,"whose":null,"stage":null,"detail":null' +
  ',"delivery":"response_started","end":"forwarded","bytes_in":';
const bytesOut = ascii(',"bytes_out":');
const duration = ascii(',"duration_ms":');
const ending = ascii('}\n');

/** Path, query (redacted, each letter may become \\u2026) and host at their limits, and 4 KiB of everything else. */
export const ordinaryBytesMax = recordLimits.path + 4 * recordLimits.query + recordLimits.host + 4096;

/** One attempt whose response was forwarded completely, without a failure: nearly every exchange. */
export function isOrdinary(exchange: EndedExchange): boolean {
  const [attempt] = exchange.attempts;
  return (
    exchange.attempts.length === 1 &&
    attempt !== undefined &&
    exchange.failure === null &&
    exchange.endKind === 'forwarded' &&
    exchange.tunnel === null &&
    (exchange.filterMs === undefined || exchange.filterMs < 0) &&
    exchange.delivery === 'response_started' &&
    exchange.statusReceived > 0 &&
    exchange.statusReceived < 500 &&
    exchange.statusSent > 0 &&
    attempt.failure === null &&
    attempt.exit === null &&
    !attempt.retry &&
    attempt.retryReason === 'accepted' &&
    exchange.id.length <= recordLimits.id &&
    exchange.traceId.length <= recordLimits.id &&
    exchange.target.length <= recordLimits.path &&
    exchange.method.length <= recordLimits.method &&
    exchange.authority.length <= recordLimits.host
  );
}

/**
 * Writes the line of an ordinary exchange as bytes: the same line that `RecordWriter.line` returns as text, at a
 * third of the cost and without garbage (`bench/record.ts`). False if a text needs escaping;
 * then nothing has been written.
 */
export function writeOrdinary(line: LineBytes, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  const attempt = exchange.attempts[0] as AttemptFacts;
  const questionMark = exchange.target.indexOf('?');
  if (hidesSecret(exchange.target)) return false;
  line.fragment(beginning);
  if (!line.plain(exchange.id)) return false;
  if (!writeTraceId(line, exchange.traceId)) return false;
  line.fragment(parts.timestamp(exchange.startedWall));
  const cachedPrefix = parts.cachedPrefix(exchange);
  if (cachedPrefix !== null) line.fragment(cachedPrefix);
  else if (!writePrefix(line, exchange, parts)) return false;
  if (!line.openStart(exchange.target, questionMark === -1 ? exchange.target.length : questionMark)) return false;
  line.fragment(query);
  if (questionMark === -1) line.ascii('null');
  else if (!writeQuery(line, exchange.target, questionMark + 1, parts)) return false;
  noteAttempt(line, attempt, parts.endpoint(attempt));
  noteEnd(line, exchange, attempt);
  line.writeNumbers();
  line.fragment(ending);
  return true;
}

/** From `"trace_id"` to the beginning of the time; false if the id needs escaping. */
function writeTraceId(line: LineBytes, id: string): boolean {
  if (id === '') line.fragment(noTraceId);
  else {
    line.fragment(traceId);
    if (!line.plain(id)) return false;
    line.fragment(at);
  }
  return true;
}

/** False if a text needs escaping. */
function writePrefix(line: LineBytes, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  line.fragment(parts.origin(exchange));
  line.fragment(parts.client(exchange.client, exchange.version));
  line.fragment(method);
  if (!line.plain(exchange.method)) return false;
  line.fragment(exchange.client.scheme === 'https' ? schemeHttps : schemeHttp);
  if (!line.openStart(exchange.authority, exchange.authority.length)) return false;
  line.fragment(path);
  return true;
}

function writeQuery(line: LineBytes, target: string, start: number, parts: OrdinaryParts): boolean {
  const length = target.length - start;
  if (parts.keepsNoValues && length <= recordLimits.query && line.redactedQuery(target, start)) return true;
  const text = parts.query(target.slice(start));
  if (text !== null) line.ascii(text);
  return text !== null;
}

function noteAttempt(line: LineBytes, attempt: AttemptFacts, endpoint: Uint8Array): void {
  line.number(endpoint, attempt.idleMs);
  line.number(localPort, attempt.localPort > 0 ? attempt.localPort : absent);
  line.number(started, fromZero(attempt.startedMs));
  const { queuedMs = absent, dnsMs, connectedMs, tlsMs } = attempt;
  if (queuedMs >= 0) line.number(queued, queuedMs);
  if (dnsMs >= 0 || connectedMs >= 0 || tlsMs >= 0) {
    line.number(dns, dnsMs);
    line.number(connected, connectedMs);
    line.number(tls, tlsMs);
    line.number(sent, attempt.sentMs);
  } else line.number(opened, attempt.sentMs);
  line.number(head, attempt.headMs);
  line.number(ended, fromZero(attempt.endedMs));
}

function noteEnd(line: LineBytes, exchange: EndedExchange, attempt: AttemptFacts): void {
  line.number(verdictOf(exchange, attempt), Math.floor(fromZero(exchange.bytesFromClient)));
  line.number(bytesOut, Math.floor(fromZero(exchange.bytesToClient)));
  line.number(duration, fromZero(exchange.endedAt - exchange.startedAt));
}

/** From `"status"` of the attempt to `"bytes_in":`: mostly the three are one, and of those there are few. */
function verdictOf({ statusSent, statusReceived }: EndedExchange, { status }: AttemptFacts): Uint8Array {
  const isOne = status === statusSent && status === statusReceived;
  const known = isOne ? verdicts[status] : undefined;
  if (known !== undefined) return known;
  const bytes = ascii(
    `,"status":${status > 0 ? status : 'null'}${accepted}${statusSent},"received_status":${statusReceived}${verdict}`,
  );
  if (isOne && status < verdicts.length) verdicts[status] = bytes;
  return bytes;
}

/** By status. An ordinary exchange has a status below 500. */
const verdicts: (Uint8Array | undefined)[] = new Array<undefined>(500).fill(undefined);

/** Negative numbers and NaN become 0. */
function fromZero(value: number): number {
  return value > 0 ? value : 0;
}

/** What `LineBytes.number` writes as null. */
const absent = -1;
