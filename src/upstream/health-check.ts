import type { Cancellable, Connector, UnknownCode } from '../core/connector.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import { addressText, hostPort } from '../core/endpoint.ts';
import type { Failure } from '#failures/failure.ts';
import { spokenIn } from '#failures/guess-words.ts';
import type {
  GrpcAnswer,
  GrpcProbe,
  HealthChecker,
  HealthCheckRequest,
  HealthCheckResult,
  HealthCheckTarget,
  HttpProbe,
} from '../core/health-checker.ts';
import type { MessageHeaders, Framing, ResponseHead } from '../core/message.ts';
import { after, type Clock } from '../core/time.ts';
import type { ServerCertificate, Transport, TransportListener } from '../core/transport.ts';
import { unknownCode } from '../core/unknown-code.ts';
import { BodyReader, type BodyTaker } from '../wire/body-reader.ts';
import { healthCheckPath, healthRequest, servingStatusIn } from '../wire/grpc-health.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { proxyHeader } from '../wire/write-proxy-protocol.ts';
import { interimMax, responseLimits } from '../wire/limits.ts';
import type { ParsedResponseHead } from '../wire/parsed-response-head.ts';
import { isFinalStatus, ResponseHeadParser } from '../wire/response-head.ts';
import {
  connectionFailure,
  bodyRefused,
  interimExcess,
  type LostConnection,
  refusedResponse,
} from './connection-failure.ts';
import { Dial, type DialTarget, type DialWaiter } from './dial.ts';
import { Http2Check, type Http2CheckOwner } from './h2/http2-check.ts';
import { LimitedLooks, OtherProtocolLook } from './other-protocol.ts';
import { protocolsOffered } from './pool-dial.ts';

interface HealthCheckPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** Called for an error code that no entry of the failure table fits, so that it can be counted. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
}

/** The checker of this process: connects as a request would, and reads the answer with the same parser. */
export function createHealthChecker(ports: HealthCheckPorts): HealthChecker {
  const looks = new LimitedLooks(ports.clock);
  return {
    check: (request, onResult) => {
      const check = new HealthCheck(request, ports, looks, onResult);
      check.begin();
      return check;
    },
  };
}

/** Enough to recognise a protocol or an error page, and to find a secret whole before the text is shortened. */
const firstBytesMax = 512;

/** What an address is asked of which a connection tells too little. */
const firstPage: HttpProbe = { kind: 'http', path: '/', host: null, userAgent: 'health-check', reads: 'head' };

/** A body of this size is taken for complete: a larger one has been served as well as any check can tell. */
const bodyBytesMax = 65_536;

const noBytes = new Uint8Array(0);

/** One check: a connection, or a GET and its answer, within one time limit. Reports exactly once unless it is cancelled. */
class HealthCheck extends Deadline implements DialWaiter, TransportListener, BodyTaker, Http2CheckOwner, Cancellable {
  readonly #request: HealthCheckRequest;
  readonly #ports: HealthCheckPorts;
  readonly #onResult: (result: HealthCheckResult) => void;
  readonly #parser = new ResponseHeadParser(responseLimits, new HeadStorage());
  readonly #body = new BodyReader({ readInBulk: () => {} }, this as BodyTaker);
  readonly #dial: Dial;
  readonly #looks: LimitedLooks;
  /** A connection is enough, but the address has shown to speak another protocol than HTTP/1.1: it is asked whether it still does. */
  readonly #asksFirstPage: boolean;
  readonly #target: DialTarget;
  /** While an endpoint that closed the connection of the request is asked for other protocols. */
  #look: OtherProtocolLook | null = null;
  #lostBy: Failure | null = null;
  #transport: Transport | null = null;
  /** Where HTTP/2 is spoken. */
  #http2: Http2Check | null = null;
  #bodyBytes = 0;
  #interimResponses = 0;
  /** Of all heads. */
  #headBytes = 0;
  /** The address that accepted the connection: the target's, or the second one of its name. */
  #address: string;
  #answer: Answer | null = null;
  #firstBytes: Uint8Array = noBytes;
  /** Of an error, the part of the body that has come with the head is read: no check waits for the rest. */
  #readsWhatHasCome = false;
  #isOver = false;

