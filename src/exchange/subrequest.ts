import type { ClientFacts } from '../core/exchange.ts';
import type { HeaderFilter } from '../core/header-names.ts';
import {
  type Capabilities,
  type MessageHeaders,
  noBody,
  type OutgoingResponse,
  type Ownership,
  type RequestHead,
} from '../core/message.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import type { Subrequest, SubrequestAnswer } from '../core/subrequest.ts';
import type { Clock, Instant } from '../core/time.ts';
import { fail } from '#failures/failure.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { pairsWritten, PairHeaders } from '../core/pair-headers.ts';
import type { Exchange } from './exchange.ts';

/**
 * The client's side of an exchange that the gateway itself begins: its request is asked like a client's, with the timeouts, retries, causes and
 * the record of any other, and its response is kept in memory.
 */
export class SubrequestStream implements DownstreamStream {
  readonly capabilities: Capabilities = { protocol: 'http/1.1', multiplexed: false, trailers: false };
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly startedAt: Instant;
  readonly startedWall: number;
  readonly bodyAtHand = true;
  readonly switchStatus = 101;
  readonly #body: Uint8Array | null;
  readonly #onEnded: (result: Result<SubrequestAnswer>) => void;
  #exchange: (DownstreamHandler & Pick<Exchange, 'failure'>) | null = null;
  #head: { readonly status: number; readonly headers: PairHeaders } | null = null;
  readonly #chunks: Uint8Array[] = [];

  constructor(
    { method, target, authority, headers, body, client }: Subrequest,
    clock: Clock,
    onEnded: (result: Result<SubrequestAnswer>) => void,
  ) {
    this.#body = body;
    this.#onEnded = onEnded;
    this.client = client;
    this.startedAt = clock.now();
    this.startedWall = clock.wallTime();
    this.request = {
      ...{ method, target, authority, scheme: client.scheme, version: 'HTTP/1.1', upgrade: null, takesTrailers: false },
      // Content-Length is written by the protocol of the endpoint, of `framing`.
      headers: new PairHeaders(headers),
      framing: body === null ? noBody : { kind: 'length', bytes: body.length },
    };
  }

  begin(exchange: DownstreamHandler & Pick<Exchange, 'failure'>): void {
    this.#exchange = exchange;
    exchange.onRequest(null);
    this.#exchange?.onRequestReadDone();
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    exchange.onRequestFailed(fail('client_gone', 'request', { bytesSent: 0, how: 'cancelled' }));
    this.#end();
  }

  readBody(): void {
    const body = this.#body;
    // After the caller has done with the head, as a read of a socket would bring it.
    queueMicrotask(() => {
      if (body !== null) this.#exchange?.onRequestBody(body, 0, body.length, 'owned');
      this.#exchange?.onRequestEnd(null);
      this.#exchange?.onRequestReadDone();
    });
  }

  pauseBody(): void {}

  resumeBody(): void {}

  sendInterimResponse(_status: number, _headers: MessageHeaders, _drop: HeaderFilter): void {}

  respond(response: OutgoingResponse): void {
    this.#head = { status: response.status, headers: pairsWritten((sink) => response.writeHeaders(sink)) };
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const sent = bytes.subarray(start, end);
    // Not by `slice`: of a Buffer, as connections lend it, that is a view.
    this.#chunks.push(ownership === 'owned' ? sent : Buffer.from(sent));
    return true;
  }

  switchTo(_protocol: string, _response: OutgoingResponse): void {}

  endBody(_trailers: MessageHeaders | null): void {
    queueMicrotask(() => {
      this.#exchange?.onResponseSent();
      this.#end();
    });
  }

  flush(): void {}

  abort(_forHttp1: boolean): void {
    this.#head = null;
    queueMicrotask(() => this.#end());
  }

  #end(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#exchange = null;
    const { failure } = exchange;
    const head = this.#head;
    if (failure !== null || head === null)
      return this.#onEnded(
        failWith(failure ?? fail('gateway_fault', 'response', { invariant: 'an answer has a head' })),
      );
    const { status, headers } = head;
    this.#onEnded(
      succeed({
        ...{ status, headers: headers.pairs, body: Buffer.concat(this.#chunks) },
        get: (name) => headers.get(name),
      }),
    );
  }
}
