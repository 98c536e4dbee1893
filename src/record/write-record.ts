import type { AttemptFacts, ClientFacts, EndedExchange, TunnelFacts } from '../core/exchange.ts';
import { exitBeforeMs, exitExplains, explain, explainExit, typeOf } from '../core/explain.ts';
import type { Failure } from '../core/failure.ts';
import { snakeCased } from '../core/json-case.ts';
import { redactQuery } from '../core/redact/query.ts';
import { redactAuthority, redactPath } from '../core/redact/target.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import type { RecordBatch } from './batch.ts';
import {
  bounded,
  count,
  isPlain,
  jsonOf,
  milliseconds,
  millisecondsOrNull,
  quoted,
  quotedOrNull,
  quotedBounded,
  signedMilliseconds,
  Timestamps,
} from './json-text.ts';
import { recordLimits } from './limits.ts';
import { LineBytes } from './line-bytes.ts';
import { isOrdinary, type OrdinaryParts, ordinaryBytesMax, writeOrdinary } from './ordinary-record.ts';
import { shapeOfExchange, whoseOfExchange } from './exchange-shape.ts';

/** Values that are the same in every line of a worker. */
export interface WriterContext {
  readonly deployment: string;
  readonly member: string;
  /** When the process started, in milliseconds since the Unix epoch. */
  readonly processStartedUnixMs: number;
  readonly worker: number;
  /** Query parameters whose values are kept; lowercase. */
  readonly queryAllowed: readonly string[];
  /** Further header names, lowercase, whose values are removed from texts that came from outside. */
  readonly secretFields?: readonly string[];
  readonly batch: RecordBatch;
}

/** Fragments are created once per route and endpoint. A configuration rarely needs more; beyond this the cache is cleared. */
const fragmentsMax = 4096;

/**
 * Writes the record of each exchange that has ended: one line of `core/record.ts`, its keys in that order, in
 * ASCII. Runs in the serving worker, for every exchange, and waits for nothing.
 *
 * Measured (`bench/record.ts`, CPU time on the development machine): 2.2 to 2.7 µs for an ordinary line of 1,125
 * bytes, half of it for joining the parts to a string and copying it into the batch; 3 to 3.5 µs with a query
 * to redact; 5 to 6 µs for a failure. Repeated parts are cached as text: by worker, route, endpoint and second.
 */
export class RecordWriter implements OrdinaryParts {
  readonly #batch: RecordBatch;
  readonly #timestamps = new Timestamps();
  readonly #redactor: TextRedactor;
  readonly #queryAllowed: ReadonlySet<string>;
  /** From `deployment` to the revision's key. */
  readonly #origin: string;
  readonly #routes = new Map<string, RouteFragment>();
  readonly #endpoints = new Map<string, EndpointFragment>();
  readonly #ordinary: LineBytes;
  readonly #origins = new Map<string, OriginBytes>();
  readonly #clients = new WeakMap<ClientFacts, ClientBytes>();
  #lastFailure: Failure | null = null;
  #lastRedacted: Failure | null = null;

  constructor(context: WriterContext) {
    this.#batch = context.batch;
    this.#ordinary = new LineBytes(context.batch);
    this.#redactor = new TextRedactor(context.secretFields);
    this.#queryAllowed = new Set(context.queryAllowed);
    const process = this.#timestamps.text(context.processStartedUnixMs);
    this.#origin =
      `,"deployment":${quotedBounded(context.deployment, recordLimits.name)}` +
      `,"member":${quotedBounded(context.member, recordLimits.name)}` +
      `,"process_started_at":"${process}","worker":${count(context.worker)},"revision":`;
  }

