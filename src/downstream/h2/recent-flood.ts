import type { ClientLimits } from '../../core/listener-spec.ts';
import { after, type Clock, type Instant } from '../../core/time.ts';
import type { ConnectionAdmission } from '../ports.ts';

/** So often it is asked whether the flood is still recent. */
const askIntervalMs = 1000;

/** Whether another connection of the same address was closed for a flood not long before this one came, and still not long ago. */
export class RecentFlood {
  readonly #admission: Pick<ConnectionAdmission, 'hasFlooded'>;
  readonly #clock: Clock;
  readonly #address: string;
  readonly #limits: ClientLimits;
  #isKnown: boolean;
  #askAgainAt: Instant;

  constructor(admission: Pick<ConnectionAdmission, 'hasFlooded'>, clock: Clock, address: string, limits: ClientLimits) {
    this.#admission = admission;
    this.#clock = clock;
    this.#address = address;
    this.#limits = limits;
    this.#isKnown = admission.hasFlooded(address, limits);
    this.#askAgainAt = after(clock.now(), askIntervalMs);
  }

  /** Once it is not, it stays so: a flood that comes later does not concern a connection that is open. */
  get isKnown(): boolean {
    if (!this.#isKnown) return false; // Nearly always.
    const now = this.#clock.now();
    if (now < this.#askAgainAt) return true;
    this.#askAgainAt = after(now, askIntervalMs);
    this.#isKnown = this.#admission.hasFlooded(this.#address, this.#limits);
    return this.#isKnown;
  }
}
