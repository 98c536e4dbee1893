import type { SignalEmitter, TakeEarly } from './signal-source.ts';

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
