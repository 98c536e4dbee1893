import type { ClientLimits } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { RefusalReason } from '../core/event.ts';
import type { EventSink } from '../core/event.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** A flood of clients is one thing that happens, not thousands. */
const tellEveryMs = 10_000;

type Limits = Pick<ClientLimits, 'connectionsMax' | 'connectionsPerAddressMax'>;
type LastAddress = 'lastRefusedAddress' | 'lastAddressAtMax';
type Refused = Pick<WorkerCounts, CountOf | LastAddress>;
type CountOf =
  | 'refusedAtMax'
  | 'refusedAtAddressMax'
  | 'refusedUncounted'
  | 'refusedWithoutDescriptor'
  | 'refusedWithoutMemory';

interface Reason {
  readonly why: RefusalReason;
  readonly count: CountOf;
  readonly says: (limits: Limits) => string;
  readonly limit: (limits: Limits) => number | null;
  /** Where the address of the last client stands that was turned away for this reason; absent: where that of all does. */
  readonly last?: LastAddress;
  readonly advice?: (address: string) => string;
}

const reasons: readonly Reason[] = [
  {
    why: 'connections_max',
    count: 'refusedAtMax',
    says: ({ connectionsMax }) => `${connectionsMax} connections at most (client.connections_max)`,
    limit: ({ connectionsMax }) => connectionsMax,
  },
  {
    why: 'connections_per_address_max',
    count: 'refusedAtAddressMax',
    says: ({ connectionsPerAddressMax: max }) =>
      `${max} connections from one address at most (client.connections_per_address_max)`,
    limit: ({ connectionsPerAddressMax }) => connectionsPerAddressMax,
    last: 'lastAddressAtMax',
    advice: (address) => (isPrivateAddress(address) ? `; ${trustAdvice(address)}` : ''),
  },
  {
    why: 'not_counted',
    count: 'refusedUncounted',
    says: () => 'the workers could not count it in time, since one of them hangs or was put aside by the system',
    limit: () => null,
  },
  {
    why: 'descriptors',
    count: 'refusedWithoutDescriptor',
    says: () => 'hardly a descriptor is left, and no connection rests that could make room',
    limit: () => null,
  },
  {
    why: 'memory',
    count: 'refusedWithoutMemory',
    says: () => 'a worker has hardly any memory left (workers.memory_max)',
    limit: () => null,
  },
];

/** For private addresses alone: whoever trusts an address of the internet lets a stranger say who it is. */
export function trustAdvice(address: string): string {
  return `if ${address} is a load balancer or another proxy of yours, name it in \`trusted_peers\`: its connections are not counted then, and its X-Forwarded-For is believed, which anybody can write who reaches the gateway from there`;
}

/** Tells that clients are turned away, and why: at once, then every ten seconds for as long as it goes on. */
export class RefusalReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #told = new Map<RefusalReason, { count: number; nextAt: Instant }>();

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
  }

  /** `workers` counts all who have been turned away since the start. */
  note(workers: readonly Refused[], limits: Limits): void {
    for (const reason of reasons) {
      let total = 0;
      for (const worker of workers) total += worker[reason.count];
      if (total > 0) this.#tell(reason, total, workers, limits);
    }
  }

  #tell(reason: Reason, total: number, workers: readonly Refused[], limits: Limits): void {
    const { why, count: key, says, limit, last = 'lastRefusedAddress', advice } = reason;
    const now = this.#clock.now();
    const told = this.#told.get(why) ?? { count: 0, nextAt: now };
    const count = total - told.count;
    if (count <= 0 || now < told.nextAt) return;
    this.#told.set(why, { count: total, nextAt: after(now, tellEveryMs) });
    const address = workers.find((worker) => worker[key] > 0 && worker[last] !== '')?.[last];
    const clients = count === 1 ? 'a client was' : `${count} clients were`;
    const whose = address === undefined ? '' : `, the last of them ${address}`;
    this.#events.tell({
      kind: 'connections_refused',
      subject: 'gateway',
      reason: `${clients} turned away${whose}: ${says(limits)}${address === undefined ? '' : (advice?.(address) ?? '')}`,
      evidence: { why, count, limit: limit(limits), address: address ?? null },
    });
  }
}
