import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { leanRecord, type RecordFields } from '../core/record-defaults.ts';
import type { Failure } from '#failures/failure.ts';
import type { HttpVersion } from '../core/message.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { TlsFacts } from '../core/transport.ts';
import type { RecordRingWriter } from './record-ring.ts';
import { ExchangeRecords, type RecordContext } from './exchange-record.ts';
import { isFailed } from './exchange-shape.ts';
import { isPlain, jsonOf, Timestamps } from './json-text.ts';
import { membersOf } from './line-members.ts';
import { recordLimits } from './limits.ts';
import { LineBytes } from './line-bytes.ts';
import {
  type EndpointBytes,
  failureBytesMax,
  isOrdinary,
  type OrdinaryParts,
  ordinaryBytesMax,
  writeOrdinary,
} from './ordinary-record.ts';
import { LogSampler } from './log-sampler.ts';
import type { OtlpSampler } from './otlp-sampler.ts';
import type { StoreSampler } from './store-sampler.ts';
import { UnparsedLines } from './unparsed-lines.ts';
import { SuccessTimes } from './success-times.ts';

interface WriterContext extends RecordContext {
  readonly ring: RecordRingWriter;
  /** Null: nothing is stored. */
  readonly sampler?: StoreSampler | null;
  /** Null: nothing is exported. */
  readonly exported?: OtlpSampler | null;
}

/** Fragments are created once per route and endpoint. A configuration rarely needs more; beyond this the cache is cleared. */
const fragmentsMax = 4096;

/** Kinds of failures whose part of the line is kept. Those of a flood are few, as long as they differ in small numbers alone. */
const failuresMax = 512;

/**
 * Writes the record of each exchange that has ended: one line of ASCII with the keys of `core/record.ts` in that order, without
 * those that have their default. Runs in the serving worker, for every exchange, and waits for nothing.
 *
 * Nearly every exchange is written as bytes (`ordinary-record.ts`), from parts that are cached by route, endpoint and client. All
 * others become a record, which loses its defaults and becomes JSON.
 */
export class RecordWriter implements OrdinaryParts {
  readonly #ring: RecordRingWriter;
  readonly #records: ExchangeRecords;
  readonly #fullDetail: boolean;
  readonly #timestamps = new Timestamps();
  readonly times = new SuccessTimes();
  /** No parameter of a query is allowed to keep its value. */
  readonly keepsNoValues: boolean;
  readonly #routes = new Map<string, RouteBytes>();
  readonly #endpoints = new Map<string, KnownEndpoint>();
  readonly #freshEndpoints = new Map<string, KnownEndpoint>();
  /** By the server name. */
  readonly #tls = new Map<string | null, KnownTls>();
  readonly #ordinary: LineBytes;
  readonly #sampler: StoreSampler | null;
  readonly #unparsed: UnparsedLines;
  readonly #exported: OtlpSampler | null;
  readonly #successes = new LogSampler();
  readonly #failures = new Map<string, Uint8Array>();

  constructor(context: WriterContext) {
    this.#ring = context.ring;
    this.#records = new ExchangeRecords(context);
    this.#fullDetail = context.fullDetail === true;
    this.#ordinary = new LineBytes(context.ring);
    this.#sampler = context.sampler ?? null;
    this.#unparsed = new UnparsedLines(new TextRedactor(context.secretHeaders));
    this.#exported = context.exported ?? null;
    this.keepsNoValues = context.queryAllowed.length === 0;
  }

