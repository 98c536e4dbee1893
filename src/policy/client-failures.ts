import type { CountedClient } from '../core/counters.ts';
import { clientNetwork } from '../core/route-traffic.ts';

/** So many other clients must have been answered: behind another gateway there are fewer, and each of them is many people. */
const othersMin = 3;

/** Whose failures are told apart, and who of those that were answered is remembered. */
const clientsKept = 64;

/** Of whom outcomes are. */
export interface OutcomesOfClients {
  /** Failures that a client may cause: not those of connections that could not be made. Others are of clients that are not told apart. */
  readonly failedClients?: readonly CountedClient[] | null;
  /** The same of responses with 5xx. */
  readonly errorClients?: readonly CountedClient[] | null;
  /** The address of one that was answered, as a sample; '': none was. */
  readonly answeredBy?: string;
}

/** Clients of the outcomes of some time. */
export class OutcomeClients {
  readonly failed = new Map<string, number>();
  readonly answered = new Set<string>();

  add({ failedClients, answeredBy = '' }: Omit<OutcomesOfClients, 'errorClients'>): void {
    for (const { client, count } of failedClients ?? []) {
      const known = this.failed.get(client);
      if (known !== undefined || this.failed.size < clientsKept) this.failed.set(client, (known ?? 0) + count);
    }
    if (answeredBy !== '' && this.answered.size < clientsKept) this.answered.add(clientNetwork(answeredBy));
  }
}

/**
 * By how much the failures of one client are more than those of all others, where others were answered: it may cause them itself, and must not take the
 * endpoint or the route from the others. `window`: who was answered; `failing`: whose the `failures` are.
 */
export function excessOfOneClient(
  failures: number,
  failing: readonly OutcomeClients[],
  window: readonly OutcomeClients[],
): number {
  const counts = new Map<string, number>();
  for (const { failed } of failing)
    for (const [client, count] of failed) counts.set(client, (counts.get(client) ?? 0) + count);
  const [top = null] = [...counts].sort(([, a], [, b]) => b - a);
  const excess = top === null ? 0 : 2 * top[1] - failures;
  if (top === null || excess <= 0) return 0;
  const others = new Set(window.flatMap(({ answered }) => [...answered]));
  others.delete(top[0]);
  return others.size >= othersMin ? excess : 0;
}
