import type { Failure } from '#failures/failure.ts';
import type { BodySink, BodyTransform, Filter } from '../core/filter.ts';
import type { MessageHeaders, Ownership } from '../core/message.ts';
import { assert } from '../core/assert.ts';
import { filterFault } from './filter-fault.ts';

/** What is behind the last transform of a body: the client or the endpoint. */
interface BodyReceiver {
  /** False: the receiver takes no more for now; the chain is told by `onRoom`. */
  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  endBody(trailers: MessageHeaders | null): void;
  /** Sends what was written outside a read: no flush follows by itself. */
  flushBody(): void;
  /** The sender of the body goes on. */
  resumeSender(): void;
  onTransformFailed(failure: Failure): void;
}

/** The transforms of one body, in the order in which bytes pass them. */
class TransformChain {
  readonly receiver: BodyReceiver;
  closed = false;
  /** Calls from the sender that are running: a flush follows them. */
  #depth = 0;
  #first: TransformStage | null = null;
  #last: TransformStage | null = null;

  constructor(receiver: BodyReceiver) {
    this.receiver = receiver;
  }

  get isSending(): boolean {
    return this.#depth > 0;
  }

  /** Adds the transform that `make` makes for `filter`; false: it made none. */
  tryAdd(filter: Filter, make: (sink: BodySink) => BodyTransform | null): boolean {
    const stage = new TransformStage(this, filter, this.#last);
    stage.transform = make(stage);
    if (stage.transform === null) return false;
    if (this.#last !== null) this.#last.next = stage;
    this.#first ??= stage;
    this.#last = stage;
    return true;
  }

  push(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.closed || this.#first === null) return true;
    this.#depth++;
    try {
      return this.#first.push(bytes, start, end, ownership);
    } finally {
      this.#depth--;
    }
  }

  end(trailers: MessageHeaders | null): void {
    if (this.closed) return;
    this.#depth++;
    try {
      this.#first?.finish(trailers);
    } finally {
      this.#depth--;
    }
  }

  /** The receiver takes bytes again. */
  onRoom(): void {
    if (!this.closed) this.#last?.onRoom();
  }

  fail(failure: Failure): void {
    if (this.closed) return;
    this.close();
    this.receiver.onTransformFailed(failure);
  }

  /** Nothing that is written after this goes anywhere. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (let stage = this.#first; stage !== null; stage = stage.next) stage.close();
  }
}

class TransformStage implements BodySink {
  transform: BodyTransform | null = null;
  next: TransformStage | null = null;
  readonly #previous: TransformStage | null;
  readonly #chain: TransformChain;
  readonly #filter: Filter;
  #begun = false;
  #ended = false;

  constructor(chain: TransformChain, filter: Filter, previous: TransformStage | null) {
    this.#chain = chain;
    this.#filter = filter;
    this.#previous = previous;
  }

  // The side of the sender.

  push(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    this.#begun = true;
    try {
      return this.transform?.push(bytes, start, end, ownership) ?? true;
    } catch (error) {
      this.#fault(error);
      return true;
    }
  }

  finish(trailers: MessageHeaders | null): void {
    this.#begun = true;
    try {
      this.transform?.end(trailers);
    } catch (error) {
      this.#fault(error);
    }
  }

  onRoom(): void {
    if (this.transform?.onRoom === undefined) return this.resumeSender();
    try {
      this.transform.onRoom();
    } catch (error) {
      this.#fault(error);
    }
  }

  close(): void {
    try {
      this.transform?.close?.();
    } catch {
      // The exchange has ended: nothing is left that could fail.
    }
  }

  #fault(error: unknown): void {
    this.#chain.fail(filterFault(this.#filter, error));
  }

  // The side of the transform.

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    try {
      return this.#chain.closed || this.#write(bytes, start, end, ownership);
    } catch (error) {
      this.#fault(error);
      return true;
    }
  }

  #write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    assert(this.#begun && !this.#ended, 'a transform writes between its first push and its end');
    if (end === start) return true;
    if (this.next !== null) return this.next.push(bytes, start, end, ownership);
    const { receiver, isSending } = this.#chain;
    const hasRoom = receiver.sendBody(bytes, start, end, ownership);
    if (!isSending) receiver.flushBody();
    return hasRoom;
  }

  end(trailers: MessageHeaders | null): void {
    if (this.#chain.closed) return;
    try {
      this.#end(trailers);
    } catch (error) {
      this.#fault(error);
    }
  }

  #end(trailers: MessageHeaders | null): void {
    assert(this.#begun && !this.#ended, 'a transform ends its body once');
    this.#ended = true;
    if (this.next !== null) return this.next.finish(trailers);
    const { receiver, isSending } = this.#chain;
    receiver.endBody(trailers);
    if (!isSending) receiver.flushBody();
  }

  resumeSender(): void {
    if (this.#chain.closed) return;
    if (this.#previous === null) this.#chain.receiver.resumeSender();
    else this.#previous.onRoom();
  }

  fail(failure: Failure): void {
    this.#chain.fail(failure);
  }
}

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
  #responseTransforms = 0;
  #closed = false;

  constructor(ends: BodyEnds) {
    this.#ends = ends;
  }

  get changesRequest(): boolean {
    return this.#request !== null;
  }

  get responseTransforms(): number {
    return this.#responseTransforms;
  }

  addRequestTransform(filter: Filter, make: MakeTransform): void {
    const chain = this.#request ?? new TransformChain(new ToEndpoint(this.#ends));
    if (chain.tryAdd(filter, make)) this.#request = chain;
  }

  addResponseTransform(filter: Filter, make: MakeTransform): void {
    const chain = this.#response ?? new TransformChain(new ToClient(this.#ends));
    if (!chain.tryAdd(filter, make)) return;
    this.#response = chain;
    this.#responseTransforms++;
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