  /** Appends the line of `exchange`. Returns its bytes; 0 if it was dropped, which the batch counts. */
  write(exchange: EndedExchange): number {
    if (isOrdinary(exchange) && this.#ordinary.begin(ordinaryBytesMax) && writeOrdinary(this.#ordinary, exchange, this))
      return this.#ordinary.end();
    const failed = exchange.failure !== null || exchange.attempts.length > 1 || shapeOfExchange(exchange) !== 'none';
    return this.#batch.append(this.line(exchange), failed);
  }

  // Common parts of lines, as bytes: for `writeOrdinary`.

  get keepsNoValues(): boolean {
    return this.#queryAllowed.size === 0;
  }

  timestamp(wallTime: number): Uint8Array {
    return this.#timestamps.bytes(wallTime);
  }

  origin(exchange: EndedExchange): Uint8Array {
    const text = this.#routeFragment(exchange);
    const known = this.#origins.get(exchange.route);
    if (known !== undefined && known.revision === exchange.revision && known.text === text) return known.bytes;
    // This part follows the timestamp, whose quote is still open.
    const bytes = Buffer.from(`"${this.#origin}${count(exchange.revision)}${text}`, 'latin1');
    if (this.#origins.size >= fragmentsMax) this.#origins.clear();
    this.#origins.set(exchange.route, { revision: exchange.revision, text, bytes });
    return bytes;
  }

  client(client: ClientFacts, version: string): Uint8Array {
    const known = this.#clients.get(client);
    if (known !== undefined && known.version === version) return known.bytes;
    const bytes = Buffer.from(clientPart(client, version), 'latin1');
    this.#clients.set(client, { version, bytes, last: null });
    return bytes;
  }

  /**
   * A client usually sends requests to the same host and route as before: then the first half of the line is one cached part.
   *
   * Measured, with cached parts of attempts and verdicts: a line takes 2.4 µs instead of 3.3 (`bench/record.ts`), a small GET
   * 0.98 of the CPU.
   */
  cachedPrefix(exchange: EndedExchange): Uint8Array | null {
    const known = this.#clients.get(exchange.client);
    if (known === undefined || known.version !== exchange.version) return null;
    const { last } = known;
    if (last === null || !last.isOf(exchange)) {
      known.last = new CachedPrefix(exchange);
      return null;
    }
    return (last.bytes ??= this.#prefixBytes(exchange));
  }

  #prefixBytes(exchange: EndedExchange): Uint8Array | null {
    const { method, client, authority } = exchange;
    if (!isPlain(method) || !isPlain(authority)) return null;
    return Buffer.concat([
      this.origin(exchange),
      this.client(client, exchange.version),
      Buffer.from(`,"method":"${method}","scheme":"${client.scheme}","host":"${authority}","path":"`, 'latin1'),
    ]);
  }

  endpoint(attempt: AttemptFacts): Uint8Array {
    const { reused, fresh } = this.#endpointFragment(attempt);
    return attempt.reused ? reused : fresh;
  }

  query(query: string): string | null {
    return query.length <= recordLimits.query && isPlain(query) ? this.#query(query) : null;
  }

  /** The line of `exchange`, with its LF. */
  line(exchange: EndedExchange): string {
    const id = quotedBounded(exchange.id, recordLimits.id);
    const traceId = exchange.traceId === '' ? 'null' : quotedBounded(exchange.traceId, recordLimits.id);
    return (
      `{"v":2,"kind":"${exchange.tunnel !== null ? 'tunnel' : 'exchange'}","id":${id},"trace_id":${traceId},"at":"${this.#timestamps.text(exchange.startedWall)}"` +
      this.#origin +
      count(exchange.revision) +
      this.#routeFragment(exchange) +
      clientPart(exchange.client, exchange.version) +
      this.#requestPart(exchange) +
      filterPart(exchange) +
      this.#attemptsPart(exchange) +
      this.#endPart(exchange)
    );
  }

  #routeFragment(exchange: EndedExchange): string {
    const known = this.#routes.get(exchange.route);
    if (
      known !== undefined &&
      known.upstream === exchange.upstream &&
      known.application === exchange.application &&
      known.release === exchange.release
    ) {
      return known.text;
    }
    const fragment = routeFragment(exchange);
    if (this.#routes.size >= fragmentsMax) this.#routes.clear();
    this.#routes.set(exchange.route, fragment);
    return fragment.text;
  }

  #endpointFragment(attempt: AttemptFacts): EndpointFragment {
    const known = this.#endpoints.get(attempt.endpoint);
    if (
      known !== undefined &&
      known.address === attempt.address &&
      known.state === attempt.endpointState &&
      known.stale === (attempt.addressStale === true)
    ) {
      return known;
    }
    const fragment = endpointFragment(attempt);
    if (this.#endpoints.size >= fragmentsMax) this.#endpoints.clear();
    this.#endpoints.set(attempt.endpoint, fragment);
    return fragment;
  }

  #requestPart(exchange: EndedExchange): string {
    const target = exchange.target;
    const questionMark = target.indexOf('?');
    const path = quotedBounded(pathOf(target), recordLimits.path);
    const query = questionMark === -1 ? 'null' : this.#query(target.slice(questionMark + 1));
    return (
      `,"method":${quotedBounded(exchange.method, recordLimits.method)},"scheme":"${exchange.client.scheme}"` +
      `,"host":${quotedBounded(redactAuthority(exchange.authority), recordLimits.host)},"path":${path},"query":${query}`
    );
  }

  /** Shortened before it is redacted, so that an enormous query costs no more than a long one. */
  #query(query: string): string {
    const cut = bounded(query, recordLimits.query);
    // Usually only the "…" of removed values needs escaping, so it is written escaped from the start.
    if (isPlain(cut)) return `"${redactQuery(cut, this.#queryAllowed, '\\u2026')}"`;
    return quoted(redactQuery(cut, this.#queryAllowed));
  }

  #attemptsPart(exchange: EndedExchange): string {
    const attempts = exchange.attempts;
    if (attempts.length === 0) return ',"attempts":[]';
    let text = `,"attempts":[${this.#attempt(attempts[0] as AttemptFacts, exchange)}`;
    const skipped = attempts.length - recordLimits.attempts;
    for (let index = 1; index < attempts.length; index++) {
      // If there are too many attempts, those before the last are omitted, because the last says most.
      if (skipped > 0 && index >= recordLimits.attempts - 1 && index < attempts.length - 1) continue;
      text += `,${this.#attempt(attempts[index] as AttemptFacts, exchange)}`;
    }
    return `${text}]`;
  }

  #attempt(attempt: AttemptFacts, exchange: EndedExchange): string {
    return (
      this.#endpointFragment(attempt).text +
      (attempt.reused ? 'true,"idle_ms":' : 'false,"idle_ms":') +
      millisecondsOrNull(attempt.idleMs) +
      `,"local_port":${attempt.localPort > 0 ? count(attempt.localPort) : 'null'},"started_ms":${milliseconds(attempt.startedMs)}` +
      queuedPart(attempt) +
      `,"dns_ms":${millisecondsOrNull(attempt.dnsMs)},"connected_ms":${millisecondsOrNull(attempt.connectedMs)}` +
      `,"tls_ms":${millisecondsOrNull(attempt.tlsMs)},"sent_ms":${millisecondsOrNull(attempt.sentMs)}` +
      `,"head_ms":${millisecondsOrNull(attempt.headMs)},"ended_ms":${milliseconds(attempt.endedMs)},"status":` +
      (attempt.status > 0 ? count(attempt.status) : 'null') +
      (attempt.failure === null ? ',"cause":null,"stage":null,"evidence":null' : this.#failurePart(attempt.failure)) +
      (attempt.exit === null ? ',"exit":null,"retry":' : this.#exitPart(attempt, exchange)) +
      (attempt.retry ? 'true,"retry_reason":"' : 'false,"retry_reason":"') +
      `${attempt.retryReason}"}`
    );
  }

  #failurePart(failure: Failure): string {
    return `,"cause":"${failure.cause}","stage":"${failure.stage}","evidence":${jsonOf(snakeCased(this.#redacted(failure).evidence))}`;
  }

  /** The failure without credentials and with shortened texts. Cached, because the last attempt's failure is usually that of the exchange. */
  #redacted(failure: Failure): Failure {
    if (failure !== this.#lastFailure) {
      this.#lastFailure = failure;
      this.#lastRedacted = { ...failure, evidence: this.#evidence(failure) } as Failure;
    }
    return this.#lastRedacted as Failure;
  }

