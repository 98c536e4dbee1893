import { constants } from 'node:os';
import type { KitClock } from './clock.ts';

/**
 * A signal that comes twice within this time is meant once: systemd, Candor and terminals signal all processes of an application, and some of
 * them, such as the primary of a cluster, pass it on to the others.
 */
const sameMs = 1000;

/** Drains of this process that a signal has begun and that are not over, and the worst of their codes: a program with two servers ends behind the slower one. */
const underWay = new Set<object>();
let worstCode = 0;

interface SignalPlan {
  readonly names: readonly NodeJS.Signals[];
  readonly exits: boolean;
  readonly clock: KitClock;
  readonly drain: (why: string) => Promise<number>;
  readonly log: (line: string) => void;
}

/**
 * The first signal drains, and ends the process with the code of the drain where `exits`; a second one ends it at once. The function
 * returned gives signals back to Node.
 */
export function onSignals({ names, exits, clock, drain, log }: SignalPlan): () => void {
  let first: { readonly name: string; readonly at: number } | null = null;
  const receive = (name: NodeJS.Signals): void => {
    if (first !== null) {
      if (first.name === name && clock.now() - first.at < sameMs) return;
      log(`a second signal (${name}): the process ends at once`);
      return process.exit(128 + constants.signals[name]);
    }
    first = { name, at: clock.now() };
    underWay.add(receive);
    void drain(name).then((code) => {
      underWay.delete(receive);
      worstCode = Math.max(worstCode, code);
      if (exits && underWay.size === 0) process.exit(worstCode);
    });
  };
  for (const name of names) process.on(name, receive);
  return () => {
    for (const name of names) process.off(name, receive);
  };
}