  /** Appends the line of `exchange`. Returns its bytes; 0 if it was dropped, which the ring counts. */
  write(exchange: EndedExchange): number {
    if (
      !this.#fullDetail &&
      isOrdinary(exchange) &&
      this.#ordinary.begin(ordinaryBytesMax) &&
      writeOrdinary(this.#ordinary, exchange, this)
    ) {
      const bytes = this.#ordinary.end();
      const failed = exchange.failure !== null;
      if (failed) this.#ring.keepFailure(this.#ordinary.ended);
      if (this.#sampler !== null) this.#storeOrdinary(this.#sampler, exchange, failed);
      if (this.#exported !== null) this.#exportOrdinary(this.#exported, exchange, failed);
      return bytes;
    }
    const failed = isFailed(exchange);
    const { share } = exchange.recording ?? { share: 1 };
    const standsFor = failed || share === 1 ? 1 : this.#successes.choose(exchange.route, share);
    if (standsFor === 0 && this.#sampler === null && this.#exported === null) return 0;
    const line = this.line(exchange, standsFor);
    if (this.#sampler !== null) this.#store(this.#sampler, exchange, line, !failed);
    if (this.#exported !== null) this.#export(this.#exported, exchange, line, failed);
    return standsFor === 0 ? 0 : this.#ring.append(line, failed);
  }

  #export(exported: OtlpSampler, exchange: EndedExchange, line: string, failed: boolean): void {
    const beginning = exported.choose(exchange, failed);
    if (beginning !== '') exported.pass(beginning, line);
  }

  // The line of an ordinary exchange is in the ring of the log: copying it costs a hundredth of writing it once more.

  #storeOrdinary(sampler: StoreSampler, exchange: EndedExchange, failed: boolean): void {
    const standsFor = sampler.choose(exchange, !failed);
    if (standsFor > 0) sampler.passBytes(this.#ordinary.ended, standsFor);
  }

  #exportOrdinary(exported: OtlpSampler, exchange: EndedExchange, failed: boolean): void {
    const beginning = exported.choose(exchange, failed);
    if (beginning !== '') exported.passBytes(beginning, this.#ordinary.ended);
  }

  #store(sampler: StoreSampler, exchange: EndedExchange, line: string, isSuccess: boolean): void {
    const standsFor = sampler.choose(exchange, isSuccess);
    if (standsFor > 0) sampler.pass(line, standsFor);
    const unparsed = isSuccess ? null : this.#unparsed.lineOf(exchange);
    if (unparsed !== null) sampler.passUnparsed(unparsed);
  }

  /** The line of `exchange`, with its LF. */
  line(exchange: EndedExchange, standsFor = 1): string {
    const lean = this.#lean(exchange);
    return `${jsonOf(standsFor > 1 ? { ...lean, unlogged: standsFor - 1 } : lean)}\n`;
  }

  #lean(exchange: EndedExchange): RecordFields {
    return leanRecord(this.#records.recordOf(exchange));
  }

  // Common parts of lines, as bytes: for `writeOrdinary`.

  timestamp(wallTime: number): Uint8Array {
    return this.#timestamps.bytes(wallTime);
  }

  origin(exchange: EndedExchange): Uint8Array {
    const known = this.#routes.get(exchange.route);
    if (known !== undefined && known.isOf(exchange)) return known.bytes;
    const bytes = membersOf(this.#lean(exchange), originKeys);
    if (this.#routes.size >= fragmentsMax) this.#routes.clear();
    this.#routes.set(exchange.route, new RouteBytes(exchange, bytes));
    return bytes;
  }

  tls({ version, serverName, cipher }: TlsFacts, exchange: EndedExchange): Uint8Array {
    const known = this.#tls.get(serverName);
    if (known !== undefined && known.version === version && known.cipher === cipher) return known.bytes;
    const { tls } = this.#records.clientOf(exchange);
    const bytes = membersOf({ tls }, ['tls']);
    if (this.#tls.size >= fragmentsMax) this.#tls.clear();
    this.#tls.set(serverName, { version, cipher, bytes });
    return bytes;
  }

  /**
   * A client usually sends requests to the same host and route as before: then the first half of the line is one cached part.
   * It is kept at the client, not in a `WeakMap`, whose values survive small garbage collections after their keys: that cost a
   * client that connects for each request more than it could gain.
   *
   * Measured, with cached parts of attempts and verdicts: a line took 2.4 µs instead of 3.3 (`bench/record.ts`), a small GET
   * 0.98 of the CPU.
   */
  cachedPrefix(exchange: EndedExchange): Uint8Array | null {
    const { client } = exchange;
    const { recordCache } = client;
    if (recordCache === null) {
      client.recordCache = seenOnce;
      return null;
    }
    const known = recordCache === seenOnce ? null : (recordCache as CachedPrefix);
    if (known === null || !known.isOf(exchange, this)) {
      client.recordCache = new CachedPrefix(exchange, this);
      return null;
    }
    return (known.bytes ??= this.#prefixBytes(exchange));
  }

  #prefixBytes(exchange: EndedExchange): Uint8Array | null {
    if (!isPlain(exchange.method) || !isPlain(exchange.authority)) return null;
    const lean = this.#lean(exchange);
    const [before, after] = [membersOf(lean, originKeys), membersOf(lean, [...clientKeys, ...requestKeys])];
    return Buffer.concat([before, after, pathBeginning]);
  }

  endpoint(attempt: AttemptFacts, exchange: EndedExchange): EndpointBytes {
    const endpoints = attempt.reused ? this.#endpoints : this.#freshEndpoints;
    const known = endpoints.get(attempt.endpoint);
    if (
      known !== undefined &&
      known.address === attempt.address &&
      known.state === attempt.endpointState &&
      known.stale === (attempt.addressStale === true) &&
      known.release === exchange.release &&
      known.isHttp2 === (attempt.protocol === 'h2')
    ) {
      return known;
    }
    const fragment = this.#endpointBytes(attempt, exchange);
    if (endpoints.size >= fragmentsMax) endpoints.clear();
    endpoints.set(attempt.endpoint, fragment);
    return fragment;
  }

  #endpointBytes(attempt: AttemptFacts, exchange: EndedExchange): KnownEndpoint {
    const lean = this.#lean(exchange);
    const [members] = lean['attempts'] as readonly [RecordFields];
    const { address, endpointState: state, addressStale: stale = false, endpoint } = attempt;
    const of = (fields: RecordFields, keys: readonly string[]): string => membersOf(fields, keys).toString('latin1');
    const bytes = Buffer.from(`${of(lean, releaseKeys)},"attempts":[{${of(members, endpointKeys).slice(1)}`, 'latin1');
    const isWhole = endpoint.length <= recordLimits.name && endpoint.includes('/');
    const upstream = isWhole ? endpoint.slice(0, endpoint.indexOf('/')) : null;
    return { address, state, stale, isHttp2: attempt.protocol === 'h2', release: exchange.release, upstream, bytes };
  }

  /** The client's path is in the evidence of some: each would be another one. */
  failure(failure: Failure, exchange: EndedExchange): Uint8Array | null {
    const { cause, stage, evidence } = failure;
    if (cause === 'no_route') return null;
    const key = `${cause} ${stage} ${exchange.application} ${JSON.stringify(evidence)}`;
    if (key.length > failureBytesMax) return null;
    const known = this.#failures.get(key);
    if (known !== undefined) return known;
    const bytes = membersOf(this.#lean(exchange), failureKeys);
    if (bytes.length > failureBytesMax) return null;
    if (this.#failures.size >= failuresMax) this.#failures.clear();
    this.#failures.set(key, bytes);
    return bytes;
  }

  gatewayState(exchange: EndedExchange): string | null {
    const { gateway_state: state } = this.#records.gatewayState(exchange);
    const text = state === undefined ? '' : `,"gateway_state":${jsonOf(state)}`;
    return text.length > failureBytesMax ? null : text;
  }

  query(query: string): string | null {
    // Usually only the "…" of removed values needs escaping, so it is written escaped from the start.
    return query.length <= recordLimits.query && isPlain(query) ? `"${this.#records.query(query, '\\u2026')}"` : null;
  }
}

const originKeys = [
  ...['process', 'deployment', 'member', 'process_started_at', 'worker', 'revision'],
  ...['route', 'upstream', 'application'],
];
const clientKeys = ['client', 'tls'];
const requestKeys = ['method', 'scheme', 'host'];
const failureKeys = ['shape', 'type', 'cause', 'whose', 'stage', 'detail', 'evidence'];
const releaseKeys = ['release', 'arm', 'weight'];
const endpointKeys = ['endpoint', 'address', 'state', 'address_stale', 'protocol', 'reused'];
const pathBeginning = Buffer.from(',"path":"');

interface KnownEndpoint extends EndpointBytes {
  readonly address: string;
  readonly state: string;
  readonly stale: boolean;
  readonly isHttp2: boolean;
  readonly release: EndpointRelease | null;
}

/** The `"tls"` of the last session with a server name. Most clients of a name have the same version and cipher. */
interface KnownTls extends Pick<TlsFacts, 'version' | 'cipher'> {
  readonly bytes: Uint8Array;
}

/** The bytes from `"process"` to `"application"`, and the values that they have. */
class RouteBytes {
  readonly bytes: Uint8Array;
  readonly #revision: number;
  readonly #upstream: string;
  readonly #application: string;
  /** Readers take the upstream of what was forwarded from its endpoint: then it is not in the line. */
  readonly #isForwarded: boolean;

  constructor({ revision, upstream, application, attempts }: EndedExchange, bytes: Uint8Array) {
    this.bytes = bytes;
    this.#revision = revision;
    this.#upstream = upstream;
    this.#application = application;
    this.#isForwarded = attempts.length > 0;
  }

  isOf({ revision, upstream, application, attempts }: EndedExchange): boolean {
    return (
      this.#revision === revision &&
      this.#upstream === upstream &&
      this.#application === application &&
      this.#isForwarded === attempts.length > 0
    );
  }
}

/** Stands at a client of which one record has been written. Most clients of which a second one follows send many. */
const seenOnce = {};

/** The values of the first half of a line, except the client's facts; with its bytes after the second use. */
class CachedPrefix {
  bytes: Uint8Array | null = null;
  /** Its lines also have what the writer says of its process. */
  readonly #writer: RecordWriter;
  readonly #version: HttpVersion;
  readonly #revision: number;
  readonly #route: string;
  readonly #upstream: string;
  readonly #application: string;
  readonly #method: string;
  readonly #authority: string;
  readonly #isForwarded: boolean;

  constructor(exchange: EndedExchange, writer: RecordWriter) {
    this.#writer = writer;
    this.#version = exchange.version;
    this.#revision = exchange.revision;
    this.#route = exchange.route;
    this.#upstream = exchange.upstream;
    this.#application = exchange.application;
    this.#method = exchange.method;
    this.#authority = exchange.authority;
    this.#isForwarded = exchange.attempts.length > 0;
  }

  isOf(exchange: EndedExchange, writer: RecordWriter): boolean {
    return (
      this.#writer === writer &&
      this.#version === exchange.version &&
      this.#authority === exchange.authority &&
      this.#route === exchange.route &&
      this.#method === exchange.method &&
      this.#revision === exchange.revision &&
      this.#upstream === exchange.upstream &&
      this.#application === exchange.application &&
      this.#isForwarded === exchange.attempts.length > 0
    );
  }
}
