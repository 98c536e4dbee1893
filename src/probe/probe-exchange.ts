import { fail, type Failure } from '#failures/failure.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import { type Framing, noBody, type HeaderSink, type OutgoingRequest, type ResponseHead } from '../core/message.ts';
import type { UpstreamHandler, UpstreamStream } from '../core/stream.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { probeFailure, type HttpReport, roundedMs, type HeaderReport } from './probe-report.ts';
import type { ProbeLimits, ProbePorts } from './probe-ports.ts';
import type { Random } from '../core/random.ts';

/** One request of a probe. It carries no credentials: the headers are those that a method here writes. */
export interface ProbeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly upgrade: string | null;
  readonly body: Uint8Array | null;
  /** Bytes of the response body that are read. */
  readonly bodyBytesMax: number;
}

interface ProbeExchangePorts extends Pick<ProbePorts, 'authorOf'> {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/** Of a body so much is kept to find its author. */
const keptBytesMax = 16 * 1024;

/** How long an application may take to answer the close frame of a WebSocket. */
const closeMs = 1000;

/**
 * One request on a stream, from its first byte to the end of its response. Resolves once, with what came: failures are part
 * of the report. Time and bytes are limited.
 */
export class ProbeExchange extends Deadline implements UpstreamHandler {
  readonly done: Promise<HttpReport>;
  readonly #resolve: (report: HttpReport) => void;
  readonly #stream: UpstreamStream;
  readonly #request: ProbeRequest;
  readonly #ports: ProbeExchangePorts;
  readonly #sentAt: Instant;
  readonly #totalMs: number;
  #head: KeptHead | null = null;
  #headAt: Instant | null = null;
  #bytesReceived = 0;
  #body: Buffer = Buffer.alloc(0);
  readonly #interim: number[] = [];
  #isSwitched = false;
  #isOver = false;

  constructor(stream: UpstreamStream, request: ProbeRequest, limits: ProbeLimits, ports: ProbeExchangePorts) {
    super();
    const { promise, resolve } = Promise.withResolvers<HttpReport>();
    this.done = promise;
    this.#resolve = resolve;
    this.#stream = stream;
    this.#request = request;
    this.#ports = ports;
    this.#sentAt = ports.clock.now();
    this.#totalMs = limits.totalMs;
    this.at = after(this.#sentAt, limits.totalMs);
    ports.deadlines.add(this);
    stream.send(outgoing(request), this, { responseHeadMs: limits.headMs, idleMs: limits.idleMs });
    if (request.body !== null) stream.sendBody(request.body, 0, request.body.length, 'owned');
    stream.endBody(null);
    stream.flush();
  }

  onInterimResponse({ status }: ResponseHead): void {
    this.#interim.push(status);
  }

  onResponse(response: ResponseHead): void {
    this.#keep(response);
    // An event stream has no end to wait for.
    if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) this.#stop('unread');
  }

