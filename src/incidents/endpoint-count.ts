import type { AttemptDelta } from './upstream-failures.ts';

/** Fewer good responses than this share of the bad ones may have been on their way when another program took the address. */
const answeredShareMin = 0.1;

/** Which responses are bad: those that were no HTTP, or all that were no valid HTTP. */
export type BadResponses = 'notHttp' | 'invalid';

/** Responses of an endpoint since its first bad one. Deltas are counted in their order. */
class MixedResponses {
  bad = 0;
  /** Good ones between the bad ones, without those of the delta in which these began: they may all have come before. */
  between = 0;
  /** The same, with those that no bad one has followed yet. */
  since = 0;
  /** Good ones that count once a bad one follows. */
  #sinceLast = 0;

  count(bad: number, good: number): void {
    const hadBegun = this.bad > 0;
    if (bad > 0) {
      this.between += this.#sinceLast;
      this.#sinceLast = 0;
      this.bad += bad;
    }
    if (!hadBegun) return;
    this.#sinceLast += good;
    this.since += good;
  }

  /** Of the same endpoint, in another incident. */
  add({ bad, between, since }: MixedResponses): void {
    this.bad += bad;
    this.between += between;
    this.since += since;
  }

  /** How many responses were good meanwhile; 0: the bad ones may be another program's. */
  get good(): number {
    if (this.between > 0 && this.between >= this.bad * answeredShareMin) return this.between;
    return this.bad > 0 && this.since >= this.bad ? this.since : 0;
  }
}

/** What an endpoint has met since an incident began. */
export class EndpointCount {
  attempts = 0;
  failed = 0;
  readonly notHttp = new MixedResponses();
  readonly invalid = new MixedResponses();

  count({
    attempts,
    failed,
    answered,
    notHttp,
    invalid,
  }: Omit<AttemptDelta, 'second' | 'endpoint' | 'isBeforeFailure'>): void {
    this.attempts += attempts;
    this.failed += failed;
    this.notHttp.count(notHttp, answered);
    this.invalid.count(invalid, answered);
  }

  add({ attempts, failed, notHttp, invalid }: EndpointCount): void {
    this.attempts += attempts;
    this.failed += failed;
    this.notHttp.add(notHttp);
    this.invalid.add(invalid);
  }
}

/** Where most bad responses come from endpoints that also answer well: how many of their responses are good; null elsewhere. */
export function answeredBetween(endpoints: readonly EndpointCount[], kind: BadResponses): number | null {
  let all = 0;
  let mixed = 0;
  let between = 0;
  for (const { [kind]: responses } of endpoints) {
    all += responses.bad;
    if (responses.good === 0) continue;
    mixed += responses.bad;
    between += responses.good;
  }
  return mixed > 0 && mixed * 2 > all ? between : null;
}
