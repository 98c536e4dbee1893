import { spawn } from 'node:child_process';
import type { Gateway, ReloadOutcome, StopOptions } from '../control/gateway-status.ts';
import { handoffTimeoutMs } from '../control/application-handoff.ts';
import type { ServePlan } from './serve-plan.ts';
import { type ServedAdmin, createProcessHandoff, openListeners } from './served-admin.ts';
import type { StopSignals } from './stop-signals.ts';
import type { ProcessContext } from './process-context.ts';
import { Upgrades } from './upgrade/predecessor.ts';
import type { StartSockets } from './upgrade/start-sockets.ts';
import { startSuccessor } from './upgrade/start-successor.ts';
import { reportTakeover } from './upgrade/successor.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

/** A notification to the service manager (sd_notify(3)): `NAME=value` assignments. */
export type ServiceNotification = readonly string[];

/** Sends one notification. Resolves when the service manager has it, or with the reason why it has not. */
type SendNotification = (notice: ServiceNotification) => Promise<NotificationProblem | null>;

interface NotificationProblem {
  readonly why: string;
}

export interface ServiceManagerParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly pid: number;
  /** Whether this process succeeded the one that the service manager had started. Then the watchdog's pid is not ours. */
  readonly succeeds: boolean;
  /** Whether requests are served. If not, the watchdog gets no ping. */
  readonly isAlive: () => boolean;
  /** Called once, the first time that a notification could not be sent. */
  readonly onTrouble: (why: string) => void;
  readonly send?: SendNotification;
}

/**
 * The service manager (systemd) that started this process, if one did. It is notified when the gateway is ready, reloads or
 * stops, and pinged while the gateway is alive. Notifications go out in the order in which they were given.
 */
export class ServiceManager {
  readonly #parts: ServiceManagerParts;
  readonly #send: SendNotification | null;
  #last: Promise<void> = Promise.resolve();
  #watchdog: Timer | null = null;
  #troubled = false;
  #status = '';

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
    const { env } = parts;
    this.#send = (env['NOTIFY_SOCKET'] ?? '') === '' ? null : (parts.send ?? noticeSender(env, parts.clock));
  }

  get isThere(): boolean {
    return this.#send !== null;
  }

  /** The gateway serves. Also sent at the end of a reload, whether or not it succeeded. */
  ready(status: string): void {
    this.#status = status;
    this.#notify('READY=1', `STATUS=${status}`);
    if (this.#watchdog === null) this.#feedLater();
  }

  /** The gateway reads its configuration again. The time tells the service manager which of its signals this answers. */
  reloading(): void {
    this.#notify('RELOADING=1', `MONOTONIC_USEC=${Math.floor(this.#parts.clock.now() * 1000)}`, 'STATUS=reloading');
  }

  /** The gateway stops. The drain may take a while from here. */
  stopping(status: string): void {
    this.#notify('STOPPING=1', `STATUS=${status}`);
  }

  status(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#notify(`STATUS=${status}`);
  }

  /** Another process is the service from now on. This process sends no further notification. */
  handOff(pid: number): void {
    this.#watchdog?.cancel();
    this.#notify(`MAINPID=${pid}`);
  }

  /** Resolves when all notifications are sent. */
  async close(): Promise<void> {
    this.#watchdog?.cancel();
    await this.#last;
  }

  #notify(...notice: string[]): void {
    const send = this.#send;
    if (send === null) return;
    this.#last = this.#last.then(async () => {
      const problem = await send(notice);
      if (problem === null || this.#troubled) return;
      this.#troubled = true;
      this.#parts.onTrouble(problem.why);
    });
  }

  #feedLater(): void {
    const everyMs = watchdogMs(this.#parts.env, this.#parts);
    if (everyMs === null || this.#send === null) return;
    const { clock } = this.#parts;
    this.#watchdog = clock.schedule(after(clock.now(), everyMs), feed, this as ServiceManager);
  }

  /** Called by the timer of the watchdog. */
  feed(): void {
    if (this.#parts.isAlive()) this.#notify('WATCHDOG=1');
    this.#feedLater();
  }
}

function feed(manager: ServiceManager): void {
  manager.feed();
}

/**
 * Half of the time that the service manager allows, as sd_watchdog_enabled(3) advises; null if it watches no process, or
 * another one.
 */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  { pid, succeeds }: { readonly pid: number; readonly succeeds: boolean },
): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env;
  if (usec === undefined || !/^[1-9]\d{0,15}$/.test(usec)) return null;
  if (watched !== undefined && Number(watched) !== pid && !succeeds) return null;
  return Number(usec) / 2000;
}

/** A message to the local service manager takes milliseconds. One that hangs must not delay the next ones for long. */
const noticeMs = 5_000;

/**
 * Node has no datagram sockets of the unix family, which the protocol requires, so `systemd-notify` of the systemd package
 * sends the message. Without privileges its message bears its own pid, so the unit needs `NotifyAccess=all`.
 */
function noticeSender(env: Readonly<Record<string, string | undefined>>, clock: Clock): SendNotification {
  const { NOTIFY_SOCKET, PATH = '/usr/bin:/bin' } = env;
  return (notice) => {
    const { promise, resolve } = Promise.withResolvers<NotificationProblem | null>();
    try {
      const child = spawn('systemd-notify', notice, { env: { NOTIFY_SOCKET, PATH }, stdio: 'ignore' });
      const late = clock.schedule(after(clock.now(), noticeMs), (one: typeof child) => one.kill('SIGKILL'), child);
      child.once('error', () => {
        late.cancel();
        resolve({ why: 'the program systemd-notify cannot be run' });
      });
      child.once('exit', (code, signal) => {
        late.cancel();
        resolve(code === 0 ? null : { why: `systemd-notify ended with ${signal ?? code}` });
      });
    } catch {
      resolve({ why: 'no process can be started to run systemd-notify' });
    }
    return promise;
  };
}

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
    predecessor?.onCounted((states) => gateway.takeMoreFeatureStates(states));
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
