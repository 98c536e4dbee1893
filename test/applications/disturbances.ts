/** What is done to a gateway while something is done to one of its pieces. */
const operations = [
  ...(['none', 'start', 'tick', 'job', 'reload', 'secret', 'rotate-key'] as const),
  ...(['scale', 'restart', 'deploy', 'upgrade', 'stop'] as const),
];

export type Operation = (typeof operations)[number];

/** Processes by what they are. `gateway`: the oldest process of the gateway; `successor`: its newest; `sandbox`: bwrap, with isolation; `newest`: of all but the gateway. */
const pieces = ['gateway', 'successor', 'instance', 'worker', 'job', 'sandbox', 'watchdog', 'newest'] as const;

export type Piece = (typeof pieces)[number];

/** `freeze`: SIGSTOP, and SIGCONT later. `thread`: a serving worker of the gateway ends by an exception. */
export type Blow =
  | { readonly kind: 'kill' | 'freeze'; readonly at: Piece }
  | { readonly kind: 'thread' | 'descriptors' | 'disk' };

export interface Disturbance {
  readonly operation: Operation;
  readonly blow: Blow;
  /** After the beginning of the operation. */
  readonly afterMs: number;
}

const blows: readonly Blow[] = [
  ...pieces.flatMap((at) => [{ kind: 'kill', at } as const, { kind: 'freeze', at } as const]),
  ...(['thread', 'descriptors', 'disk'] as const).map((kind) => ({ kind })),
];

/** Every blow during every operation at every time, in an order that depends on the seed alone. */
export function allDisturbances(times: readonly number[], seed: number): readonly Disturbance[] {
  const all = operations.flatMap((operation) =>
    blows.flatMap((blow) => times.map((afterMs) => ({ operation, blow, afterMs }))),
  );
  return shuffled(all, seed);
}

export function textOf({ operation, blow, afterMs }: Disturbance): string {
  const what = 'at' in blow ? `${blow.kind} ${blow.at}` : blow.kind;
  return `${what} ${afterMs} ms after ${operation}`;
}

/** Fisher and Yates, with the numbers of a linear congruential generator. */
function shuffled<T>(all: readonly T[], seed: number): readonly T[] {
  const list = [...all];
  let state = seed >>> 0;
  for (let at = list.length - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}
