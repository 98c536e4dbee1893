import type { ClientLimits } from '../core/listener-spec.ts';
import type { WorkerCounts } from '../core/counters.ts';
import { agoText } from '../core/ago-text.ts';
import { connectionRefusals, trustAdvice } from '../core/connection-refusals.ts';
import type { ConnectionRefusalReason } from '../core/event.ts';
import type { EventSink } from '../core/event.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { descriptorLimit } from '../system/descriptors.ts';
import { RecentCount, recentMs } from './recent-count.ts';

/** A flood of refused clients is one event, not thousands. */
const reportEveryMs = 10_000;

/** When no client has been refused for so long, those of before are reported: not only when the ten seconds are over. */
const pauseMs = 1000;

type Limits = Pick<ClientLimits, 'connectionsMax' | 'connectionsPerAddressMax'>;
type LastAddress = 'lastRefusedAddress' | 'lastAddressAtMax';
type RefusalCounts = Pick<WorkerCounts, CountOf | LastAddress>;
type CountOf =
  | 'refusedAtMax'
  | 'refusedAtAddressMax'
  | 'refusedUncounted'
  | 'refusedWithoutDescriptor'
  | 'refusedWithoutMemory';

interface DescriptorsMax {
  readonly descriptorsMax: number | null;
}

interface RefusalRule {
  readonly why: ConnectionRefusalReason;
  readonly count: CountOf;
  readonly reason: (limits: Limits & DescriptorsMax) => string;
  readonly limit: (limits: Limits & DescriptorsMax) => number | null;
  /** The counter's address of the last client that was refused for this reason; absent: the address of the last refused client. */
  readonly last?: LastAddress;
  readonly advice?: (address: string) => string;
}

const rules: readonly RefusalRule[] = [
  {
    why: 'connections_max',
    count: 'refusedAtMax',
    reason: ({ connectionsMax }) => `the limit is ${connectionsMax} connections (client.connections_max)`,
    limit: ({ connectionsMax }) => connectionsMax,
  },
  {
    why: 'connections_per_address_max',
    count: 'refusedAtAddressMax',
    reason: ({ connectionsPerAddressMax: max }) =>
      `the limit is ${max} connections from one address (client.connections_per_address_max)`,
    limit: ({ connectionsPerAddressMax }) => connectionsPerAddressMax,
    last: 'lastAddressAtMax',
    advice: (address) => (isPrivateAddress(address) ? `; ${trustAdvice(address)}` : ''),
  },
  {
    why: 'not_counted',
    count: 'refusedUncounted',
    reason: () => 'the workers could not count it in time, because one of them hangs or was suspended by the system',
    limit: () => null,
  },
  {
    why: 'descriptors',
    count: 'refusedWithoutDescriptor',
    reason: ({ descriptorsMax }) =>
      `${connectionRefusals.descriptors.reason(descriptorsMax)}, and no connection was idle and could be closed`,
    limit: ({ descriptorsMax }) => descriptorsMax,
  },
  {
    why: 'memory',
    count: 'refusedWithoutMemory',
    reason: () => 'a worker had hardly any memory left (workers.memory_max)',
    limit: () => null,
  },
];

/** Clients that were refused for one reason, until none has been for a minute. */
export interface RecentRefusals {
  readonly why: ConnectionRefusalReason;
  /** In the last minute. */
  readonly count: number;
  /** When the first of them was refused, and the last one. */
  readonly since: Instant;
  readonly lastAt: Instant;
  /** Of connections, or of descriptors; null: it is no number of either. */
  readonly limit: number | null;
  /** Of the last of them; null: not known. */
  readonly address: string | null;
}

/** Clients that are refused for one reason. */
interface Episode {
  readonly refused: RecentCount;
  /** How many of them have been reported. */
  reported: number;
  nextAt: Instant;
  /** A pause has been reported since the last regular report. */
  hasReportedPause: boolean;
  isOver: boolean;
  limit: number | null;
  address: string | null;
}

/**
 * Reports refused clients and the reason: at once, then every ten seconds while clients are refused, as soon as the refusals pause, and when none
 * has been refused for a minute.
 */
