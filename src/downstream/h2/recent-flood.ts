import type { ClientLimits } from '../../core/listener-spec.ts';
import { after, type Clock, type Instant } from '../../core/time.ts';
import type { ConnectionAdmission } from '../ports.ts';

/** So often it is asked whether the flood is still recent. */
const askIntervalMs = 1000;

/** Whether the address of a connection had sent a flood before the connection came, less than a minute ago. */
export class RecentFlood {
  readonly #admission: Pick<ConnectionAdmission, 'hasFlooded'>;
  readonly #clock: Clock;
  readonly #address: string;
  readonly #limits: ClientLimits;
  #isRecent: boolean;
  #askAgainAt: Instant;

  constructor(admission: Pick<ConnectionAdmission, 'hasFlooded'>, clock: Clock, address: string, limits: ClientLimits) {
    this.#admission = admission;
    this.#clock = clock;
    this.#address = address;
    this.#limits = limits;
    this.#isRecent = admission.hasFlooded(address, limits);
    this.#askAgainAt = after(clock.now(), askIntervalMs);
  }

  /** Once it is not, it stays so: a flood that comes later does not concern a connection that is open. */
  get isRecent(): boolean {
    if (!this.#isRecent) return false; // Nearly always.
    const now = this.#clock.now();
    if (now < this.#askAgainAt) return true;
    this.#askAgainAt = after(now, askIntervalMs);
    this.#isRecent = this.#admission.hasFlooded(this.#address, this.#limits);
    return this.#isRecent;
  }
}
