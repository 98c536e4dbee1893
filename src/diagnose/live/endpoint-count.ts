import type { AttemptDelta } from './upstream-failures.ts';

/** Fewer responses in HTTP than this share of the others may have been on their way when another program took the address. */
const answeredShareMin = 0.1;

/** What an endpoint has met since an incident began. Deltas are counted in their order. */
export class EndpointCount {
  attempts = 0;
  failed = 0;
  /** Responses that were no HTTP. */
  notHttp = 0;
  /** Responses in HTTP between those, without those of the delta in which these began: they may all have come before. */
  answeredBetween = 0;
  /** Responses in HTTP that count once another follows that is none. */
  #answeredSinceLast = 0;

  count({ attempts, failed, answered, notHttp }: Omit<AttemptDelta, 'second' | 'endpoint'>): void {
    this.attempts += attempts;
    this.failed += failed;
    const hadBegun = this.notHttp > 0;
    if (notHttp > 0) {
      this.answeredBetween += this.#answeredSinceLast;
      this.#answeredSinceLast = 0;
      this.notHttp += notHttp;
    }
    if (hadBegun) this.#answeredSinceLast += answered;
  }

  /** Of the same endpoint, in another incident. */
  add({ attempts, failed, notHttp, answeredBetween: between }: EndpointCount): void {
    this.attempts += attempts;
    this.failed += failed;
    this.notHttp += notHttp;
    this.answeredBetween += between;
  }

  get answersInHttp(): boolean {
    return this.answeredBetween > 0 && this.answeredBetween >= this.notHttp * answeredShareMin;
  }
}

/** Where most responses that are no HTTP come from endpoints that also answer in HTTP: how many of their responses are HTTP; null elsewhere. */
export function answeredBetween(endpoints: readonly EndpointCount[]): number | null {
  let all = 0;
  let mixed = 0;
  let between = 0;
  for (const endpoint of endpoints) {
    all += endpoint.notHttp;
    if (!endpoint.answersInHttp) continue;
    mixed += endpoint.notHttp;
    between += endpoint.answeredBetween;
  }
  return mixed > 0 && mixed * 2 > all ? between : null;
}
