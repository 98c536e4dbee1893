import type { AttemptFacts, ClientFacts, EndedExchange, TunnelFacts } from '../core/exchange.ts';
import { exitExplains, explain, explainExit, typeOf } from '#failures/failure-texts.ts';
import { exitBeforeMs } from '../core/recorded-exit.ts';
import type { Cause, Evidence, Failure } from '#failures/failure.ts';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import { snakeCased, type SnakeCased } from '#failures/json-case.ts';
import { recordVersion } from '../core/record.ts';
import { utf8Text } from '../core/utf8-text.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { stoppedJson } from '../core/recorded-exit.ts';
import { firstLines } from '../redact/first-lines.ts';
import { redactQuery } from '../redact/query.ts';
import { redactAuthority, redactPath } from '../redact/target.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { isFailed, shapeOfExchange, whoseOfExchange } from './exchange-shape.ts';
import { RecordedGatewayStates, isSuccess, SuccessTimes } from './success-times.ts';
import { bounded, exactMs, roundedMs, Timestamps, wholeNumber } from './json-text.ts';
import { recordLimits } from './limits.ts';

/** Values that are the same in every record of a worker. */
export interface RecordContext {
  readonly deployment: string;
  readonly member: string;
  /** When the process started, in milliseconds since the Unix epoch. */
  readonly processStartedUnixMs: number;
  /** What records call the process. */
  readonly processKey: string;
  /** Records name the deployment, the member and the process themselves, because the log has no header lines. */
  readonly inlineConstants?: boolean;
  /** Successes are recorded with the same detail as failures. */
  readonly fullDetail?: boolean;
  readonly worker: number;
  /** Query parameters whose values are kept; lowercase. */
  readonly queryAllowed: readonly string[];
  /** What the worker knows of the surroundings of an exchange; absent: nothing. */
  readonly gatewayStateOf?: (exchange: EndedExchange) => GatewayState;
  /** Further header names, lowercase, whose values are removed from texts that came from outside. */
  readonly secretHeaders?: readonly string[];
}

/** Makes the record of an exchange that has ended: redacted, bounded, with all its keys. */
export class ExchangeRecords {
  readonly #context: RecordContext;
  readonly #timestamps = new Timestamps();
  readonly #times = new SuccessTimes();
  readonly #redactor: TextRedactor;
  readonly #states: RecordedGatewayStates;
  readonly #queryAllowed: ReadonlySet<string>;
  readonly #constants: Pick<ExchangeRecord, 'process' | 'deployment' | 'member' | 'process_started_at'>;
  #lastFailure: Failure | null = null;
  #lastRedacted: Failure | null = null;

