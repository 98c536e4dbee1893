import { hasNoBody, type RequestHead } from '../core/message.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Attempt, AttemptOwner } from './attempt.ts';

/** More of a response is not read only to use its connection again. */
const bytesMax = 64 * 1024;
const msMax = 250;

interface DroppingExchange extends AttemptOwner {
  readonly request: AttemptOwner['request'] & Pick<RequestHead, 'framing'>;
  readonly requestComplete: boolean;
  onResponseDropped(): void;
}

/**
 * The rest of a response of which only the head was wanted: it is read, so that its connection can be used again, and the application is not
 * disturbed. An attempt that sends more, takes longer, or still waits for the request is cancelled.
 */
export class DroppedResponse implements AttemptOwner {
  readonly #attempt: Attempt;
  readonly #exchange: DroppingExchange;
  readonly #timer: Timer;
  #bytes = 0;
  #isOver = false;

  static begin(attempt: Attempt, exchange: DroppingExchange, clock: Clock): void {
    const dropped = new DroppedResponse(attempt, exchange, clock);
    attempt.handTo(dropped);
    if (!exchange.requestComplete && !hasNoBody(exchange.request.framing)) dropped.cancel();
  }

  private constructor(attempt: Attempt, exchange: DroppingExchange, clock: Clock) {
    this.#attempt = attempt;
    this.#exchange = exchange;
    this.#timer = clock.schedule(after(clock.now(), msMax), timedOut, this as DroppedResponse);
  }

  /** The exchange may have given up the attempt meanwhile: then nothing follows. */
  cancel(): void {
    if (this.#isOver || this.#attempt.isOver) return;
    this.#attempt.giveUp(null);
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#timer.cancel();
    this.#exchange.onResponseDropped();
  }

  onAttemptBody(_: Attempt, __: Uint8Array, start: number, end: number): void {
    this.#bytes += end - start;
    if (this.#bytes > bytesMax) this.cancel();
  }

  onAttemptEnded(): void {
    this.#end();
  }

  /** Nothing that was wanted is lost. */
  onAttemptFailed(attempt: Attempt): void {
    attempt.succeeded();
    this.#end();
  }

  get client(): AttemptOwner['client'] {
    return this.#exchange.client;
  }

  get route(): string {
    return this.#exchange.route;
  }

  get request(): DroppingExchange['request'] {
    return this.#exchange.request;
  }

  get clientCapabilities(): AttemptOwner['clientCapabilities'] {
    return this.#exchange.clientCapabilities;
  }

  elapsedMs(): number {
    return this.#exchange.elapsedMs();
  }

  onFaultAfterAttemptEnd(...[attempt, failure]: Parameters<AttemptOwner['onFaultAfterAttemptEnd']>): void {
    this.#exchange.onFaultAfterAttemptEnd(attempt, failure);
  }

  // Nothing of this follows a head, or has a meaning then.
  onAttemptStream(): void {}
  onAttemptInterimResponse(): void {}
  onAttemptSwitched(): void {}
  onAttemptResponse(): void {}
  onAttemptReadDone(): void {}
  onAttemptRoom(): void {}
}

function timedOut(dropped: DroppedResponse): void {
  dropped.cancel();
}
