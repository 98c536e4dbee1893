import type { Failure } from '#failures/failure.ts';
import { type MessageHeaders, noBody, type OutgoingRequest, type ResponseHead } from '../../core/message.ts';
import type { UpstreamHandler, UpstreamStream } from '../../core/stream.ts';
import type { Transport } from '../../core/transport.ts';
import { HeadStorage } from '../../wire/head-storage.ts';
import { responseLimits } from '../../wire/limits.ts';
import { Http2EndpointConnection, type Http2ConnectionPorts } from './connection.ts';

/** What the check of an endpoint learns of the answer. After the last two nothing follows. */
export interface Http2CheckOwner {
  onAnswer(response: ResponseHead): void;
  onAnswerBody(bytes: Uint8Array, start: number, end: number): void;
  onAnswerEnd(trailers: MessageHeaders | null): void;
  onAnswerFailed(failure: Failure): void;
}

/** For all checks of a process. */
const storage = new HeadStorage();

/** One request of a health check over HTTP/2, by the connection and the streams that requests use. */
export class Http2Check implements UpstreamHandler {
  readonly #connection: Http2EndpointConnection;
  readonly #owner: Http2CheckOwner;
  readonly #stream: UpstreamStream;

  constructor(
    transport: Transport,
    address: string,
    ports: Omit<Http2ConnectionPorts, 'storage'>,
    owner: Http2CheckOwner,
  ) {
    this.#owner = owner;
    const settings = { address, responseHeadBytesMax: responseLimits.headBytesMax, protocol: 'http2' as const };
    this.#connection = new Http2EndpointConnection(transport, settings, { ...ports, storage }, unpooled);
    this.#stream = this.#connection.openStream(ports.clock.now());
  }

  /** `limitMs`: longer than the check's own limit, which then is the one that is met. */
  begin({ path, authority, userAgent, headers, body = null, isSecure }: Http2CheckRequest, limitMs: number): void {
    const request: OutgoingRequest = {
      method: body === null ? 'GET' : 'POST',
      scheme: isSecure ? 'https' : 'http',
      authority,
      target: path,
      framing: body === null ? noBody : { kind: 'length', bytes: body.length },
      upgrade: null,
      takesTrailers: body !== null,
      writeHeaders(sink) {
        sink.header('user-agent', userAgent);
        if (body === null) sink.header('accept', '*/*');
        for (const [name, value] of headers) sink.header(name.toLowerCase(), value);
      },
    };
    this.#stream.send(request, this, { responseHeadMs: limitMs, idleMs: limitMs });
    if (body !== null) this.#stream.sendBody(body, 0, body.length, 'owned');
    this.#stream.endBody(null);
  }

  close(): void {
    this.#stream.cancel();
    this.#connection.close();
  }

  onResponse(response: ResponseHead): void {
    this.#owner.onAnswer(response);
  }

  onResponseBody(bytes: Uint8Array, start: number, end: number): void {
    this.#owner.onAnswerBody(bytes, start, end);
  }

  onResponseEnd(trailers: MessageHeaders | null): void {
    this.#owner.onAnswerEnd(trailers);
  }

  onAttemptFailed(failure: Failure): void {
    this.#owner.onAnswerFailed(failure);
  }

  onInterimResponse(): void {}
  onSwitched(): void {}
  onResponseReadDone(): void {}
  onEndpointRoom(): void {}
}

interface Http2CheckRequest {
  readonly path: string;
  readonly authority: string;
  readonly userAgent: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of a POST; absent: it is a GET. */
  readonly body?: Uint8Array | null;
  readonly isSecure: boolean;
}

/** A check's connection belongs to no pool. */
const unpooled = {
  reusesConnections: false,
  onStreamEnded(): void {},
  onStreamsFreeChanged(): void {},
  onConnectionClosed(): void {},
  onHttp1Required(): void {},
  onReserved(): void {},
};
