import type { KitClock } from './clock.ts';
import { errorText } from './error-text.ts';
import type { DrainTimes } from './kit-options.ts';

/** What a drain does with the server. */
export interface DrainedServer {
  /** Requests and tunnels that are not over, as people read them. */
  unfinished(): readonly string[];
  /** Calls once nothing is in flight; at once where nothing is. */
  onIdle(idle: () => void): void;
  closeListener(): void;
  /** Closes connections without a request, now and whenever one has become so. */
  closeIdle(): void;
  /** Aborts the signals of requests, and destroys all connections. */
  destroy(): void;
}

interface DrainSteps {
  readonly clock: KitClock;
  readonly times: DrainTimes;
  readonly server: DrainedServer;
  readonly onDrain: () => unknown;
  readonly onClose: () => unknown;
  readonly log: (line: string) => void;
}

/** Leads a server from "not ready" to closed: notice, listener, idle connections, requests in flight, `onClose`. Resolves with the exit code. */
export async function drainServer(steps: DrainSteps): Promise<number> {
  const { clock, times, server, log } = steps;
  const end = clock.now() + times.timeoutMs;
  const left = (): number => Math.max(0, end - clock.now());
  /** Runs what the application has given, for so long at most. Returns whether it has ended well. */
  const run = async (name: 'onDrain' | 'onClose', ms: number): Promise<boolean> => {
    const failure = await within(clock, ms, failureOf(steps[name]));
    if (failure !== null) log(`Error: ${name} ${failure ?? `did not end within ${Math.round(ms)} ms`}`);
    return failure === null;
  };
  await Promise.all([timeout(clock, times.noticeMs).over, run('onDrain', times.timeoutMs - times.idleMs)]);
  // The kernel resets connections that it has and the program does not, and a busy program learns of requests after its timers.
  await eventsTaken(clock);
  server.closeListener();
  await timeout(clock, Math.min(times.idleMs, left())).over;
  await eventsTaken(clock);
  server.closeIdle();
  await within(clock, left(), new Promise<void>((resolve) => server.onIdle(resolve)));
  const cut = server.unfinished();
  server.destroy();
  // Databases get a second even where requests have used up the time.
  const isClosed = await run('onClose', Math.max(1000, left()));
  // The last line: Candor and people read it as the reason of the exit code.
  if (cut.length > 0) log(`Error: ${cutText(cut, times.timeoutMs)}`);
  return cut.length > 0 || !isClosed ? 1 : 0;
}

function eventsTaken(clock: KitClock): Promise<void> {
  return new Promise((resolve) => clock.afterEvents(resolve));
}

function timeout(clock: KitClock, ms: number): { readonly over: Promise<void>; readonly cancel: () => void } {
  let stop = (): void => {};
  const over = new Promise<void>((resolve) => {
    if (ms > 0) stop = clock.after(ms, resolve);
    else resolve();
  });
  return { over, cancel: () => stop() };
}

/** Undefined: it took longer. */
async function within<T>(clock: KitClock, ms: number, work: Promise<T>): Promise<T | undefined> {
  const { over, cancel } = timeout(clock, ms);
  const result = await Promise.race([work, over.then(() => undefined)]);
  cancel();
  return result;
}

async function failureOf(work: () => unknown): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return `failed: ${errorText(error)}`;
  }
}

const namedMax = 3;

function cutText(cut: readonly string[], timeoutMs: number): string {
  const named = cut.slice(0, namedMax).join(', ');
  const rest = cut.length > namedMax ? `, and ${cut.length - namedMax} more` : '';
  const count = cut.length === 1 ? '1 request was' : `${cut.length} requests were`;
  return `${count} not finished ${timeoutMs / 1000} s after the signal, and cut: ${named}${rest}`;
}
