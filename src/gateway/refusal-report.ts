import type { ClientLimits } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** A flood of clients is one thing that happens, not thousands. */
const tellEveryMs = 10_000;

/** Tells that clients are turned away: at once, then every ten seconds for as long as it goes on. */
export class RefusalReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  #told = 0;
  #nextAt: Instant;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
    this.#nextAt = clock.now();
  }

  /** `total` is how many have been turned away since the start. */
  note(total: number, { connectionsMax }: Pick<ClientLimits, 'connectionsMax'>): void {
    const count = total - this.#told;
    const now = this.#clock.now();
    if (count <= 0 || now < this.#nextAt) return;
    this.#told = total;
    this.#nextAt = after(now, tellEveryMs);
    const clients = count === 1 ? 'a client was' : `${count} clients were`;
    this.#events.tell({
      kind: 'connections_refused',
      subject: 'gateway',
      reason: `${clients} turned away: ${connectionsMax} connections at most (client.connections_max), or no descriptor left`,
      evidence: { count, limit: connectionsMax },
    });
  }
}
