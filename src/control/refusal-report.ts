import type { ClientLimits } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import { trustAdvice } from '../core/connection-refusals.ts';
import type { ConnectionRefusalReason } from '../core/event.ts';
import type { EventSink } from '../core/event.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** A flood of refused clients is one event, not thousands. */
const reportEveryMs = 10_000;

/** When no client has been refused for so long, it is over. */
const calmMs = 60_000;

type Limits = Pick<ClientLimits, 'connectionsMax' | 'connectionsPerAddressMax'>;
type LastAddress = 'lastRefusedAddress' | 'lastAddressAtMax';
type RefusalCounts = Pick<WorkerCounts, CountOf | LastAddress>;
type CountOf =
  | 'refusedAtMax'
  | 'refusedAtAddressMax'
  | 'refusedUncounted'
  | 'refusedWithoutDescriptor'
  | 'refusedWithoutMemory';

interface RefusalRule {
  readonly why: ConnectionRefusalReason;
  readonly count: CountOf;
  readonly reason: (limits: Limits) => string;
  readonly limit: (limits: Limits) => number | null;
  /** The counter's address of the last client that was refused for this reason; absent: the address of the last refused client. */
  readonly last?: LastAddress;
  readonly advice?: (address: string) => string;
}

const reasons: readonly RefusalRule[] = [
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
    reason: () => 'hardly any descriptor is left, and no connection is idle and could be closed',
    limit: () => null,
  },
  {
    why: 'memory',
    count: 'refusedWithoutMemory',
    reason: () => 'a worker has hardly any memory left (workers.memory_max)',
    limit: () => null,
  },
];

interface Reported {
  readonly count: number;
  readonly nextAt: Instant;
  /** When it is over, if no other client is refused; null: it is. */
  readonly overAt: Instant | null;
}

/** Reports refused clients and the reason: at once, then every ten seconds while clients are refused, and when none has been for a minute. */
export class RefusalReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #reported = new Map<ConnectionRefusalReason, Reported>();

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
  }

  /** `workers` counts all clients that were refused since the start. */
  note(workers: readonly RefusalCounts[], limits: Limits): void {
    for (const reason of reasons) {
      let total = 0;
      for (const worker of workers) total += worker[reason.count];
      if (total > 0) this.#emit(reason, total, workers, limits);
    }
  }

  #emit(reason: RefusalRule, total: number, workers: readonly RefusalCounts[], limits: Limits): void {
    const { why, count: key, reason: text, limit, last = 'lastRefusedAddress', advice } = reason;
    const now = this.#clock.now();
    const reported = this.#reported.get(why) ?? { count: 0, nextAt: now, overAt: null };
    const count = total - reported.count;
    if (count <= 0) return this.#judgeEnd(reason, reported, limits);
    if (now < reported.nextAt) return;
    this.#reported.set(why, { count: total, nextAt: after(now, reportEveryMs), overAt: after(now, calmMs) });
    const address = workers.find((worker) => worker[key] > 0 && worker[last] !== '')?.[last];
    const clients = count === 1 ? 'a client was' : `${count} clients were`;
    const whose = address === undefined ? '' : `, the last of them ${address}`;
    this.#events.emit({
      kind: 'connections_refused',
      subject: 'gateway',
      from: reported.overAt === null ? 'accepting' : 'refusing',
      to: 'refusing',
      reason: `${clients} refused${whose}: ${text(limits)}${address === undefined ? '' : (advice?.(address) ?? '')}`,
      evidence: { reason: why, count, limit: limit(limits), address: address ?? null },
    });
  }

  #judgeEnd({ why, limit }: RefusalRule, reported: Reported, limits: Limits): void {
    if (reported.overAt === null || this.#clock.now() < reported.overAt) return;
    this.#reported.set(why, { ...reported, overAt: null });
    this.#events.emit({
      kind: 'connections_refused',
      subject: 'gateway',
      from: 'refusing',
      to: 'accepting',
      reason: `no client has been refused for ${calmMs / 60_000} min (${why})`,
      evidence: { reason: why, count: 0, limit: limit(limits), address: null },
    });
  }
}
