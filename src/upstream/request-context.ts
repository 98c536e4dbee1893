import { endToEndValue } from '../core/end-to-end-value.ts';
import type { Clock, Instant } from '../core/time.ts';
import { plainPath } from '../wire/plain-path.ts';
import type { BalancerContext, RequestFacts } from '../policy/balancer.ts';

/** The context of all picks of one upstream, one after the other: what is not asked for costs nothing. */
export class RequestContext<E> implements BalancerContext<E> {
  readonly #clock: Clock;
  #facts: RequestFacts | null = null;
  tried: readonly E[] = none;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(facts: RequestFacts, tried: readonly E[]): void {
    this.#facts = facts;
    this.tried = tried;
  }

  /** The pick is done: the request is not kept in memory for longer. */
  clear(): void {
    this.#facts = null;
    this.tried = none;
  }

  get method(): string {
    return this.#facts?.method ?? '';
  }

  get path(): string {
    const target = plainPath(this.#facts?.target ?? '');
    const query = target.indexOf('?');
    return query < 0 ? target : target.slice(0, query);
  }

  header(name: string): string | null {
    return this.#facts === null ? null : endToEndValue(this.#facts.request.headers, name);
  }

  eachHeader(name: string, visit: (value: string) => void): void {
    this.#facts?.request.headers.each((one, value) => {
      if (one === name) visit(value);
    });
  }

  get clientAddress(): string {
    return this.#facts?.client.address ?? '';
  }

  get now(): Instant {
    return this.#clock.now();
  }
}

const none: readonly never[] = [];
