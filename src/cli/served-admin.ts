import { type AdminServer, AdminFailure, startAdminServer } from '../admin/server.ts';
import type { AdminAddresses } from '../admin/admin-addresses.ts';
import type { SocketNotMoved, MovedSocket } from '../admin/admin-socket.ts';
import type { Stopper } from '../admin/stopper.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { ConfigurationReload } from '../gateway/gateway.ts';
import { systemRandom } from '../system/system.ts';
import type { StopSignals } from './stop-signals.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import type { Upgrades, ProcessHandoff } from './upgrade/predecessor.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const underWay = 'An upgrade is in progress; try again when it is over.';

/**
 * The admin API of a gateway that a command runs: opened when the gateway serves, and reloaded with it. A reload opens new
 * admin listeners before the gateway activates the configuration, so that the whole configuration is applied or none of it.
 */
export class ServedAdmin {
  #admin: AdminServer | null = null;
  #isUpgrading: () => boolean = () => false;
  #unsubscribe: () => void = () => {};

  /**
   * Reads a configuration again for the gateway, and prepares the admin API for it. Refuses during an upgrade: the successor
   * may have read the file already, and this process may be about to leave.
   */
  reloading(read: ConfigurationReload): ConfigurationReload {
    return async () => {
      if (this.#isUpgrading()) return { ok: false, kind: 'refused', errors: [underWay] };
      const outcome = await read();
      if (!outcome.ok) return outcome;
      const problem = (await this.#admin?.prepare(outcome.configuration.admin)) ?? null;
      if (problem === null) return outcome;
      const { shown } = outcome;
      return { ok: false, kind: 'invalid', errors: [problem], ...(shown === undefined ? {} : { shown }) };
    };
  }

  /** The addresses at which the admin API answers; null until it is open. */
  get addresses(): AdminAddresses {
    return { socketPath: this.#admin?.socketPath ?? null, address: this.#admin?.address ?? null };
  }

  /** `predecessor`: the addresses at which a predecessor still answers. */
  async open(
    gateway: Gateway,
    configuration: Configuration,
    context: ProcessContext,
    upgrades: Upgrades | null,
    stop: StopSignals,
    predecessor: AdminAddresses | null,
  ): Promise<AdminServer> {
    const { predecessor: connection } = context;
    this.#isUpgrading = () => upgrades?.isUnderWay === true || connection?.isSettled === false;
    try {
      const spec = configuration.admin;
      const upgrading = upgrades === null ? {} : { upgrader: upgrades };
      const stopper: Stopper = { stop: (actor, atOnce) => stop.request(actor, atOnce) };
      const refusal = (): string | null => (this.#isUpgrading() ? underWay : null);
      const { stateFolder } = configuration;
      const dashboard = { folder: dashboardFolder(), random: systemRandom, stateFolder };
      const parts = { gateway, spec, clock: context.clock, predecessor, stopper, refusal, dashboard };
      this.#admin = await startAdminServer({ ...parts, ...upgrading });
    } catch (error) {
      throw error instanceof AdminFailure ? new CommandFailure('failure', error.message) : error;
    }
    const admin = this.#admin;
    this.#unsubscribe = gateway.events.subscribe(({ kind }) => {
      if (kind === 'configuration_applied') admin.activate();
      if (kind === 'configuration_rejected') admin.discard();
      if (kind === 'upgrade_done') admin.closeTcp();
    });
    return admin;
  }

  /** Moves the admin socket aside, so that the successor can listen at its path. */
  moveAside(): MovedSocket | SocketNotMoved | null {
    return this.#admin?.moveAside() ?? null;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#admin?.close();
  }
}

/** Implements the part of an upgrade that a running gateway does. */
export function createProcessHandoff(
  gateway: Gateway,
  admin: ServedAdmin,
  ownPid: number = process.pid,
): ProcessHandoff {
  let aside: MovedSocket | null = null;
  return {
    refusal() {
      if (ownPid === 1)
        return (
          'This gateway is the first process of its container: when it ends, everything in the container does. ' +
          'Start a container of the new version instead.'
        );
      const { state } = gateway.status();
      return state === 'serving' ? null : `The gateway is ${state}.`;
    },
    async handOff(successor) {
      const moved = admin.moveAside();
      if (moved !== null && 'why' in moved) return `The new process cannot have the admin socket: ${moved.why}.`;
      aside = moved;
      // An application that cannot be handed off stays here until its requests have finished. The gateway's events report
      // it.
      return (await gateway.handOff(successor)).refused ?? null;
    },
    ticketKey: () => gateway.ticketKey,
    featureStates: () => gateway.featureStates(),
    moreFeatureStates: () => gateway.moreFeatureStates(),
    async rollBack() {
      const left = aside?.restore() ?? null;
      aside = null;
      await gateway.rollBackHandoff();
      return left === null ? null : `The admin socket could not be moved back: ${left}.`;
    },
    complete() {
      aside?.discard();
    },
  };
}

/** The addresses of a gateway's open listeners. */
export function openListeners(gateway: Gateway): { id: string; host: string; port: number }[] {
  return gateway
    .status()
    .listeners.filter(({ state }) => state === 'open')
    .map(({ id, address }) => {
      const at = address.lastIndexOf(':');
      const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
      return { id, host, port: Number(address.slice(at + 1)) };
    });
}

/** The built files of the dashboard: in the package, else where a source checkout builds them. */
function dashboardFolder(): string {
  const root = join(import.meta.dirname, '..', '..');
  const packaged = join(root, 'dist', 'dashboard');
  return existsSync(packaged) ? packaged : join(root, '.cache', 'dashboard');
}
