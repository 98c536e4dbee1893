import type { AttemptFacts, ClientFacts, EndedExchange } from '../core/exchange.ts';
import type { LineOctets } from './line-octets.ts';
import { recordLimits } from './limits.ts';

/** What the writer prepares for lines that have much in common. */
export interface OrdinaryParts {
  /** From `"deployment"` to `"weight"`. */
  origin(exchange: EndedExchange): Uint8Array;
  /** `"client"` and `"tls"`. */
  client(client: ClientFacts, version: string): Uint8Array;
  /** From `{"endpoint"` to `"reused":`. */
  endpoint(attempt: AttemptFacts): Uint8Array;
  timestamp(wallTime: number): string;
  /** The query, redacted, in quotes; null when it needs more than that. */
  query(query: string): string | null;
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const beginning = ascii('{"v":1,"kind":"exchange","id":"');
const traceId = ascii('","trace_id":"');
const at = ascii('","at":"');
const method = ascii(',"method":"');
const schemeHttp = ascii('","scheme":"http","host":"');
const schemeHttps = ascii('","scheme":"https","host":"');
const path = ascii('","path":"');
const query = ascii('","query":');
const attempts = ascii(',"attempts":[');
const reusedIdle = ascii('true,"idle_ms":');
const freshIdle = ascii('false,"idle_ms":null');
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
const status = ascii(',"status":');
const accepted = ascii(
  ',"cause":null,"stage":null,"evidence":null,"exit":null,"retry":false,"retry_reason":"accepted"}],"status":',
);
const received = ascii(',"received_status":');
const verdict = ascii(
  ',"grpc_status":null,"shape":"none","type":null,"cause":null,"whose":null,"stage":null,"detail":null' +
    ',"delivery":"response_started","end":"forwarded","octets_in":',
);
const octetsOut = ascii(',"octets_out":');
const duration = ascii(',"duration_ms":');
const ending = ascii('}\n');

/** Path, query (redacted, each letter may become \\u2026) and host at their limits, and 4 KiB of everything else. */
export const ordinaryOctetsMax = recordLimits.path + 4 * recordLimits.query + recordLimits.host + 4096;

/** One attempt, whose answer was forwarded whole, and nothing to explain: nearly every exchange there is. */
export function isOrdinary(exchange: EndedExchange): boolean {
  const [attempt] = exchange.attempts;
  return (
    exchange.attempts.length === 1 &&
    attempt !== undefined &&
    exchange.failure === null &&
    exchange.end === 'forwarded' &&
    !exchange.tunnel &&
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
 * Writes the line of an ordinary exchange as octets: the same line that `RecordWriter.line` makes as text, at a
 * third of the cost and without garbage (`bench/record.ts`). False when something in it needs escaping after all;
 * then nothing has been written.
 */
export function writeOrdinary(line: LineOctets, exchange: EndedExchange, parts: OrdinaryParts): boolean {
  const attempt = exchange.attempts[0] as AttemptFacts;
  const mark = exchange.target.indexOf('?');
  const queryText = mark === -1 ? 'null' : parts.query(exchange.target.slice(mark + 1));
  if (queryText === null || exchange.target.includes('#')) return false;
  line.fragment(beginning);
  if (!line.plain(exchange.id)) return false;
  line.fragment(traceId);
  if (!line.plain(exchange.traceId)) return false;
  line.fragment(at);
  line.ascii(parts.timestamp(exchange.startedWall));
  line.fragment(parts.origin(exchange));
  line.fragment(parts.client(exchange.client, exchange.version));
  line.fragment(method);
  if (!line.plain(exchange.method)) return false;
  line.fragment(exchange.client.scheme === 'https' ? schemeHttps : schemeHttp);
  if (!line.plain(exchange.authority)) return false;
  line.fragment(path);
  if (!line.plain(mark === -1 ? exchange.target : exchange.target.slice(0, mark))) return false;
  line.fragment(query);
  line.ascii(queryText);
  line.fragment(attempts);
  writeAttempt(line, attempt, parts);
  writeEnd(line, exchange);
  return true;
}

function writeAttempt(line: LineOctets, attempt: AttemptFacts, parts: OrdinaryParts): void {
  line.fragment(parts.endpoint(attempt));
  if (attempt.reused && attempt.idleMs >= 0) {
    line.fragment(reusedIdle);
    line.milliseconds(attempt.idleMs);
  } else if (attempt.idleMs < 0 && !attempt.reused) line.fragment(freshIdle);
  else {
    line.ascii(`${attempt.reused},"idle_ms":`);
    line.millisecondsOrNull(attempt.idleMs);
  }
  line.fragment(localPort);
  if (attempt.localPort > 0) line.count(attempt.localPort);
  else line.ascii('null');
  line.fragment(started);
  line.milliseconds(attempt.startedMs);
  writeStages(line, attempt);
  line.fragment(head);
  line.millisecondsOrNull(attempt.headMs);
  line.fragment(ended);
  line.milliseconds(attempt.endedMs);
  line.fragment(status);
  if (attempt.status > 0) line.count(attempt.status);
  else line.ascii('null');
  line.fragment(accepted);
}

function writeStages(line: LineOctets, { queuedMs = -1, dnsMs, connectedMs, tlsMs, sentMs }: AttemptFacts): void {
  if (queuedMs >= 0) {
    line.fragment(queued);
    line.milliseconds(queuedMs);
  }
  if (!(dnsMs >= 0) && !(connectedMs >= 0) && !(tlsMs >= 0)) line.fragment(opened);
  else {
    line.fragment(dns);
    line.millisecondsOrNull(dnsMs);
    line.fragment(connected);
    line.millisecondsOrNull(connectedMs);
    line.fragment(tls);
    line.millisecondsOrNull(tlsMs);
    line.fragment(sent);
  }
  line.millisecondsOrNull(sentMs);
}

function writeEnd(line: LineOctets, exchange: EndedExchange): void {
  line.count(exchange.statusSent);
  line.fragment(received);
  line.count(exchange.statusReceived);
  line.fragment(verdict);
  line.count(exchange.octetsFromClient);
  line.fragment(octetsOut);
  line.count(exchange.octetsToClient);
  line.fragment(duration);
  line.milliseconds(exchange.endedAt - exchange.startedAt);
  line.fragment(ending);
}
