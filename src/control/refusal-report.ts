import type { ClientLimits } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { ConnectionRefusalReason } from '../core/event.ts';
import type { EventSink } from '../core/event.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** A flood of refused clients is one event, not thousands. */
const reportEveryMs = 10_000;

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

/** For private addresses only: a trusted address of the internet could forge the address of any client. */
export function trustAdvice(address: string): string {
  return `if ${address} is a load balancer or another proxy of yours, name it in \`trusted_peers\`: the gateway then no longer counts its connections by address, and believes its X-Forwarded-For, which every program at that address can write`;
}

/** Reports refused clients and the reason: at once, then every ten seconds while clients are refused. */
export class RefusalReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #reported = new Map<ConnectionRefusalReason, { count: number; nextAt: Instant }>();

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
    const reported = this.#reported.get(why) ?? { count: 0, nextAt: now };
    const count = total - reported.count;
    if (count <= 0 || now < reported.nextAt) return;
    this.#reported.set(why, { count: total, nextAt: after(now, reportEveryMs) });
    const address = workers.find((worker) => worker[key] > 0 && worker[last] !== '')?.[last];
    const clients = count === 1 ? 'a client was' : `${count} clients were`;
    const whose = address === undefined ? '' : `, the last of them ${address}`;
    this.#events.emit({
      kind: 'connections_refused',
      subject: 'gateway',
      reason: `${clients} refused${whose}: ${text(limits)}${address === undefined ? '' : (advice?.(address) ?? '')}`,
      evidence: { reason: why, count, limit: limit(limits), address: address ?? null },
    });
  }
}
