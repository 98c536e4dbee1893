/** What libuv has counted of one event loop since its start. */
interface LoopLine {
  readonly thread: number;
  readonly isMain: boolean;
  readonly loops: number;
  readonly events: number;
  readonly activeMs: number;
  readonly idleMs: number;
}

/** The event loop of one thread over a time. */
export interface LoopUse {
  readonly thread: 'main' | `worker ${number}`;
  /** Turns of the loop, and events (a connection that can be read or written, a timer) that they handled. */
  readonly loops: number;
  readonly events: number;
  readonly activeMs: number;
  readonly idleMs: number;
}

/** Between the first and the last line of each thread in the output of `loop-probe.ts`. */
export function loopUseIn(text: string): LoopUse[] {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('loop-probe {') && line.endsWith('}'))
    .map((line) => JSON.parse(line.slice('loop-probe '.length)) as LoopLine);
  const threads = Map.groupBy(lines, ({ thread }) => thread);
  return [...threads.values()].map((some) => {
    const [first, last] = [some[0], some.at(-1)] as [LoopLine, LoopLine];
    return {
      thread: first.isMain ? 'main' : `worker ${first.thread}`,
      loops: last.loops - first.loops,
      events: last.events - first.events,
      activeMs: last.activeMs - first.activeMs,
      idleMs: last.idleMs - first.idleMs,
    };
  });
}
