import type { AwaitingRequest } from '../../core/awaited-responses.ts';
import { invariantOf } from '../../core/assert.ts';
import { requestRules } from '#failures/rules.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Capabilities, OutgoingRequest, Ownership } from '../../core/message.ts';
import type { AttemptLimits, UpstreamHandler } from '../../core/stream.ts';
import type { Instant } from '../../core/time.ts';
import type { Transport } from '../../core/transport.ts';
import { unknownCode } from '../../core/unknown-code.ts';
import { BodyReader, type BodyTaker } from '../../wire/body-reader.ts';
import { cgiHead, pushCgiHead } from '../../wire/cgi-head.ts';
import { FastCgiReader, type FastCgiTaker } from '../../wire/fastcgi-reader.ts';
import { guessBytes } from '../../wire/guess-bytes.ts';
import { hasStreamType } from '../../wire/is-stream.ts';
import { responseLimitsWith } from '../../wire/limits.ts';
import type { ParsedResponseHead } from '../../wire/parsed-response-head.ts';
import { firstBytesOf, type ResponseHeadParser } from '../../wire/response-head.ts';
import { connectionFailure, type LostConnection, refusedResponse } from '../connection-failure.ts';
import type { Http1StreamOwner, Http1StreamPorts } from '../http1-stream-owner.ts';
import { Http1Timeouts } from '../http1-timeouts.ts';
import type { ConnectionSettings } from '../ports.ts';
import type { SerialStream } from '../serial-connection.ts';
import { ignoredUpgrade } from '../switch-failure.ts';
import { ErrorText, scriptRefusal } from './error-text.ts';
import { hidesSlash } from './cgi-variables.ts';
import { FastCgiRequest } from './fastcgi-request.ts';
import { acquireParser, releaseParser } from './free-parsers.ts';

const capabilities: Capabilities = { protocol: 'fastcgi', multiplexed: false, trailers: false };

const noBytes = new Uint8Array(0);

/**
 * One request and its response on a FastCGI connection. The object lives as long as its connection and is used again for the next request.
 *
 *     idle ──send──▶ head ──▶ body ──END_REQUEST──▶ idle        any ──▶ over
 *
 * Only END_REQUEST completes a response, or the end of the connection after as many bytes as it has announced.
 * Every way in which an endpoint can fail a request arrives here and leaves as one `Failure` by `#failWith`.
 */
export class FastCgiStream implements SerialStream, BodyTaker, FastCgiTaker {
  readonly capabilities = capabilities;
  readonly transport: Transport;
  readonly address: string;
  readonly localPort: number;
  reused = false;
  idleMs = 0;
  requestSent = false;
  answerBegun = false;

  readonly #connection: Http1StreamOwner;
  readonly #ports: Http1StreamPorts;
  readonly #request: FastCgiRequest;
  readonly #reader: FastCgiReader;
  readonly #parser: ResponseHeadParser;
  readonly #body: BodyReader;
  readonly #timeouts: Http1Timeouts;
  #phase: 'idle' | 'head' | 'body' | 'over' = 'idle';
  #handler: UpstreamHandler | null = null;
  #outgoing: OutgoingRequest | null = null;
  #method = 'GET';
  #isWebSocket = false;
  #status = 0;
  /** Null: the application has written nothing to STDERR. */
  #errorText: ErrorText | null = null;
  /** Bytes of a body that is longer than announced. */
  #surplus = 0;
  #served = 0;
  #isLast = false;
  #paused = false;
  /** The head of a response has come in this read. */
  #isHeadNew = false;

