import type { EndpointState } from '../core/endpoint.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause } from '../core/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';

/** The failures of an endpoint by cause, since they began: for sentences and events. */
export class FailureCauses {
  readonly #counts = new Map<Cause, number>();

  add({ causes }: EndpointOutcomes): void {
    for (const { cause, count } of causes) {
      if (failureTable[cause].countsAgainstHealth) this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + count);
    }
  }

  clear(): void {
    this.#counts.clear();
  }

  /** The commonest one. */
  get commonest(): string {
    const [first] = [...this.#counts].sort(([, a], [, b]) => b - a);
    return first === undefined ? 'no known cause' : first[0];
  }

  toObject(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

export const staysReason = 'it stays, since too few others are left';

export function pauseReason(pauseMs: number): string {
  return `it gets no requests for ${Math.round(pauseMs / 1000)} s`;
}

export function ejectedReason(checks: string, traffic: string, pauseMs: number): string {
  return `${checks}, but ${traffic}; out for ${Math.round(pauseMs / 1000)} s`;
}

export function probationReason(traffic: string, successes: number, needed: number): string {
  return `on probation with one request at a time (${successes} of ${needed} answered); before, ${traffic}`;
}

export function checksReason(state: EndpointState): string {
  return state === 'unchecked' ? 'it is not checked' : 'its checks pass';
}
