import { after, type Clock, type Instant } from '../core/time.ts';
import { exitCodes } from './command-failure.ts';
import type { ProcessContext } from './process-context.ts';

/** The part of `process` that signal listeners need. */
interface SignalEmitter {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * How long after a stop signal a further one is taken for a copy of it. Ctrl-C, `kill -TERM -<group>` and the usual stop of
 * systemd reach every process of a group. A parent such as `npm` passes
 * its signal on as well, so one request to stop becomes two signals. The system does not say which signal is a copy, and the
 * parent must pass signals on, since a signal may be for it alone. So the time decides: a copy comes within milliseconds, on
 * a busy machine later. Half a second allows for that. A person who wants a second Ctrl-C presses it later or presses it
 * again, while a copy that is taken for a second signal would end requests that should finish.
 */
export const copyMaxMs = 500;

/**
 * Listens for signals of a process. A copy of SIGINT or SIGTERM is not passed on. SIGHUP, SIGUSR1 and SIGUSR2 are always
 * passed on, because handling them twice does no harm, and dropping the last one would. Signals that `takeEarly` reports are
 * passed on at once.
 */
export function signalSource(
  emitter: SignalEmitter,
  clock: Clock,
  exit: (code: number) => void,
  takeEarly: TakeEarly = () => false,
): ProcessContext['onSignal'] {
  return (signal, listener) => {
    if (signal === 'SIGINT' || signal === 'SIGTERM')
      return listenForStop(signal, listener, () => exit(exitCodeOf[signal]), emitter, clock);
    emitter.on(signal, listener);
    if (takeEarly(signal)) listener();
    return () => emitter.off(signal, listener);
  };
}

const exitCodeOf = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

function listenForStop(
  signal: 'SIGINT' | 'SIGTERM',
  listener: () => void,
  end: () => void,
  emitter: SignalEmitter,
  clock: Clock,
): () => void {
  let copiesUntil: Instant | null = null;
  let left = false;
  const onCopy = (): void => {
    const now = clock.now();
    if (copiesUntil !== null && now < copiesUntil) return;
    copiesUntil = after(now, copyMaxMs);
    if (left) end();
    else listener();
  };
  emitter.on(signal, onCopy);
  return () => {
    left = true;
    // Without a listener, a late copy would end the process while it writes its last messages.
    if (copiesUntil === null) emitter.off(signal, onCopy);
  };
}
/**
 * Removes the listener for a signal that was installed before this program was loaded. Call it after a listener of this
 * program is installed. Returns whether the signal has come already; true only once.
 */
type TakeEarly = (signal: NodeJS.Signals) => boolean;

/** Set by `bin/early-signals.cjs`: the signals that came while this program was loaded, and their listeners. */
interface Left {
  readonly came: readonly NodeJS.Signals[];
  readonly listeners: Readonly<Partial<Record<NodeJS.Signals, () => void>>>;
}

const leftAt = Symbol.for('candor.early-signals');

export function earlySignals(own: SignalEmitter & { readonly [leftAt]?: Left }): TakeEarly {
  const left = own[leftAt];
  const taken = new Set<NodeJS.Signals>();
  return (signal) => {
    const listener = left?.listeners[signal];
    if (left === undefined || listener === undefined || taken.has(signal)) return false;
    taken.add(signal);
    own.off(signal, listener);
    return left.came.includes(signal);
  };
}