  #evidence(failure: Failure): Failure['evidence'] {
    const evidence = this.#redactor.redactAll(failure.evidence, recordLimits.evidence);
    if (failure.cause !== 'no_route') return evidence;
    // Records never have values of parameters, with or without the query of this text.
    return { ...evidence, path: bounded(pathOf(failure.evidence.path), recordLimits.evidence) };
  }

  #exitPart(attempt: AttemptFacts, exchange: EndedExchange): string {
    const exit = attempt.exit;
    if (exit === null) return ',"exit":null,"retry":';
    const code = exit.code === null ? 'null' : String(exit.code);
    const lastLine =
      exit.lastLine === null ? null : bounded(this.#redactor.redact(exit.lastLine), recordLimits.evidence);
    return (
      `,"exit":{"code":${code},"signal":${exit.signal === null ? 'null' : quotedBounded(exit.signal, recordLimits.signal)},"oom":${exit.outOfMemory}` +
      `,"before_ms":${signedMilliseconds(exitBeforeMs(attempt, exit, exchange.startedAt))},"last_line":${quotedOrNull(lastLine)}},"retry":`
    );
  }

  #endPart(exchange: EndedExchange): string {
    return (
      `,"status":${exchange.statusSent > 0 ? count(exchange.statusSent) : 'null'}` +
      `,"received_status":${exchange.statusReceived > 0 ? count(exchange.statusReceived) : 'null'},"grpc_status":null` +
      this.#verdictPart(exchange) +
      `,"delivery":"${exchange.delivery}","end":"${exchange.endKind}","bytes_in":${count(exchange.bytesFromClient)}` +
      `,"bytes_out":${count(exchange.bytesToClient)},"duration_ms":${milliseconds(exchange.endedAt - exchange.startedAt)}` +
      (exchange.tunnel === null ? '}\n' : tunnelPart(exchange.tunnel))
    );
  }

  #verdictPart(exchange: EndedExchange): string {
    const shape = shapeOfExchange(exchange);
    if (shape === 'none') return ',"shape":"none","type":null,"cause":null,"whose":null,"stage":null,"detail":null';
    const whose = quotedOrNull(whoseOfExchange(exchange));
    const failure = exchange.failure;
    if (failure === null)
      return `,"shape":"${shape}","type":null,"cause":null,"whose":${whose},"stage":null,"detail":null`;
    return (
      `,"shape":"${shape}","type":${quotedOrNull(typeOf(failure))},"cause":"${failure.cause}","whose":${whose}` +
      `,"stage":"${failure.stage}","detail":${quotedBounded(this.#detail(failure, exchange), recordLimits.detail)}`
    );
  }

  /** The sentence is made from redacted evidence, so it has no credentials either. */
  #detail(failure: Failure, exchange: EndedExchange): string {
    const sentence = explain(this.#redacted(failure));
    const last = exchange.attempts.at(-1);
    if (last === undefined || last.exit === null || !exitExplains(last.failure?.cause, failure.cause)) return sentence;
    const lastLine = last.exit.lastLine === null ? null : this.#redactor.redact(last.exit.lastLine);
    return `${sentence} ${explainExit({ ...last.exit, lastLine }, exitBeforeMs(last, last.exit, exchange.startedAt))}`;
  }
}

