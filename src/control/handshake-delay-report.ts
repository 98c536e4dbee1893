import type { WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import type { ClientLimits } from '../core/listener-spec.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** A flood of delayed handshakes is one event, not thousands. */
const reportEveryMs = 10_000;

type DelayCounts = Pick<WorkerCounts, 'handshakesDelayed' | 'lastDelayedHandshake'>;

/** Reports TLS handshakes that wait because their address has begun too many: at once, then every ten seconds while it lasts. */
export class HandshakeDelayReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  #reported = 0;
  /** What each worker had counted when it was last looked at: the one whose count has grown knows the last address. */
  #before = new Map<number, number>();
  #address = '';
  #nextAt: Instant;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
    this.#nextAt = clock.now();
  }

  /** `workers` counts all of them since the start. Call this several times a second. */
  note(
    workers: readonly DelayCounts[],
    { handshakesPerSecondMax: perSecond }: Pick<ClientLimits, 'handshakesPerSecondMax'>,
  ): void {
    let total = 0;
    for (const [at, { handshakesDelayed, lastDelayedHandshake }] of workers.entries()) {
      total += handshakesDelayed;
      if (lastDelayedHandshake !== '' && handshakesDelayed !== this.#before.get(at))
        this.#address = lastDelayedHandshake;
      if (handshakesDelayed > 0) this.#before.set(at, handshakesDelayed);
    }
    const now = this.#clock.now();
    const count = total - this.#reported;
    if (count <= 0 || now < this.#nextAt) return;
    this.#reported = total;
    this.#nextAt = after(now, reportEveryMs);
    const address = this.#address;
    const what =
      count === 1 ? `a TLS handshake of ${address} waited` : `${count} TLS handshakes waited, the last of ${address}`;
    this.#events.emit({
      kind: 'tls_handshakes_delayed',
      subject: 'gateway',
      reason: `${what}: its address has begun more than ${perSecond ?? 'so many'} a second in a worker (client.tls_handshake_rate_max); a load balancer belongs into trusted_peers`,
      evidence: { count, address, perSecond },
    });
  }
}
