import { after, type Clock, type Instant } from '../core/time.ts';
import { exitCodes } from './exit-codes.ts';
import type { ProcessContext } from './process-context.ts';

/** What a process offers to those who want its signals. */
export interface SignalEmitter {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * For how long a stop signal that comes again is taken for a copy of the one before. Ctrl-C, `kill -TERM -<group>` and
 * the usual stop of systemd reach every process of a group, and whoever started us (`npm`, or the older Node that found
 * ours) passes on what it got as well: one wish, two signals. The system does not say which is which, and whoever passes
 * signals on cannot leave it be, since a signal may be for it alone. So the time tells: a copy comes within milliseconds,
 * on a busy machine later. Half a second bears that, and a person who means a second Ctrl-C comes later or tries again,
 * while a copy that is taken for a second wish ends requests that were to finish.
 */
export const copyMaxMs = 500;

/**
 * Listens for signals of a process. A copy of SIGINT or SIGTERM is not passed on; SIGHUP, SIGUSR1 and SIGUSR2 are each time,
 * because doing their work twice does no harm, and leaving out the last would. Those of `takeEarly` are passed on at once.
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
    // A copy that is still to come would end a process that nobody listens for, in the middle of its last words.
    if (copiesUntil === null) emitter.off(signal, onCopy);
  };
}
/**
 * Takes a signal over from the listener that was there before this program was loaded, after a listener of this program
 * is in place. Says whether the signal has come already; once only.
 */
export type TakeEarly = (signal: NodeJS.Signals) => boolean;