/** Only in records of attempts that waited for a connection. */
function queuedPart({ queuedMs = -1 }: AttemptFacts): string {
  return queuedMs >= 0 ? `,"queued_ms":${milliseconds(queuedMs)}` : '';
}

/** Only in records of requests that a filter suspended. */
function filterPart({ filterMs = -1 }: EndedExchange): string {
  return filterMs >= 0 ? `,"filter_ms":${milliseconds(filterMs)}` : '';
}

/** The target without its query. */
function pathOf(target: string): string {
  const questionMark = target.indexOf('?');
  return redactPath(questionMark === -1 ? target : target.slice(0, questionMark));
}

/** Common parts of the lines of a route, as long as its upstream has the same release. */
interface RouteFragment {
  readonly upstream: string;
  readonly application: string;
  readonly release: string;
  readonly text: string;
}

function routeFragment(exchange: EndedExchange): RouteFragment {
  const { route, upstream, application, release } = exchange;
  const text =
    `,"route":${nameOrNull(route)},"upstream":${nameOrNull(upstream)},"application":${nameOrNull(application)}` +
    `,"release":${nameOrNull(release)},"arm":null,"weight":null`;
  return { upstream, application, release, text };
}

interface EndpointFragment {
  readonly address: string;
  readonly state: string;
  readonly stale: boolean;
  readonly text: string;
  /** From `"attempts"` on, and to `"idle_ms":`, on a connection that was used before and on a new one. */
  readonly reused: Uint8Array;
  readonly fresh: Uint8Array;
}