  onSwitched(_protocol: string, response: ResponseHead): void {
    this.#keep(response);
    this.#isSwitched = true;
    this.at = after(this.#ports.clock.now(), closeMs);
    // A WebSocket ends with close frames, so that the application logs no broken connection.
    this.#stream.sendBody(closeFrame, 0, closeFrame.length, 'owned');
    this.#stream.flush();
  }

  onResponseBody(bytes: Uint8Array, start: number, end: number): void {
    this.#bytesReceived += end - start;
    const room = keptBytesMax - this.#body.length;
    if (room > 0) this.#body = Buffer.concat([this.#body, bytes.subarray(start, Math.min(end, start + room))]);
    if (this.#isSwitched) this.#stop('unread');
    else if (this.#bytesReceived > this.#request.bodyBytesMax) this.#stop('limit');
  }

  onResponseEnd(): void {
    this.#finish(this.#isSwitched ? 'unread' : 'complete', null);
  }

  onAttemptFailed(failure: Failure): void {
    if (this.#isSwitched) this.#finish('unread', null);
    else this.#finish('failed', failure);
  }

  onResponseReadDone(): void {}

  onEndpointRoom(): void {}

  override onExpired(): void {
    if (this.#isSwitched) return this.#stop('unread');
    if (this.#head !== null) return this.#stop('limit');
    // The limits of the stream come first, unless the request itself cannot be written.
    const { address } = this.#stream;
    this.#stream.cancel();
    this.#finish('failed', fail('response_head_timeout', 'response', { address, limitMs: this.#totalMs }));
  }

  #keep(response: ResponseHead): void {
    this.#headAt = this.#ports.clock.now();
    const headers: Record<string, string[]> = {};
    response.headers.each((name, value) => {
      (headers[name] ??= []).push(value);
    });
    const { status, reason, version, framing, contentLength } = response;
    const keepAlive = version === 'HTTP/2' || ('keepAlive' in response && response.keepAlive === true);
    const keepAliveTimeoutS =
      'keepAliveTimeoutS' in response && typeof response.keepAliveTimeoutS === 'number'
        ? response.keepAliveTimeoutS
        : null;
    this.#head = { status, reason, version, framing, contentLength, headers, keepAlive, keepAliveTimeoutS };
  }

  #stop(end: 'limit' | 'unread'): void {
    if (this.#isOver) return;
    this.#stream.cancel();
    this.#finish(end, null);
  }

  #finish(end: HttpReport['end'], failure: Failure | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ports.deadlines.remove(this);
    const head = this.#head;
    const now = this.#ports.clock.now();
    this.#resolve({
      address: this.#stream.address,
      method: this.#request.method,
      status: head?.status ?? null,
      reason: head?.reason ?? '',
      version: head?.version ?? null,
      headMs: this.#headAt === null ? null : roundedMs(this.#headAt - this.#sentAt),
      totalMs: end === 'complete' ? roundedMs(now - this.#sentAt) : null,
      framing: head?.framing.kind ?? null,
      contentLength: head === null || head.contentLength < 0 ? null : head.contentLength,
      bytesReceived: this.#bytesReceived,
      end,
      isReused: this.#stream.reused,
      keepsAlive: end === 'complete' && (head?.keepAlive ?? false) && head?.framing.kind !== 'until-close',
      keepAliveTimeoutS: head?.keepAliveTimeoutS ?? null,
      interim: this.#interim,
      headers: head === null ? [] : shownHeaders(head.headers),
      author: head === null ? null : this.#authorOf(head),
      failure: failure === null ? null : probeFailure(failure),
    });
  }

  #authorOf({ status, headers }: KeptHead): HttpReport['author'] {
    return status < 300 ? null : this.#ports.authorOf({ status, headers, body: this.#body.toString('utf8') });
  }
}

interface KeptHead extends Pick<ResponseHead, 'status' | 'reason' | 'version' | 'framing' | 'contentLength'> {
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly keepAlive: boolean;
  readonly keepAliveTimeoutS: number | null;
}

function outgoing({ method, scheme, authority, target, headers, upgrade, body }: ProbeRequest): OutgoingRequest {
  const framing: Framing = body === null ? noBody : { kind: 'length', bytes: body.length };
  return {
    method,
    scheme,
    authority,
    target,
    framing,
    upgrade,
    takesTrailers: false,
    writeHeaders(sink: HeaderSink): void {
      for (const [name, value] of headers) sink.header(name, value);
    },
  };
}

/** Headers that say how a response came. Cookies, tokens and the application's own headers are left out of reports. */
const shown: readonly string[] = [
  'server',
  'via',
  'proxy-status',
  'location',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'alt-svc',
  'retry-after',
  'allow',
  'upgrade',
  'x-cache',
  'age',
];

const valueMax = 300;

function shownHeaders(headers: Readonly<Record<string, readonly string[]>>): readonly HeaderReport[] {
  return shown.flatMap((name) =>
    (headers[name] ?? []).slice(0, 4).map((value) => ({ name, value: value.slice(0, valueMax) })),
  );
}

/** A close frame with code 1000, masked with zeros (RFC 6455 §5.5.1): a probe has nothing to hide in it. */
const closeFrame: Uint8Array = Uint8Array.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

/** The headers of a WebSocket handshake (RFC 6455 §4.1) beside Upgrade and Connection. */
export function webSocketHeaders(random: Random): readonly (readonly [name: string, value: string])[] {
  const key = new Uint8Array(16);
  random.fill(key);
  return [
    ['Sec-WebSocket-Key', Buffer.from(key).toString('base64')],
    ['Sec-WebSocket-Version', '13'],
  ];
}
