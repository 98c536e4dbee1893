import type { EndpointState } from '../core/endpoint.ts';
import { failureTable } from '#failures/failure-table.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { OutlierEvidence } from '../policy/outlier-detection.ts';
import type { SiblingEvent, SiblingOutlier } from '../policy/sibling-outliers.ts';
import type { FailureRateSettings } from '../policy/outlier-settings.ts';

import type { TrafficFigures } from '../policy/recent-traffic.ts';

type CountedResponses = Pick<FailureRateSettings, 'countsServerErrors' | 'countsRateLimits'>;

/** The failures of an endpoint by cause, since they began: for sentences and events. */
export class FailureCauses {
  readonly #counts = new Map<string, number>();

  /** Responses that count as failures are among them only where `counted` says so. */
  add(
    { causes, serverErrors, rateLimited }: Pick<EndpointOutcomes, 'causes' | 'serverErrors' | 'rateLimited'>,
    counted: CountedResponses | null,
  ): void {
    for (const { cause, count, excused } of causes)
      if (failureTable[cause].countsAgainstHealth && excused !== true) this.#add(cause, count);
    if (counted?.countsServerErrors === true) this.#add('status_5xx', serverErrors);
    if (counted?.countsRateLimits === true) this.#add('status_429', rateLimited);
  }

  #add(cause: string, count: number): void {
    if (count > 0) this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + count);
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

/** `isOnly`: its upstream has no other endpoint. */
export function staysReason(isOnly: boolean): string {
  return isOnly ? 'it stays, since it is the only endpoint of its upstream' : 'it stays, since too few others are left';
}

export function keptReason(checks: string, { requests, failures, windowMs }: TrafficFigures): string {
  const answered = `${requests - failures} of ${requests} attempts within ${windowMs / 1000} s were answered`;
  // The check may be right: packets are lost, or every page that is answered is a wrong one, which a count of answers does not show.
  const step =
    failures === 0
      ? 'it stays: either the check or the application is wrong'
      : 'it stays, since most requests are answered';
  return `its checks fail (${checks}), but ${answered}; ${step}`;
}

export const noLongerKeptReason = 'its checks fail, and now requests fail too';

/** An ejected endpoint is tried all the same while no other is left; one whose breaker is open is not. */
export function pauseReason(pauseMs: number, byBreaker: boolean): string {
  return `it gets no requests for ${pauseText(pauseMs)}${byBreaker ? '' : ' while another endpoint may get them'}`;
}

export const triedReason = 'tried all the same, because no other endpoint is left';

export const ownBreakerReason = 'no other endpoint is left: its circuit breaker decides';

export function outReason(checks: string, traffic: string, pauseMs: number, byBreaker: boolean): string {
  const then = byBreaker ? 'its circuit breaker is open for' : 'out for';
  return `${checks}, but ${traffic}; ${then} ${pauseText(pauseMs)}`;
}

/** Breakers are open for less than a second at first. */
export function pauseText(pauseMs: number): string {
  return pauseMs < 10_000 ? `${Math.max(0.1, Math.round(pauseMs / 100) / 10)} s` : `${Math.round(pauseMs / 1000)} s`;
}

export const probationStartReason = 'its pause is over: it is tried again';

export function probationEndReason(successes: number): string {
  return `it answered ${successes} requests in a row`;
}

/** `only`: routes of which it gets requests; empty: of any. */
export function probationReason(traffic: string, successes: number, needed: number, only: readonly string[]): string {
  const of = only.length === 0 ? '' : ` of the ${only.length === 1 ? 'route' : 'routes'} ${only.join(', ')}`;
  return `on probation with one request${of} at a time (${successes} of ${needed} answered); before, ${traffic}`;
}

export function checksReason(state: EndpointState): string {
  return state === 'unchecked' ? 'it is not checked' : 'its checks pass';
}

/** As the causes of an event name them. */
export const eventNames: Readonly<Record<SiblingEvent, string>> = { server_error: 'status_5xx', late: 'late' };

/** What traffic says of an endpoint that differs from the others. */
export function evidenceOf(outlier: SiblingOutlier): OutlierEvidence {
  const { event, events, attempts, elsewhere, windowMs } = outlier;
  const share = `${events} of ${attempts}`;
  const within = `within ${windowMs / 1000} s`;
  const others = `${elsewhere.events} of ${elsewhere.attempts} at the other endpoints on the same routes`;
  const what = event === 'late' ? `${share} responses came late ${within}` : `${share} responses were 5xx ${within}`;
  return { reason: `${what}, ${others}`, requests: attempts, failures: events, windowMs, consecutiveUnreachable: 0 };
}

/** A request of its probation showed the same again. */
export function howAgain({ event }: SiblingOutlier): string {
  return event === 'late' ? 'was answered late again' : 'was answered with 5xx again';
}