interface OriginBytes {
  readonly revision: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

interface ClientBytes {
  readonly version: string;
  readonly bytes: Uint8Array;
  last: CachedPrefix | null;
}

/** The values of the first half of a line, except the client; with its bytes after the second use. */
class CachedPrefix {
  bytes: Uint8Array | null = null;
  readonly #revision: number;
  readonly #route: string;
  readonly #upstream: string;
  readonly #application: string;
  readonly #release: string;
  readonly #method: string;
  readonly #authority: string;

  constructor(exchange: EndedExchange) {
    this.#revision = exchange.revision;
    this.#route = exchange.route;
    this.#upstream = exchange.upstream;
    this.#application = exchange.application;
    this.#release = exchange.release;
    this.#method = exchange.method;
    this.#authority = exchange.authority;
  }

  isOf(exchange: EndedExchange): boolean {
    return (
      this.#authority === exchange.authority &&
      this.#route === exchange.route &&
      this.#method === exchange.method &&
      this.#revision === exchange.revision &&
      this.#upstream === exchange.upstream &&
      this.#application === exchange.application &&
      this.#release === exchange.release
    );
  }
}

function endpointFragment(attempt: AttemptFacts): EndpointFragment {
  const stale = attempt.addressStale === true;
  const text =
    `{"endpoint":${quotedBounded(attempt.endpoint, recordLimits.name)},"address":${quotedBounded(attempt.address, recordLimits.host)}` +
    `,"state":"${attempt.endpointState}",${stale ? '"address_stale":true,' : ''}"reused":`;
  return {
    address: attempt.address,
    state: attempt.endpointState,
    stale,
    text,
    reused: attemptBytes(text, true),
    fresh: attemptBytes(text, false),
  };
}

function attemptBytes(text: string, reused: boolean): Uint8Array {
  return Buffer.from(`,"attempts":[${text}${reused},"idle_ms":`, 'latin1');
}

function clientPart(client: ClientFacts, version: string): string {
  const address = quotedBounded(client.address, recordLimits.name);
  const peer = client.peerAddress === client.address ? address : quotedBounded(client.peerAddress, recordLimits.name);
  return (
    `,"client":{"address":${address},"port":${count(client.port)},"peer":${peer},"protocol":"${version}"},"tls":` +
    (client.tls === null
      ? 'null'
      : `{"version":${quotedBounded(client.tls.version, recordLimits.name)},"sni":${
          client.tls.serverName === null ? 'null' : quotedBounded(client.tls.serverName, recordLimits.host)
        }}`)
  );
}

function nameOrNull(name: string): string {
  return name === '' ? 'null' : quotedBounded(name, recordLimits.name);
}

/** The end of a tunnel's line. */
function tunnelPart({ protocol, how, by, closeCode }: TunnelFacts): string {
  const code = closeCode === 0 ? 'null' : count(closeCode);
  return `,"tunnel":{"protocol":${quotedBounded(protocol, recordLimits.method)},"how":"${how}","by":"${by}","close_code":${code}}}\n`;
}
