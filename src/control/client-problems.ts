import { sentenceOf, upperFirst } from '#failures/first-letter.ts';
import { connectionRefusals } from '../core/connection-refusals.ts';
import { type DescriptorNeed, descriptorsFewText, descriptorsStep } from '../core/descriptor-need.ts';
import { shownAgoText } from '../core/ago-text.ts';
import { endsConnection } from '../core/http2-limit.ts';
import type { Clock, Instant } from '../core/time.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { recentSeconds } from '../policy/verdict.ts';
import type { StatusProblem } from '../core/schemas/status.ts';
import { addressesKept, type RecentHttp2Limits } from './http2-limit-memory.ts';
import type { RecentRefusals } from './refusal-report.ts';

/** What is known of clients and descriptors now. */
export interface ClientProblemSources {
  readonly refusals: readonly RecentRefusals[];
  /** Null: the limit of the process is not known. */
  readonly descriptors: DescriptorNeed | null;
  /** Null: no client of HTTP/2 has reached a limit in the last minute. */
  readonly recentHttp2Limits: RecentHttp2Limits | null;
}

export type NewProblem = (
  kind: StatusProblem['kind'],
  since: Instant,
  reason: string,
  nextStep: string,
) => StatusProblem;

/** A shortage of descriptors that goes on. */
export interface DescriptorShortage {
  readonly since: Instant;
  /** A clause. */
  readonly reason: string;
}

const addressesShown = 3;

/** 'from 192.0.2.1' for one connection; 'the last ones from 192.0.2.1, 192.0.2.2, 192.0.2.3 and 97 others or more' */
function addressesText(addresses: readonly string[], connections: number): string {
  const others = addresses.length - addressesShown;
  const more = addresses.length >= addressesKept ? ' or more' : '';
  const from = connections === 1 ? 'from' : 'the last ones from';
  return `${from} ${addresses.slice(0, addressesShown).join(', ')}${others > 0 ? ` and ${others} other${others === 1 ? '' : 's'}${more}` : ''}`;
}

const floodStep =
  'Keep these addresses away from the gateway (a firewall) if they are no clients of yours; otherwise compare what they send with the limits of HTTP/2 in docs/limits.md.';

/** The problems that clients have or make: they are refused, or the process may have too few descriptors for them. */
export class ClientProblems {
  readonly #clock: Clock;
  readonly #sources: () => ClientProblemSources;
  readonly #problem: NewProblem;

  constructor(clock: Clock, sources: () => ClientProblemSources, problem: NewProblem) {
    this.#clock = clock;
    this.#sources = sources;
    this.#problem = problem;
  }

  /** Worst first. One problem for descriptors: the limit is too low, or hardly any is left, or clients are refused for it. `appliedAt`: the configuration. */
  list(shortage: DescriptorShortage | null, appliedAt: Instant): readonly StatusProblem[] {
    const refusals = this.#sources().refusals;
    const isRefused = refusals.some(({ why }) => why === 'descriptors');
    const descriptors = isRefused ? [] : shortage === null ? this.#few(appliedAt) : this.#scarce(shortage);
    return [...refusals.map((one) => this.#refused(one)), ...descriptors, ...this.#floods()];
  }

  /**
   * Why clients are refused now, one clause; null: none is. An address that has as many connections as it may have is refused by itself: others
   * are served.
   */
  get refusal(): string | null {
    const now = this.#clock.now();
    const found = this.#sources().refusals.find(
      ({ why, lastAt }) => why !== 'connections_per_address_max' && now - lastAt < recentSeconds * 1000,
    );
    return found === undefined ? null : `clients are refused: ${connectionRefusals[found.why].reason(found.limit)}`;
  }

  #refused({ why, count, since, lastAt, limit, address }: RecentRefusals): StatusProblem {
    const { reason, nextStep } = connectionRefusals[why];
    const privateAddress = address !== null && isPrivateAddress(address) ? address : null;
    const ago = shownAgoText(this.#clock.now() - lastAt);
    const last = ago === '' || count === 1 ? ago : `, the last of them${ago}`;
    const who = count === 1 ? 'A client was' : `${count} clients were`;
    const when = count === 1 && ago !== '' ? '' : ' in the last minute';
    return this.#problem(
      'clients_refused',
      since,
      `${who} refused${when}${last}: ${reason(limit)}.`,
      why === 'descriptors' ? this.#descriptorsStep : nextStep(privateAddress),
    );
  }

  #scarce({ since, reason }: DescriptorShortage): readonly StatusProblem[] {
    return [this.#problem('descriptors_scarce', since, sentenceOf(reason), this.#descriptorsStep)];
  }

  #few(appliedAt: Instant): readonly StatusProblem[] {
    const need = this.#sources().descriptors;
    if (need === null || need.needed <= need.limit) return [];
    return [this.#problem('descriptors_few', appliedAt, sentenceOf(descriptorsFewText(need)), descriptorsStep(need))];
  }

  #floods(): readonly StatusProblem[] {
    const recent = this.#sources().recentHttp2Limits;
    if (recent === null) return [];
    const { since, lastAt, limits, addresses } = recent;
    const count = limits.reduce((sum, one) => sum + one.count, 0);
    const ago = shownAgoText(this.#clock.now() - lastAt);
    const last = ago === '' ? '' : `, the last of them${ago}`;
    const which = limits.map((one) => `\`${one.limit}\` (${one.count})`).join(', ');
    const what = upperFirst(floodTexts(limits).join(' and '));
    const reason = `${what} in the last minute${last}, at the ${limits.length === 1 ? 'limit' : 'limits'} ${which}; ${addressesText(addresses, count)}.`;
    return [this.#problem('http2_limits_reached', since, reason, floodStep)];
  }

  /** What to do where descriptors are too few, one sentence. */
  get #descriptorsStep(): string {
    return descriptorsStep(this.#sources().descriptors);
  }
}

/** What happened at these limits. At `abandoned` the gateway ends no connection. */
function floodTexts(limits: RecentHttp2Limits['limits']): readonly string[] {
  const counts = [...Map.groupBy(limits, ({ limit }) => endsConnection(limit))].map(
    ([isEnded, some]) => [isEnded, some.reduce((sum, { count }) => sum + count, 0)] as const,
  );
  return counts.map(([isEnded, count]) => {
    if (isEnded) return count === 1 ? 'an HTTP/2 connection was ended' : `${count} HTTP/2 connections were ended`;
    return count === 1
      ? 'a client abandoned too many HTTP/2 requests by closing its connections'
      : `clients closed ${count} HTTP/2 connections after they had abandoned too many requests`;
  });
}