  constructor(context: RecordContext) {
    this.#context = context;
    this.#redactor = new TextRedactor(context.secretHeaders);
    this.#states = new RecordedGatewayStates(this.#redactor);
    this.#queryAllowed = new Set(context.queryAllowed);
    const { inlineConstants = false, processKey, deployment, member, processStartedUnixMs } = context;
    this.#constants = {
      process: processKey,
      deployment: inlineConstants ? text(deployment, recordLimits.name) : null,
      member: inlineConstants ? text(member, recordLimits.name) : null,
      process_started_at: inlineConstants ? this.#timestamps.text(processStartedUnixMs) : null,
    };
  }

  recordOf(exchange: EndedExchange): ExchangeRecord {
    const {
      client,
      failure,
      tunnel,
      filterMs = -1,
      bodyMs = -1,
      waitedMs = -1,
      turnMs = -1,
      session = null,
      user = null,
      drawnUpstream = '',
      recordedHeaders = null,
      recordedFields = null,
    } = exchange;
    const shape = shapeOfExchange(exchange);
    const isWhole = isSuccess(exchange);
    const isBrief = this.#context.fullDetail !== true && isWhole;
    const durationMs = exchange.endedAt - exchange.startedAt;
    return {
      v: recordVersion,
      kind: tunnel === null ? 'exchange' : 'tunnel',
      id: text(exchange.id, recordLimits.id),
      trace_id: exchange.traceId === '' ? null : text(exchange.traceId, recordLimits.id),
      at: this.#timestamps.text(exchange.startedWall),
      ...this.#constants,
      worker: wholeNumber(this.#context.worker),
      revision: wholeNumber(exchange.revision),
      route: nameOrNull(exchange.route),
      upstream: nameOrNull(exchange.upstream),
      application: nameOrNull(exchange.application),
      ...this.clientOf(exchange),
      method: text(exchange.method, recordLimits.method),
      scheme: client.scheme,
      host: text(redactAuthority(exchange.authority), recordLimits.host),
      path: text(pathOf(exchange.target), recordLimits.path),
      query: this.#queryOf(exchange.target),
      ...(recordedHeaders === null ? {} : { headers: this.#headers(recordedHeaders) }),
      ...(recordedFields === null ? {} : { fields: this.#headers(recordedFields) }),
      ...(filterMs >= 0 ? { filter_ms: exactMs(filterMs) } : {}),
      ...(bodyMs >= 0 ? { body_ms: exactMs(bodyMs) } : {}),
      ...(waitedMs >= 0 ? { waited_ms: exactMs(waitedMs) } : {}),
      ...(session === null ? {} : { session }),
      ...(user === null ? {} : { user: text(user.name, recordLimits.name) }),
      ...(exchange.pageReplaced === true ? { page_replaced: true as const } : {}),
      ...(drawnUpstream === '' ? {} : { drawn_upstream: text(drawnUpstream, recordLimits.name) }),
      ...(turnMs >= 0 ? { turn_ms: exactMs(turnMs) } : {}),
      ...releaseOf(exchange),
      attempts: isBrief ? [this.#successful(exchange, durationMs)] : this.#attempts(exchange),
      status: numberOrNull(exchange.statusSent),
      received_status: numberOrNull(exchange.statusReceived),
      grpc_status: exchange.grpcStatus ?? null,
      shape,
      type: failure === null ? null : typeOf(failure),
      cause: failure?.cause ?? null,
      whose: whoseOfExchange(exchange),
      stage: failure?.stage ?? null,
      detail: failure === null ? null : text(this.#detail(failure, exchange), recordLimits.detail),
      ...(failure === null || failure === exchange.attempts.at(-1)?.failure
        ? {}
        : { evidence: this.#evidenceOf(failure) }),
      delivery: exchange.delivery,
      end: exchange.endKind,
      bytes_in: wholeNumber(exchange.bytesFromClient),
      bytes_out: wholeNumber(exchange.bytesToClient),
      duration_ms: isBrief ? roundedMs(durationMs) : exactMs(durationMs),
      ...(tunnel === null ? {} : { tunnel: tunnelOf(tunnel) }),
      ...(isWhole ? {} : this.gatewayState(exchange)),
    };
  }

  clientOf({ client, version }: EndedExchange): Pick<ExchangeRecord, 'client' | 'tls'> {
    const { address, port, peerAddress } = client;
    return {
      client: {
        address: text(address, recordLimits.name),
        port: wholeNumber(port),
        peer: text(peerAddress, recordLimits.name),
        protocol: version,
      },
      tls: tlsOf(client),
    };
  }

  /** Shortened before it is redacted, so that an enormous query costs no more than a long one. */
  query(query: string, mark?: string): string {
    return redactQuery(bounded(query, recordLimits.query), this.#queryAllowed, mark);
  }

  #queryOf(target: string): string | null {
    const questionMark = target.indexOf('?');
    return questionMark === -1 ? null : this.query(target.slice(questionMark + 1)).toWellFormed();
  }

  #headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    const entries = Object.entries(headers);
    return Object.fromEntries(
      entries.map(([name, value]) => {
        const open = utf8Text(name === 'referer' ? refererOf(value) : value);
        return [name, text(this.#redactor.redact(open), recordLimits.header)];
      }),
    );
  }

  #attempts(exchange: EndedExchange): AttemptRecord[] {
    const { attempts } = exchange;
    // If there are too many attempts, those before the last are omitted, because the last says most.
    const kept =
      attempts.length <= recordLimits.attempts
        ? attempts
        : [...attempts.slice(0, recordLimits.attempts - 1), attempts.at(-1) as AttemptFacts];
    return kept.map((attempt) => this.#attempt(attempt, exchange));
  }

  #attempt(attempt: AttemptFacts, exchange: EndedExchange): AttemptRecord {
    const { failure, queuedMs = -1 } = attempt;
    return {
      ...whereOf(attempt),
      reused: attempt.reused,
      idle_ms: exactOrNull(attempt.idleMs),
      local_port: numberOrNull(attempt.localPort),
      started_ms: exactMs(attempt.startedMs),
      ...(queuedMs >= 0 ? { queued_ms: exactMs(queuedMs) } : {}),
      dns_ms: exactOrNull(attempt.dnsMs),
      connected_ms: exactOrNull(attempt.connectedMs),
      tls_ms: exactOrNull(attempt.tlsMs),
      sent_ms: exactOrNull(attempt.sentMs),
      head_ms: exactOrNull(attempt.headMs),
      ended_ms: exactMs(attempt.endedMs),
      status: numberOrNull(attempt.status),
      cause: failure?.cause ?? null,
      stage: failure?.stage ?? null,
      evidence: failure === null ? null : this.#evidenceOf(failure),
      exit: this.#exit(attempt, exchange),
      retry: attempt.retry,
      retry_reason: attempt.retryReason,
      ...otherReleaseOf(attempt, exchange),
      ...surplusOf(attempt),
      ...this.#stderrOf(attempt),
      ...bytesOf(attempt),
    };
  }

  /** The only attempt of a success: without the local port, and with the steps that `SuccessTimes` leaves. */
  #successful(exchange: EndedExchange, durationMs: number): AttemptRecord {
    const [attempt] = exchange.attempts as [AttemptFacts];
    const times = this.#times;
    times.reduce(attempt, durationMs);
    return {
      ...whereOf(attempt),
      reused: attempt.reused,
      idle_ms: roundedOrNull(times.idleMs),
      local_port: null,
      started_ms: roundedMs(times.startedMs),
      ...(times.queuedMs >= 0 ? { queued_ms: roundedMs(times.queuedMs) } : {}),
      dns_ms: roundedOrNull(attempt.dnsMs),
      connected_ms: roundedOrNull(times.connectedMs),
      tls_ms: roundedOrNull(attempt.tlsMs),
      sent_ms: roundedOrNull(times.sentMs),
      head_ms: roundedOrNull(times.headMs),
      ended_ms: roundedMs(times.endedMs),
      status: numberOrNull(attempt.status),
      cause: null,
      stage: null,
      evidence: null,
      exit: null,
      retry: attempt.retry,
      retry_reason: attempt.retryReason,
      ...surplusOf(attempt),
      ...this.#stderrOf(attempt),
    };
  }

  #stderrOf({ errorText = '' }: AttemptFacts): Pick<AttemptRecord, 'stderr'> {
    return errorText === '' ? {} : { stderr: [...firstLines(errorText, this.#redactor)] };
  }

  /** What is known of the surroundings of a failure. */
  gatewayState(exchange: EndedExchange): Pick<ExchangeRecord, 'gateway_state'> {
    const { gatewayStateOf } = this.#context;
    if (gatewayStateOf === undefined || !isFailed(exchange)) return {};
    return { gateway_state: this.#states.recorded(gatewayStateOf(exchange)) };
  }

  #evidenceOf(failure: Failure): SnakeCased<Evidence[Cause]> {
    return snakeCased(this.#redacted(failure).evidence);
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

  #exit(attempt: AttemptFacts, exchange: EndedExchange): AttemptRecord['exit'] {
    const { exit } = attempt;
    if (exit === null) return null;
    const beforeMs = exitBeforeMs(attempt, exit, exchange.startedAt);
    return {
      code: exit.code,
      signal: exit.signal === null ? null : text(exit.signal, recordLimits.signal),
      oom: exit.outOfMemory,
      before_ms: beforeMs < 0 ? 0 - exactMs(-beforeMs) : exactMs(beforeMs),
      last_line: exit.lastLine === null ? null : text(this.#redactor.redact(exit.lastLine), recordLimits.evidence),
      ...stoppedJson(exit),
    };
  }

  /** The sentence is made from redacted evidence, so it has no credentials either. */
  #detail(failure: Failure, exchange: EndedExchange): string {
    const sentence = explain(this.#redacted(failure));
    const last = exchange.attempts.at(-1);
    if (last === undefined || !exitExplains(last.failure?.cause, failure.cause)) return sentence;
    return `${sentence}${this.#exitSentence(last, exchange)}${this.#noneReadySentence(last)}`;
  }

  #exitSentence(attempt: AttemptFacts, { startedAt }: EndedExchange): string {
    const { exit } = attempt;
    if (exit === null) return '';
    const lastLine = exit.lastLine === null ? null : this.#redactor.redact(exit.lastLine);
    return ` ${explainExit({ ...exit, lastLine }, exitBeforeMs(attempt, exit, startedAt))}`;
  }

  /** Why no endpoint got another attempt, as the answers of exchanges without an attempt say it. */
  #noneReadySentence({ noneReady = null }: AttemptFacts): string {
    return noneReady === null ? '' : ` ${explain({ ...noneReady, evidence: this.#evidence(noneReady) } as Failure)}`;
  }
}

type AttemptEndpoint = Pick<AttemptRecord, 'endpoint' | 'address' | 'state' | 'address_stale' | 'protocol'>;

function whereOf(attempt: AttemptFacts): AttemptEndpoint {
  const endpoint = text(attempt.endpoint, recordLimits.name);
  const address = text(attempt.address, recordLimits.host);
  const where = { endpoint, address, state: attempt.endpointState };
  const stale = attempt.addressStale === true ? { address_stale: true as const } : {};
  const protocol = attempt.protocol === 'h2' ? { protocol: 'HTTP/2' as const } : {};
  return { ...where, ...stale, ...protocol };
}

/** Of an attempt that was made before one at the other release. */
function otherReleaseOf({ release = null }: AttemptFacts, exchange: EndedExchange): Pick<AttemptRecord, 'release'> {
  if (release === null || release.name === exchange.release?.name) return {};
  return { release: text(release.name, recordLimits.name) };
}

function surplusOf({ surplusBytes = 0 }: AttemptFacts): Pick<AttemptRecord, 'surplus_bytes'> {
  return surplusBytes > 0 ? { surplus_bytes: wholeNumber(surplusBytes) } : {};
}

function bytesOf({
  bytesToEndpoint: to = 0,
  bytesFromEndpoint: from = 0,
}: AttemptFacts): Pick<AttemptRecord, 'bytes_to_endpoint' | 'bytes_from_endpoint'> {
  return {
    ...(to > 0 ? { bytes_to_endpoint: wholeNumber(to) } : {}),
    ...(from > 0 ? { bytes_from_endpoint: wholeNumber(from) } : {}),
  };
}

function tlsOf({ tls }: ClientFacts): ExchangeRecord['tls'] {
  if (tls === null) return null;
  const { version, serverName, cipher } = tls;
  return {
    version: text(version, recordLimits.name),
    sni: serverName === null ? null : text(serverName, recordLimits.host),
    cipher: cipher === null ? null : text(cipher, recordLimits.name),
  };
}

function tunnelOf({ protocol, how, by, closeCode }: TunnelFacts): NonNullable<ExchangeRecord['tunnel']> {
  return { protocol: text(protocol, recordLimits.method), how, by, close_code: closeCode === 0 ? null : closeCode };
}

/** The address of the page that led here, without its query, its fragment and user information, which hold secrets. */
function refererOf(value: string): string {
  const end = value.search(/[?#]/);
  return redactPath((end === -1 ? value : value.slice(0, end)).replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/]*@/i, '$1//'));
}

/** The target without its query. */
function pathOf(target: string): string {
  const questionMark = target.indexOf('?');
  return redactPath(questionMark === -1 ? target : target.slice(0, questionMark));
}

/** Half a surrogate pair becomes U+FFFD: JSON parsers disagree about it otherwise. */
function text(value: string, charactersMax: number): string {
  return bounded(value, charactersMax).toWellFormed();
}

function nameOrNull(name: string): string | null {
  return name === '' ? null : text(name, recordLimits.name);
}

/** Statuses and ports: null for 0. */
function numberOrNull(value: number): number | null {
  return value > 0 ? wholeNumber(value) : null;
}

/** Null for −1: the stage was not reached. */
function exactOrNull(ms: number): number | null {
  return ms >= 0 ? exactMs(ms) : null;
}

function roundedOrNull(ms: number): number | null {
  return ms >= 0 ? roundedMs(ms) : null;
}

function releaseOf({ release }: EndedExchange): Pick<ExchangeRecord, 'release' | 'arm' | 'weight'> {
  if (release === null) return {};
  const { name, arm } = release;
  return {
    release: text(name, recordLimits.name),
    ...(arm === null ? {} : { arm: arm.name, ...(arm.weight === null ? {} : { weight: arm.weight }) }),
  };
}
