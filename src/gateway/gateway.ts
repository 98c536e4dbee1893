import { ControlPlane } from '../control/control-plane.ts';
import type { GatewayOptions } from '../control/gateway-options.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { StartAbandoned } from '../control/start-failure.ts';
import { siblingModule } from '../core/sibling-module.ts';
import { systemClock } from '../system/system.ts';

export type { ConfigurationReload, GatewayOptions, RunningPredecessor } from '../control/gateway-options.ts';
export type { Gateway, GatewayWatcher } from '../control/gateway-status.ts';
export { ListenFailure, LogFailure, StartAbandoned, StateFailure } from '../control/start-failure.ts';
export type { Configuration } from '../core/configuration.ts';

/** The only link between the planes: control starts its threads from these files, and imports nothing of them. */
const workerModule = new URL(siblingModule(import.meta.url, '../worker/worker-main'));
const loggerModule = new URL(siblingModule(import.meta.url, '../logger/logger-main'));
const storeModule = new URL(siblingModule(import.meta.url, '../store/store-main'));
const otlpModule = new URL(siblingModule(import.meta.url, '../otlp/otlp-main'));

/**
 * Starts the control plane and its workers. Resolves when the listeners are open; rejects with `ListenFailure`,
 * `LogFailure`, `StateFailure` or `StartAbandoned`.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new ControlPlane({ ...options, workerModule, loggerModule, storeModule, otlpModule }, systemClock);
  const { abandon } = options;
  abandon?.addEventListener('abort', () => gateway.abandon(String(abandon.reason)), { once: true });
  try {
    await gateway.start();
  } catch (error) {
    await gateway.returnApplications();
    await gateway.stop('it could not start');
    throw abandon?.aborted === true ? new StartAbandoned(String(abandon.reason)) : error;
  }
  return gateway;
}