  constructor(connection: Http1StreamOwner, settings: ConnectionSettings, ports: Http1StreamPorts) {
    const { transport } = connection;
    const { address, responseHeadBytesMax: headBytesMax } = settings;
    this.#connection = connection;
    this.transport = transport;
    this.address = address;
    this.localPort = transport.facts.localPort;
    this.#ports = ports;
    this.#request = new FastCgiRequest(transport, ports.writer);
    this.#reader = new FastCgiReader(this);
    this.#parser = acquireParser(responseLimitsWith(headBytesMax), ports.storage);
    this.#body = new BodyReader(transport, this);
    const timed = { deadline: connection, address, transport, parser: this.#parser, body: this.#body };
    this.#timeouts = new Http1Timeouts(timed, ports.clock);
  }

  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  get awaitedSince(): Instant | null {
    return this.#phase === 'head' && this.requestSent && !this.answerBegun ? this.#timeouts.sentAt : null;
  }

  get awaiting(): AwaitingRequest | null {
    return this.#handler?.awaiting ?? null;
  }

  open(idleMs: number): void {
    this.reused = this.#served > 0;
    this.idleMs = this.reused ? idleMs : 0;
  }

  // The request.

  send(request: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    this.#phase = 'head';
    this.#handler = handler;
    this.#timeouts.begin(limits);
    this.#method = request.method;
    this.#isWebSocket = (request.webSocketKey ?? null) !== null;
    this.requestSent = false;
    this.answerBegun = false;
    this.#status = 0;
    this.#errorText = null;
    this.#surplus = 0;
    this.#isLast = this.#connection.isLastRequest;
    this.#parser.expect(request.method);
    this.#reader.begin();
    this.#outgoing = request;
    const failure = refusalOf(request) ?? (this.#request.begin(request, this.#isLast) ? null : lengthRequired());
    if (failure !== null) this.#failWith(failure);
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#handler === null) return true;
    const hasRoom = this.#request.sendBody(bytes, start, end, ownership);
    if (!hasRoom) this.#watch();
    return hasRoom;
  }

  endBody(): void {
    if (this.#handler !== null) this.#request.end();
  }

  flush(): void {
    if (this.#phase === 'idle' || this.#phase === 'over') return;
    const taken = this.#request.flush();
    if (this.requestSent) return;
    if (taken) this.#noteSent();
    this.#watchAfterSending();
  }

  get requestBegun(): boolean {
    return this.#request.begun;
  }

  /** Records are not taken apart: a body of which a part was given is lost with them. */
  get unsentBody(): Uint8Array | null {
    return this.#request.bytesSent === 0 && !this.#request.begun ? noBytes : null;
  }

  onWritten(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#noteSent();
    this.#watchAfterSending();
    try {
      handler.onEndpointRoom();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  #noteSent(): void {
    if (!this.#request.isWhole || this.requestSent) return;
    this.requestSent = true;
    this.#timeouts.requestSent();
  }

  // The response.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const handler = this.#handler;
    if (handler === null) return;
    try {
      this.#read(handler, bytes, start, end);
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  /** A defect in Candor ends this exchange, not the worker with all others. */
  #broken(handler: UpstreamHandler, error: unknown): void {
    this.#handler ??= handler; // The response may have ended here already, and still be on its way to the client.
    this.#failWith(fail('gateway_fault', 'response', { invariant: invariantOf(error) }));
  }

  #read(handler: UpstreamHandler, bytes: Uint8Array, start: number, end: number): void {
    const consumed = this.#reader.push(bytes, start, end);
    if (this.#handler === handler && this.#reader.state === 'refused') this.#failWith(this.#refusal(bytes, start, end));
    if (this.#handler === handler && this.#reader.state === 'ended') this.#end(end - start - consumed);
    if (this.#handler === handler) {
      this.#watch();
      if (this.#isHeadNew && hasStreamType((this.#parser.head as ParsedResponseHead).headers)) this.#connection.lasts();
    }
    this.#isHeadNew = false;
    handler.onResponseReadDone();
  }

  #refusal(bytes: Uint8Array, start: number, end: number): Failure {
    const { address } = this;
    const { rule, isOtherProtocol } = this.#reader;
    if (!isOtherProtocol) return fail('response_records', this.#stage, { address, rule });
    const first = bytes.subarray(start, end);
    return fail('response_not_fastcgi', 'response', {
      address,
      firstBytes: firstBytesOf(first),
      guess: guessBytes(first),
    });
  }

  get #stage(): 'response' | 'body' {
    return this.#phase === 'body' ? 'body' : 'response';
  }

  onOutput(bytes: Uint8Array, start: number, end: number): void {
    this.#timeouts.byteReceived();
    let at = start;
    if (this.#phase === 'head') at += this.#readHead(bytes, start, end);
    if (this.#phase === 'body' && at < end) this.#surplus += end - at - this.#body.push(bytes, at, end);
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    this.answerBegun = true;
    const consumed = pushCgiHead(this.#parser, bytes, start, end);
    const { head, state } = this.#parser;
    if (state === 'refused') this.#failWith(refusedResponse(this.#parser, this.address, 0));
    else if (head !== null) this.#onHead(head);
    return consumed;
  }

  #onHead(parsed: ParsedResponseHead): void {
    const { address } = this;
    const head = cgiHead(parsed, this.#method);
    if (head === null)
      return this.#failWith(fail('response_header', 'response', { address, rule: 'cgi-status', name: 'Status' }));
    this.#status = head.status;
    if (this.#refusesScript()) return;
    if (this.#isWebSocket && head.status < 300) return this.#failWith(ignoredUpgrade(address, head.status));
    this.#phase = 'body';
    this.#isHeadNew = true;
    this.#body.begin(head.framing);
    this.#timeouts.beginBody();
    this.#handler?.onResponse(head);
  }

  onBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.#handler?.onResponseBody(bytes, start, end, ownership);
  }

  onErrorText(bytes: Uint8Array, start: number, end: number): void {
    this.#errorText ??= new ErrorText();
    this.#errorText.add(bytes, start, end);
    this.#refusesScript();
  }

  /** Fails where the server says that it has not run the program: its 404 is no answer of the application. */
  #refusesScript(): boolean {
    if (this.#status < 403 || this.#status > 404 || this.#errorText === null) return false;
    const why = scriptRefusal(this.#errorText.text);
    if (why === null || this.#handler === null) return false;
    const onUnknown = why === 'unknown' ? this.#outgoing?.cgi?.()?.script?.onUnknown : undefined;
    this.#failWith(onUnknown?.() ?? fail('script_unknown', 'response', { address: this.address, why }));
    return true;
  }

  onRequestEnd(status: string): void {
    const { address } = this;
    if (status !== 'FCGI_REQUEST_COMPLETE')
      return this.#failWith(fail('stream_refused', 'response', { address, code: status, frame: 'END_REQUEST' }));
    if (this.#phase === 'head' || !this.#isComplete) this.#failWith(this.#lost(null) as Failure);
  }

  /** Whether the body is as long as its head has announced. */
  get #isComplete(): boolean {
    return this.#body.state === 'whole' || this.#body.framing.kind === 'until-close';
  }

  #end(surplus: number): void {
    const handler = this.#handler;
    if (handler === null) return;
    const reusable = !this.#isLast && this.#request.isWhole && this.requestSent && surplus === 0;
    this.#giveErrorText(handler);
    this.#handler = null;
    this.#outgoing = null;
    this.#body.stop();
    if (this.#paused) this.resumeBody();
    if (surplus + this.#surplus > 0) handler.onSurplus?.(surplus + this.#surplus);
    handler.onResponseEnd(null);
    // Only now: a response that was held until it was whole is forwarded in that call, with its headers.
    this.#parser.reset();
    if (!reusable) return this.#connection.end('going_away', 'close');
    this.#phase = 'idle';
    this.#served++;
    this.#connection.reuse(this.#timeouts.lastByteAt);
  }

  #giveErrorText(handler: UpstreamHandler): void {
    if (this.#errorText !== null) handler.onErrorText?.(this.#errorText.text);
  }

  pauseBody(): void {
    this.#paused = true;
    this.#watch();
    this.transport.pause();
  }

  resumeBody(): void {
    this.#paused = false;
    this.#timeouts.byteReceived();
    this.#watch();
    this.transport.resume();
  }

  keepBody(): void {
    this.#body.leaveBuffer();
  }

  // What can go wrong.

  /** Sets the deadline: the limit that is reached first from here on. */
  #watch(): void {
    if (this.#phase === 'body') this.#timeouts.watchBody(this.#paused);
    else if (this.#phase === 'head') this.#timeouts.watchHead();
  }

  #watchAfterSending(): void {
    if (this.#phase === 'body') this.#timeouts.noteSent();
    this.#watch();
  }

  onExpired(now: Instant): void {
    const timeouts = this.#timeouts;
    if (this.#phase === 'body') {
      if (timeouts.noteSent()) return this.#watch();
      if (this.#body.state === 'whole') return this.#endWithConnection();
      return this.#failWith(timeouts.bodyFailure(!this.#request.isWhole && this.transport.pendingBytes === 0));
    }
    if (timeouts.isTakingBytes) return this.#watch();
    this.#failWith(withFastCgi(timeouts.headFailure(now, this.#request.bytesSent, 0)));
  }

  onEnd(): void {
    if (this.#phase === 'body' && this.#body.state === 'whole') this.#endWithConnection();
    else this.#failWith(this.#lost(null) as Failure);
  }

  /** All that was announced has come, but the end of the request has not. */
  #endWithConnection(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#isLast = true;
    try {
      this.#end(0);
      handler.onResponseReadDone();
    } catch (error) {
      this.#broken(handler, error);
    }
  }

  onClosed(errno: string | null): void {
    if (this.#handler === null) return this.#connection.end('broken', 'close');
    if (this.#phase === 'body' && this.#body.state === 'whole') return this.#endWithConnection();
    const code = errno ?? 'ECONNRESET';
    const failure = this.#lost(code);
    if (failure !== null) return this.#failWith(failure);
    const unknown = { stage: this.#stage, code } as const;
    this.#ports.onUnclassified(unknown);
    this.#failWith(unknownCode(unknown));
  }

  /** By FIN or END_REQUEST (null), or with a code of the system. Null: the code is unknown. */
  #lost(code: string | null): Failure | null {
    const { address, reused, idleMs, requestSent } = this;
    const { framing, bytesReceived } = this.#body;
    const lost = { address, reused, idleMs, requestSent, bytesSent: this.#request.bytesSent };
    const at: LostConnection =
      this.#phase === 'body'
        ? { ...lost, at: 'body', framing, bytesReceived, frames: true }
        : this.#parser.began
          ? { ...lost, at: 'head', bytesReceived: this.#parser.bytesHeld }
          : { ...lost, at: 'before' };
    return withFastCgi(connectionFailure(at, code));
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#outgoing = null;
    this.#reader.stop();
    if (handler !== null) this.#giveErrorText(handler);
    this.#connection.end('broken', 'close');
    handler?.onAttemptFailed(failure);
  }

  /** The connection ends: servers notice that, and few read ABORT_REQUEST before they have written. */
  cancel(): void {
    this.#handler = null;
    this.#outgoing = null;
    this.#reader.stop();
    if (this.#phase !== 'idle') this.#connection.end('broken', 'close');
    else if (this.#connection.streamsOpen > 0) this.#connection.reuse(this.#connection.idleSince); // Nothing was sent.
  }

  /** For the connection alone. */
  onConnectionEnded(): void {
    this.#phase = 'over';
    releaseParser(this.#parser);
    this.#request.discard();
  }
}

/** The texts of these causes are others for servers such as php-fpm. */
function withFastCgi<F extends Failure | null>(failure: F): F {
  switch (failure?.cause) {
    case 'closed_before_response':
    case 'reset_before_response':
    case 'response_stream_cut':
    case 'response_head_timeout':
      return { ...failure, evidence: { ...failure.evidence, fastcgi: true } };
    default:
      return failure;
  }
}

/** The path is told decoded. Without a program it is all for the application. */
function refusalOf(request: OutgoingRequest): Failure | null {
  const [path = ''] = request.target.split('?', 1);
  if (!hidesSlash(path)) return null;
  const root = request.cgi?.()?.script?.root ?? '';
  return fail('script_not_found', 'request', { script: path, root, why: 'bad_path' });
}

function lengthRequired(): Failure {
  const rule = 'length-required';
  return fail('request_refused', 'request', {
    rule,
    status: requestRules[rule].status,
    at: 'the body has no Content-Length',
  });
}
