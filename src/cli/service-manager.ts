import { spawn } from 'node:child_process';
import { after, type Clock, type Timer } from '../core/time.ts';

/** What a service manager wants to hear (sd_notify(3)), each as `NAME=value`. */
export type ServiceNotification = readonly string[];

/** Has one notice sent; resolves when it has been taken, or to why it was not. */
export type SendNotification = (notice: ServiceNotification) => Promise<NotificationProblem | null>;

export interface NotificationProblem {
  readonly why: string;
}

export interface ServiceManagerParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly pid: number;
  /** Whether this process took the place of one that the service manager had started: its watchdog's number is not ours. */
  readonly succeeds: boolean;
  /** Whether requests are served: while not, the watchdog is not fed. */
  readonly isAlive: () => boolean;
  /** Told once, the first time that a notice could not be sent. */
  readonly onTrouble: (why: string) => void;
  readonly send?: SendNotification;
}

/**
 * The service manager (systemd) that started this process, where one did: told when it is ready, reloads, stops, and
 * that it is alive. Everything it is told goes out in the order in which it was said.
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

  /** It serves; also the end of a reload, whatever came of it. */
  ready(status: string): void {
    this.#status = status;
    this.#notify('READY=1', `STATUS=${status}`);
    if (this.#watchdog === null) this.#feedLater();
  }

  /** It reads its configuration again. The time tells the service manager that this answers its signal, and no earlier one. */
  reloading(): void {
    this.#notify('RELOADING=1', `MONOTONIC_USEC=${Math.floor(this.#parts.clock.now() * 1000)}`, 'STATUS=reloading');
  }

  /** It ends. What happens until then may take as long as a drain does. */
  stopping(status: string): void {
    this.#notify('STOPPING=1', `STATUS=${status}`);
  }

  status(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#notify(`STATUS=${status}`);
  }

  /** Another process is the service from now on. This one has nothing more to say. */
  handOff(pid: number): void {
    this.#watchdog?.cancel();
    this.#notify(`MAINPID=${pid}`);
  }

  /** Resolves when everything that was said has been sent. */
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

  /** For its timer alone. */
  feed(): void {
    if (this.#parts.isAlive()) this.#notify('WATCHDOG=1');
    this.#feedLater();
  }
}

function feed(manager: ServiceManager): void {
  manager.feed();
}

/** Half of what the service manager allows, as sd_watchdog_enabled(3) advises; null where it watches nobody, or another. */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  { pid, succeeds }: { readonly pid: number; readonly succeeds: boolean },
): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env;
  if (usec === undefined || !/^[1-9]\d{0,15}$/.test(usec)) return null;
  if (watched !== undefined && Number(watched) !== pid && !succeeds) return null;
  return Number(usec) / 2000;
}

/** A message to the local service manager takes milliseconds; one that hangs must not hold up those after it. */
const noticeMs = 5_000;

/**
 * Node has no datagram sockets of the unix family, which the protocol wants, so the program that comes with systemd speaks
 * for us. Without privileges its message bears its own number, so the unit says `NotifyAccess=all`.
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
