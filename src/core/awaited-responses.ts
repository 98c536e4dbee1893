import { countedClient, type CountedParty } from './counted-client.ts';
import { slowMs } from './route-traffic.ts';
import type { Instant } from './time.ts';

/** The request that waits: what is known of it where it has been sent. */
export interface AwaitingRequest extends CountedParty {
  readonly route: string;
}

interface SlowRequest {
  readonly route: string;
  readonly endpoint: string;
  /** See `countedClient`. */
  readonly client: string;
  readonly ms: number;
}

/** Requests of one upstream that are reported one by one, of those that wait for longer than `slowMs`. */
const slowMax = 256;

/** Requests that have been sent and whose responses have not begun, gathered for each report of a worker: nothing is kept per request. */
export class AwaitedResponses {
  readonly #now: Instant;
  /** Whose requests are noted. */
  endpoint = '';
  count = 0;
  /** When the first and the last of them were sent; without meaning while there is none. */
  oldest: Instant = Infinity as Instant;
  newest: Instant = -Infinity as Instant;
  readonly slow: SlowRequest[] = [];

  constructor(now: Instant) {
    this.#now = now;
  }

  note(sentAt: Instant, request: AwaitingRequest | null): void {
    this.count += 1;
    if (sentAt < this.oldest) this.oldest = sentAt;
    if (sentAt > this.newest) this.newest = sentAt;
    const ms = this.#now - sentAt;
    if (request === null || ms <= slowMs || this.slow.length >= slowMax) return;
    this.slow.push({ route: request.route, endpoint: this.endpoint, client: countedClient(request), ms });
  }
}