export class RefusalReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #descriptorsMax: number | null;
  readonly #episodes = new Map<ConnectionRefusalReason, Episode>();

  /** `descriptorsMax`: how many descriptors this process may have; null: not known. */
  constructor(clock: Clock, events: EventSink, descriptorsMax: number | null = descriptorLimit()) {
    this.#clock = clock;
    this.#events = events;
    this.#descriptorsMax = descriptorsMax;
  }

  /** Those of the last minute, by reason. */
  get recent(): readonly RecentRefusals[] {
    return [...this.#episodes].flatMap(([why, { refused, limit, address }]) => {
      const { lastMinute: count, since, lastAt } = refused;
      return count === 0 ? [] : [{ why, count, since, lastAt, limit, address }];
    });
  }

  /** `workers` counts all clients that were refused since the start. Call this several times a second. */
  note(workers: readonly RefusalCounts[], limits: Limits): void {
    const every = { ...limits, descriptorsMax: this.#descriptorsMax };
    for (const rule of rules) {
      let total = 0;
      for (const worker of workers) total += worker[rule.count];
      if (total > 0) this.#note(rule, total, workers, every);
    }
  }

  #note(rule: RefusalRule, total: number, workers: readonly RefusalCounts[], limits: Limits & DescriptorsMax): void {
    const now = this.#clock.now();
    const episode = this.#episodes.get(rule.why) ?? this.#begin(rule.why);
    const { refused } = episode;
    if (total > refused.total) {
      const { count, last = 'lastRefusedAddress' } = rule;
      refused.add(total - refused.total);
      episode.limit = rule.limit(limits);
      episode.address = workers.find((worker) => worker[count] > 0 && worker[last] !== '')?.[last] ?? null;
    }
    refused.sample();
    if (total > episode.reported) this.#reportRefused(rule, episode, limits);
    else if (!episode.isOver && now >= after(refused.lastAt, recentMs)) this.#reportEnd(rule, episode);
  }

  #begin(why: ConnectionRefusalReason): Episode {
    const refused = new RecentCount(this.#clock);
    const reports = { reported: 0, nextAt: this.#clock.now(), hasReportedPause: false, isOver: true };
    const episode: Episode = { refused, ...reports, limit: null, address: null };
    this.#episodes.set(why, episode);
    return episode;
  }

  #reportRefused({ why, reason, advice }: RefusalRule, episode: Episode, limits: Limits & DescriptorsMax): void {
    const now = this.#clock.now();
    const isRegular = now >= episode.nextAt;
    const pauses = !episode.hasReportedPause && now >= after(episode.refused.lastAt, pauseMs);
    if (!isRegular && !pauses) return;
    const { address, limit, isOver, refused } = episode;
    const count = refused.total - episode.reported;
    Object.assign(episode, {
      ...{ reported: refused.total, nextAt: after(now, reportEveryMs) },
      ...{ hasReportedPause: !isRegular, isOver: false },
    });
    const where = address === null ? '' : ` (${address})`;
    const ago = agoText(now - refused.lastAt);
    const last = where === '' && ago === '' ? '' : `, the last of them${where}${ago}`;
    const clients = count === 1 ? `a client${where} was refused${ago}` : `${count} clients were refused${last}`;
    this.#events.emit({
      kind: 'connections_refused',
      subject: 'gateway',
      from: isOver ? 'accepting' : 'refusing',
      to: 'refusing',
      reason: `${clients}: ${reason(limits)}${address === null ? '' : (advice?.(address) ?? '')}`,
      evidence: { reason: why, count, limit, address },
    });
  }

  #reportEnd({ why }: RefusalRule, episode: Episode): void {
    episode.isOver = true;
    this.#events.emit({
      kind: 'connections_refused',
      subject: 'gateway',
      from: 'refusing',
      to: 'accepting',
      reason: `no client has been refused for ${recentMs / 60_000} min (${why})`,
      evidence: { reason: why, count: 0, limit: episode.limit, address: null },
    });
  }
}
