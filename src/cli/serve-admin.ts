import { type Admin, AdminFailure, type AdminPlaces, startAdmin } from '../admin/server.ts';
import type { NotSetAside, PlaceSetAside } from '../admin/socket-file.ts';
import type { Stopper } from '../admin/stopper.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Gateway } from '../gateway/control.ts';
import type { ConfigurationReload } from '../gateway/gateway.ts';
import type { StopSignals } from './stop-signals.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import type { Upgrades } from './upgrade/predecessor.ts';

const underWay = 'An upgrade is under way; ask again when it is over.';

/**
 * The admin API of a gateway that a command runs: opened when the gateway serves, and reloaded with it. What a reload
 * would open is opened before the gateway takes the configuration, so that it is taken whole or not at all.
 */
export class ServedAdmin {
  #admin: Admin | null = null;
  #isUpgrading: () => boolean = () => false;
  #unsubscribe: () => void = () => {};

  /**
   * Reads a configuration again for the gateway, and prepares the admin API for it. During an upgrade it does not: who will
   * serve may have read the file already, and who has read it now may be about to leave.
   */
  reloading(read: ConfigurationReload): ConfigurationReload {
    return async () => {
      if (this.#isUpgrading()) return { ok: false, kind: 'refused', complaints: [underWay] };
      const outcome = await read();
      if (!outcome.ok) return outcome;
      const objection = (await this.#admin?.prepare(outcome.configuration.admin)) ?? null;
      return objection === null ? outcome : { ok: false, kind: 'complaints', complaints: [objection] };
    };
  }

  /** Where it answers; nowhere until it is open. */
  get places(): AdminPlaces {
    return { socketPath: this.#admin?.socketPath ?? null, address: this.#admin?.address ?? null };
  }

  /** `predecessor`: where one still answers, who leaves. */
  async open(
    gateway: Gateway,
    configuration: Configuration,
    around: Surroundings,
    upgrades: Upgrades | null,
    stop: StopSignals,
    predecessor: AdminPlaces | null,
  ): Promise<Admin> {
    const { succession } = around;
    this.#isUpgrading = () => upgrades?.isUnderWay === true || succession?.isSettled === false;
    try {
      const spec = configuration.admin;
      const upgrading = upgrades === null ? {} : { upgrader: upgrades };
      const stopper: Stopper = { stop: (actor, atOnce) => stop.request(actor, atOnce) };
      this.#admin = await startAdmin({ gateway, spec, clock: around.clock, predecessor, stopper, ...upgrading });
    } catch (error) {
      throw error instanceof AdminFailure ? new CommandFailure('failure', error.message) : error;
    }
    const admin = this.#admin;
    this.#unsubscribe = gateway.events.subscribe(({ kind }) => {
      if (kind === 'configuration_applied') admin.commit();
      if (kind === 'configuration_rejected') admin.discard();
      if (kind === 'upgrade_done') admin.leave();
    });
    return admin;
  }

  /** Another process is to answer at its places. */
  setAside(): PlaceSetAside | NotSetAside | null {
    return this.#admin?.setAside() ?? null;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#admin?.close();
  }
}