  constructor(
    request: HealthCheckRequest,
    ports: HealthCheckPorts,
    looks: LimitedLooks,
    onResult: (result: HealthCheckResult) => void,
  ) {
    super();
    this.#looks = looks;
    this.#asksFirstPage =
      request.probe.kind === 'tcp' &&
      (request.protocol ?? 'http1') === 'http1' &&
      looks.speaksAnother(addressText(request.address));
    this.#request = this.#asksFirstPage ? { ...request, probe: firstPage } : request;
    this.#ports = ports;
    this.#onResult = onResult;
    const { timeoutMs, address, name = null, secondAddress = null, tls, proxyProtocol, protocol } = request;
    this.#address = addressText(address);
    const limits = { dnsMs: timeoutMs, connectMs: timeoutMs, tlsMs: timeoutMs };
    const header = proxyProtocol === undefined ? null : proxyHeader(proxyProtocol, null);
    this.#target = {
      address,
      name,
      secondAddress,
      addressText: this.#address,
      tls,
      header,
      protocols: protocolsOffered(protocol),
      limits,
    };
    this.#dial = new Dial(this.#target, ports, this);
  }

  begin(): void {
    this.at = after(this.#ports.clock.now(), this.#request.timeoutMs);
    this.#ports.deadlines.add(this);
    this.#dial.begin();
  }

  cancel(): void {
    this.#end(null);
  }

  onStageDone(): void {}

  onDialed(transport: Transport, address: string): void {
    if (this.#isOver) return transport.close('close');
    const { probe } = this.#request;
    this.#address = address;
    this.#transport = transport;
    transport.listener = this;
    if (probe.kind === 'tcp') return this.#end({ kind: 'connected', address, ...certificateOf(transport) });
    if (probe.kind === 'grpc') return this.#askGrpc(transport, address, probe);
    if (this.#isHttp2(transport)) return this.#askOverHttp2(transport, address, probe);
    this.#parser.expect('GET');
    const bytes = new TextEncoder().encode(requestText(probe, this.#request));
    transport.write(bytes, 0, bytes.length, 'owned');
  }

  #isHttp2({ facts }: Transport): boolean {
    return facts.tls === null ? this.#request.protocol === 'http2' : facts.tls.alpn === 'h2';
  }

  #askOverHttp2(transport: Transport, address: string, { path, host, userAgent, headers = [] }: HttpProbe): void {
    const authority = host ?? hostOf(this.#request);
    this.#http2 = new Http2Check(transport, address, this.#ports, this);
    const isSecure = this.#request.tls !== null;
    this.#http2.begin({ path, authority, userAgent, headers, isSecure }, 2 * this.#request.timeoutMs);
  }

  #askGrpc(transport: Transport, address: string, { service, host, userAgent }: GrpcProbe): void {
    this.#http2 = new Http2Check(transport, address, this.#ports, this);
    const { tls, timeoutMs } = this.#request;
    const authority = host ?? hostOf(this.#request);
    const asked = { path: healthCheckPath, authority, userAgent, isSecure: tls !== null };
    const headers = [['content-type', 'application/grpc']] as const;
    this.#http2.begin({ ...asked, headers, body: healthRequest(service) }, 2 * timeoutMs);
  }

  onAnswer(head: ResponseHead): void {
    this.#answer = answerOf(head, this.#request.probe);
    if (!this.#readsBody) this.#answered();
  }

  onAnswerBody(bytes: Uint8Array, start: number, end: number): void {
    this.#bodyBytes += end - start;
    this.#keepFirst(bytes, start, end);
    if (this.#bodyBytes >= bodyBytesMax) this.#answered();
  }

  onAnswerEnd(trailers: MessageHeaders | null): void {
    this.#answered(trailers);
  }

  onAnswerFailed(failure: Failure): void {
    this.#fail(failure);
  }

  onDialFailed(failure: Failure): void {
    this.#fail(failure);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#answer !== null) return this.#readBody(bytes, start, end);
    this.#keepFirst(bytes, start, end);
    let at = start;
    while (at < end && !this.#isOver && this.#answer === null) {
      const taken = this.#parser.push(bytes, at, end);
      this.#headBytes += taken;
      at += taken;
      const { state, head } = this.#parser;
      if (state === 'refused') return this.#fail(refusedResponse(this.#parser, this.#targetText, 0));
      if (state !== 'complete' || head === null) continue;
      if (isFinalStatus(head.status)) this.#onHead(head);
      else if (++this.#interimResponses > interimMax) {
        return this.#fail(interimExcess(this.#targetText, this.#interimResponses, this.#headBytes));
      } else {
        this.#parser.reset();
        this.#parser.expect('GET');
      }
    }
    if (!this.#isOver) this.#readBody(bytes, at, end);
    if (this.#readsWhatHasCome) this.#answered();
  }

  #onHead(head: ParsedResponseHead): void {
    const { framing } = head;
    this.#answer = answerOf(head, this.#request.probe);
    this.#firstBytes = noBytes;
    const { probe } = this.#request;
    this.#readsWhatHasCome =
      !this.#readsBody && probe.kind === 'http' && probe.reads === 'advice' && head.status >= 400;
    if (!this.#readsBody) return this.#answered();
    this.#body.begin(framing);
    if (this.#body.state === 'whole') this.#answered();
  }

  #readBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver || start >= end) return;
    this.#body.push(bytes, start, end);
    if (this.#body.state === 'refused') this.#fail(bodyRefused(this.#body, this.#targetText));
    else if (this.#body.state === 'whole' || this.#body.bytesReceived >= bodyBytesMax) this.#answered();
  }

  /** For the reader of the body. */
  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.#keepFirst(bytes, start, end);
  }

  #keepFirst(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#readsBody) return;
    const room = this.#keptBytesMax - this.#firstBytes.length;
    if (room <= 0) return;
    this.#firstBytes = Buffer.concat([this.#firstBytes, bytes.subarray(start, Math.min(end, start + room))]);
  }

  get #keptBytesMax(): number {
    const { probe } = this.#request;
    return (probe.kind === 'http' ? probe.keptBytesMax : undefined) ?? firstBytesMax;
  }

  get #readsBody(): boolean {
    const { probe } = this.#request;
    if (probe.kind !== 'http') return probe.kind === 'grpc';
    return probe.reads === 'body' || this.#answer?.isAdvice === true || this.#readsWhatHasCome;
  }

  /** The status of the response has decided already; what its body would say is not essential. */
  get #hasDecided(): boolean {
    const { probe } = this.#request;
    return probe.kind === 'http' && probe.reads === 'advice' && this.#answer !== null;
  }

  get #targetText(): string {
    return addressText(this.#request.address);
  }

  #answered(trailers: MessageHeaders | null = null): void {
    if (this.#answer === null || this.#transport === null) return;
    const { framing: _framing, grpcStatus, isAdvice, ...answer } = this.#answer;
    const certificate = certificateOf(this.#transport);
    this.#end({
      kind: 'answered',
      address: this.#address,
      ...answer,
      firstBytes: this.#firstBytes,
      ...(isAdvice ? { isAdvice: true as const } : {}),
      ...(this.#request.probe.kind === 'grpc' ? { grpc: this.#grpcAnswer(trailers, grpcStatus) } : {}),
      ...certificate,
    });
  }

  #grpcAnswer(trailers: MessageHeaders | null, statusOfHead: string | null): GrpcAnswer {
    const code = trailers?.get('grpc-status') ?? statusOfHead;
    const serving = servingStatusIn(this.#firstBytes);
    return { code: code !== null && /^\d{1,5}$/.test(code) ? Number(code) : null, serving };
  }

  onEnd(): void {
    if (this.#answer?.framing.kind === 'until-close') this.#answered();
    else this.#onConnectionLost(null);
  }

  onClosed(errno: string | null): void {
    this.#onConnectionLost(errno);
  }

  #onConnectionLost(errno: string | null): void {
    if (this.#isOver || this.#look !== null) return;
    const lost = this.#lostConnection;
    const failure = connectionFailure(lost, errno);
    if (failure !== null && lost.at === 'before') return this.#askOtherProtocols(failure);
    if (failure !== null) return this.#fail(failure);
    const unknown = { stage: 'response', code: errno ?? '' } as const;
    this.#ports.onUnclassified(unknown);
    this.#fail(unknownCode(unknown));
  }

  /** php-fpm closes the connection of an HTTP request as a crashing application does. */
  #askOtherProtocols(failure: Failure): void {
    const { tls, probe } = this.#request;
    if (tls !== null || probe.kind !== 'http' || !this.#looks.mayLook(this.#targetText)) return this.#fail(failure);
    this.#lostBy = failure;
    this.#look = new OtherProtocolLook(this.#target, this.#ports, (spoken) => {
      if (spoken === null) this.#looks.onOtherwise(this.#targetText);
      else if (spokenIn(spoken) === null) this.#looks.mayRepeat(this.#targetText);
      this.#fail(spoken ?? failure);
    });
    this.#look.begin();
  }

  get #lostConnection(): LostConnection {
    const connection = { address: this.#targetText, reused: false, idleMs: 0, requestSent: true, bytesSent: 0 };
    if (this.#answer !== null) {
      const { framing } = this.#answer;
      return { ...connection, at: 'body', bytesReceived: this.#body.bytesReceived, framing };
    }
    if (this.#parser.began) return { ...connection, at: 'head', bytesReceived: this.#parser.bytesHeld };
    return { ...connection, at: 'before' };
  }

  onWritten(): void {}

  override onExpired(): void {
    if (this.#hasDecided) return this.#answered();
    if (this.#lostBy !== null) return this.#fail(this.#lostBy);
    const limitMs = this.#request.timeoutMs;
    const connected = this.#transport !== null;
    this.#end({ kind: 'timed_out', limitMs, connected, status: this.#answer?.status ?? null });
  }

  #fail(failure: Failure): void {
    if (this.#hasDecided) return this.#answered();
    if (spokenIn(failure) !== null) this.#looks.onSpoken(this.#targetText);
    this.#end({ kind: 'failed', failure, firstBytes: this.#firstBytes });
  }

  #end(result: HealthCheckResult | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ports.deadlines.remove(this);
    this.#parser.reset();
    this.#look?.cancel();
    if (this.#transport === null) this.#dial.cancel();
    else if (this.#http2 !== null) this.#http2.close();
    else this.#transport.close('close');
    if (result === null) return;
    if (result.kind === 'answered') this.#looks.onOtherwise(this.#targetText);
    this.#onResult(this.#asksFirstPage ? this.#connectedUnlessSpoken(result) : result);
  }

  /** A connection was asked for, and came about: no other failure of the request counts. */
  #connectedUnlessSpoken(result: HealthCheckResult): HealthCheckResult {
    if (this.#transport === null || (result.kind === 'failed' && spokenIn(result.failure) !== null)) return result;
    return { kind: 'connected', address: this.#address, ...certificateOf(this.#transport) };
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly framing: Framing;
  readonly headers?: ReadonlyMap<string, string>;
  readonly isAdvice: boolean;
  /** Of a response without a body ("trailers-only"). */
  readonly grpcStatus: string | null;
}

function answerOf({ status, headers, framing }: ResponseHead, probe: HealthCheckRequest['probe']): Answer {
  const { readsHeaders = [], reads = 'head' } = probe.kind === 'http' ? probe : {};
  const found = readsHeaders.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const type = reads !== 'head' ? (headers.get('content-type') ?? '') : '';
  return {
    status,
    location: headers.get('location'),
    framing,
    ...(readsHeaders.length === 0 ? {} : { headers: new Map(found) }),
    isAdvice: /^application\/health\+json\b/i.test(type),
    grpcStatus: probe.kind === 'grpc' ? headers.get('grpc-status') : null,
  };
}

function certificateOf({ facts }: Transport): { readonly certificate?: ServerCertificate } {
  const certificate = facts.tls?.serverCertificate;
  return certificate === undefined ? {} : { certificate };
}

function requestText({ path, host, userAgent, headers = [] }: HttpProbe, target: HealthCheckTarget): string {
  const own = [`Host: ${host ?? hostOf(target)}`, `User-Agent: ${userAgent}`, 'Accept: */*', 'Connection: close'];
  const lines = [...own, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** The Host that a request would send: the configured name, not the address that it was resolved to. */
function hostOf({ address, name }: HealthCheckTarget): string {
  if (name === undefined || address.kind === 'unix') return addressText(address);
  return hostPort(name, address.port);
}
