import type { Gateway, ReloadOutcome, StopOptions } from '../control/gateway-status.ts';
import { handoffTimeoutMs } from '../control/application-handoff.ts';
import type { ServePlan } from './serve-plan.ts';
import { type ServedAdmin, createProcessHandoff, openListeners } from './served-admin.ts';
import { ServiceManager } from './service-manager.ts';
import type { StopSignals } from './stop-signals.ts';
import type { ProcessContext } from './process-context.ts';
import { Upgrades } from './upgrade/predecessor.ts';
import type { StartSockets } from './upgrade/start-sockets.ts';
import { startSuccessor } from './upgrade/start-successor.ts';
import { reportTakeover } from './upgrade/successor.ts';

/** The predecessor takes the applications back as soon as this process has ended. */
const returningApplications: StopOptions = { hasSuccessor: true, detachApplicationsMs: handoffTimeoutMs };

/** A gateway that serves, with its connections to the service manager and to the process before or after it. */
export class ServedGateway {
  readonly gateway: Gateway;
  readonly plan: ServePlan;
  readonly context: ProcessContext;
  /** Null if no other process can succeed this one. */
  readonly upgrades: Upgrades | null;
  readonly #service: ServiceManager;
  readonly #unsubscribe: () => void;
  #isReady = false;

  constructor(
    gateway: Gateway,
    plan: ServePlan,
    { sockets }: StartSockets,
    admin: ServedAdmin,
    context: ProcessContext,
  ) {
    this.gateway = gateway;
    this.plan = plan;
    this.context = context;
    const { clock, env, predecessor } = context;
    const start = (actor: string) => {
      const { version } = gateway.status();
      const facts = { pid: process.pid, listeners: openListeners(gateway), admin: admin.addresses, version, actor };
      return startSuccessor(facts, sockets, gateway.listeningSockets());
    };
    this.upgrades =
      plan.isTemporary === true
        ? null
        : new Upgrades({ clock, events: gateway, handoff: createProcessHandoff(gateway, admin), start });
    this.#service = new ServiceManager({
      env,
      clock,
      pid: process.pid,
      succeeds: predecessor !== null,
      isAlive: () => isAlive(gateway),
      onTrouble: (why) =>
        context.stderr.write(
          `The service manager gets no messages from this gateway: ${why}. Install the systemd package.\n`,
        ),
    });
    this.#unsubscribe = gateway.events.subscribe(({ kind }) => {
      if (kind === 'configuration_applied' && this.#isReady) this.#service.status(statusText(gateway));
    });
    predecessor?.step('listening');
  }

  /** Listeners and admin API are open: notifies the predecessor and the service manager. */
  ready(): void {
    this.#isReady = true;
    const { predecessor } = this.context;
    predecessor?.ready();
    if (predecessor !== null) void reportTakeover(predecessor, this.gateway, this.gateway.status().version);
    this.#service.ready(statusText(this.gateway));
  }

  async reload(actor: string): Promise<ReloadOutcome> {
    this.#service.reloading();
    try {
      return await this.gateway.reload(actor);
    } finally {
      this.#service.ready(statusText(this.gateway));
    }
  }

  /** Resolves when the gateway has stopped: after a signal, or because a successor serves. */
  async untilStopped(stop: StopSignals): Promise<void> {
    const { gateway, upgrades, plan } = this;
    const over = await Promise.race([stop.first, upgrades?.handedOff ?? stop.first, abandonment(plan.abandon)]);
    if (typeof over === 'number') {
      this.#service.handOff(over);
      void stop.first.then((signal) => gateway.stop(`${signal} while it ended`));
      return gateway.stop(`process ${over} has taken over`, { hasSuccessor: true });
    }
    if (typeof over === 'object') {
      this.#service.stopping(over.why);
      await upgrades?.abandon(over.why);
      return gateway.stop(over.why);
    }
    this.#service.stopping(`${over}: requests in flight finish`);
    stop.onSecond = (what) => void gateway.stop(what);
    const wasAtOnce = stop.isAtOnce;
    await upgrades?.abandon(over);
    // A person who presses Ctrl-C wants everything to end, including the applications.
    const leaving = { detachApplicationsMs: over === 'SIGTERM' ? (plan.detachApplicationsMs ?? null) : null };
    const stopped = gateway.stop(over, this.#mustReturnApplications ? returningApplications : leaving);
    if (wasAtOnce) void gateway.stop(over);
    await stopped;
  }

  /** Stops the gateway after a failure. */
  async abandon(why: string): Promise<void> {
    await this.upgrades?.abandon(why);
    await this.gateway.stop(why, this.#mustReturnApplications ? returningApplications : {});
  }

  /** Whether the applications go back to a predecessor that still runs. */
  get #mustReturnApplications(): boolean {
    return this.context.predecessor?.isSettled === false;
  }

  /** Resolves when all notifications to the service manager are sent. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#service.close();
  }
}

/** Resolves with the reason when the signal is aborted; without a signal, never. */
function abandonment(signal: AbortSignal | undefined): Promise<{ readonly why: string }> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve({ why: String(signal.reason) });
    else signal?.addEventListener('abort', () => resolve({ why: String(signal.reason) }), { once: true });
  });
}

/** Whether a worker serves. The main thread asks each worker every second, and one that does not answer counts as lost. */
function isAlive(gateway: Gateway): boolean {
  const { state, workers } = gateway.status();
  return state !== 'serving' || workers.some((worker) => worker.state === 'serving');
}

function statusText(gateway: Gateway): string {
  const { listeners, workers, revision } = gateway.status();
  const open = listeners.filter(({ state }) => state === 'open').map(({ address }) => address);
  const serving = workers.filter(({ state }) => state === 'serving').length;
  return `serves ${open.join(', ')}; workers: ${serving}; configuration revision ${revision}`;
}
