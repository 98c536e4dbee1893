import type { Failure } from '#failures/failure.ts';
import type { BodySink, BodyTransform, Filter } from '../core/filter.ts';
import type { MessageHeaders, Ownership } from '../core/message.ts';
import { type BodyReceiver, TransformChain } from './transform-chain.ts';

/** Both ends of the two bodies of an exchange. */
export interface BodyEnds {
  /** False: the endpoint takes no more for now. */
  sendToEndpoint(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  endToEndpoint(trailers: MessageHeaders | null): void;
  flushToEndpoint(): void;
  /** Reads on from the client. */
  resumeClient(): void;
  /** False: the client takes no more for now. */
  sendToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  endToClient(trailers: MessageHeaders | null): void;
  flushToClient(): void;
  /** Reads on from the endpoint. */
  resumeEndpoint(): void;
  onFilterFailed(failure: Failure): void;
}

type MakeTransform = (sink: BodySink) => BodyTransform | null;

/** The bodies of one exchange on their way through transforms. A direction without transforms is passed on as it is. */
export class FilteredBodies {
  readonly #ends: BodyEnds;
  #request: TransformChain | null = null;
  #response: TransformChain | null = null;
  #dropsResponse = false;
  #closed = false;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  get changesRequest(): boolean {
    return this.#request !== null;
  }

  get changesResponse(): boolean {
    return this.#response !== null;
  }

  addRequestTransform(filter: Filter, make: MakeTransform): void {
    const chain = this.#request ?? new TransformChain(new ToEndpoint(this.#ends));
    if (chain.tryAdd(filter, make)) this.#request = chain;
  }

  addResponseTransform(filter: Filter, make: MakeTransform): void {
    const chain = this.#response ?? new TransformChain(new ToClient(this.#ends));
    if (chain.tryAdd(filter, make)) this.#response = chain;
  }

  /** The response has no body: what the endpoint sends of one goes nowhere. */
  dropResponse(): void {
    this.#dropsResponse = true;
  }

  pushRequest(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#closed) return true;
    if (this.#request !== null) return this.#request.push(bytes, start, end, ownership);
    return this.#ends.sendToEndpoint(bytes, start, end, ownership);
  }

  endRequest(trailers: MessageHeaders | null): void {
    if (this.#closed) return;
    if (this.#request !== null) this.#request.end(trailers);
    else this.#ends.endToEndpoint(trailers);
  }

  /** The endpoint takes bytes again. */
  onEndpointRoom(): void {
    if (this.#request !== null) this.#request.onRoom();
    else this.#ends.resumeClient();
  }

  pushResponse(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#closed || this.#dropsResponse) return true;
    if (this.#response !== null) return this.#response.push(bytes, start, end, ownership);
    return this.#ends.sendToClient(bytes, start, end, ownership);
  }

  endResponse(trailers: MessageHeaders | null): void {
    if (this.#closed) return;
    if (this.#response !== null) this.#response.end(trailers);
    else this.#ends.endToClient(this.#dropsResponse ? null : trailers);
  }

  /** The client takes bytes again. */
  onClientRoom(): void {
    if (this.#response !== null) this.#response.onRoom();
    else this.#ends.resumeEndpoint();
  }

  /** Nothing that comes after this goes anywhere. */
  close(): void {
    this.#closed = true;
    this.#request?.close();
    this.#response?.close();
  }
}

class ToEndpoint implements BodyReceiver {
  readonly #ends: BodyEnds;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    return this.#ends.sendToEndpoint(bytes, start, end, ownership);
  }

  endBody(trailers: MessageHeaders | null): void {
    this.#ends.endToEndpoint(trailers);
  }

  flushBody(): void {
    this.#ends.flushToEndpoint();
  }

  resumeSender(): void {
    this.#ends.resumeClient();
  }

  onTransformFailed(failure: Failure): void {
    this.#ends.onFilterFailed(failure);
  }
}

class ToClient implements BodyReceiver {
  readonly #ends: BodyEnds;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    return this.#ends.sendToClient(bytes, start, end, ownership);
  }

  endBody(trailers: MessageHeaders | null): void {
    this.#ends.endToClient(trailers);
  }

  flushBody(): void {
    this.#ends.flushToClient();
  }

  resumeSender(): void {
    this.#ends.resumeEndpoint();
  }

  onTransformFailed(failure: Failure): void {
    this.#ends.onFilterFailed(failure);
  }
}
