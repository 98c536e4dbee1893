import { explainToClient, specOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import { type ContentKind, noContentKind } from '../core/content-kind.ts';
import type { HeaderFilter } from '../core/header-names.ts';
import type { MessageHeaders, HeaderSink, ResponseHead } from '../core/message.ts';
import { grpcMessage } from './grpc-answer.ts';
import type { ExchangeState } from './state.ts';

/** gRPC's DEADLINE_EXCEEDED. */
export const grpcDeadlineExceeded = 4;

/**
 * The trailers that end a gRPC response whose exchange has used up its time; null where the response is truncated instead. Such trailers
 * complete the stream and not the call: a client cannot take what came before them for all. A response with a length cannot end early.
 */
export function grpcDeadlineTrailers(
  { clientCapabilities, grpcStatus }: Pick<ExchangeState, 'clientCapabilities' | 'grpcStatus'>,
  forwarded: Pick<ResponseHead, 'contentLength'> | null,
  failure: Failure,
): MessageHeaders | null {
  if (failure.cause !== 'exchange_timeout' || grpcStatus === null || !clientCapabilities.multiplexed) return null;
  return forwarded === null || forwarded.contentLength >= 0 ? null : new StatusTrailers(failure);
}

class StatusTrailers implements MessageHeaders {
  readonly #pairs: ReadonlyMap<string, string>;

  constructor(failure: Failure) {
    const message = `${specOf(failure).title}. ${explainToClient(failure)}`;
    this.#pairs = new Map([
      ['grpc-status', String(grpcDeadlineExceeded)],
      ['grpc-message', grpcMessage(message)],
    ]);
  }

  get(name: string): string | null {
    return this.#pairs.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.#pairs.has(name);
  }

  /** Of the headers that have a number, none is among these. */
  hasId(): boolean {
    return false;
  }

  contentKind(): ContentKind {
    return noContentKind;
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#pairs) visit(name, value);
  }

  writeTo(sink: HeaderSink, _drop: HeaderFilter): void {
    this.each((name, value) => sink.header(name, value));
  }
}
