/** What libuv has counted of one event loop since its start. */
interface LoopLine {
  readonly thread: string;
  readonly loops: number;
  readonly events: number;
  readonly activeMs: number;
  readonly idleMs: number;
}

/** The event loop of one thread over a time. */
export interface LoopUse {
  /** 'main', or the thread's name: 'candor worker 1', 'candor log'. */
  readonly thread: string;
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
  return [...threads].map(([thread, some]) => {
    const [first, last] = [some[0], some.at(-1)] as [LoopLine, LoopLine];
    return {
      thread,
      loops: last.loops - first.loops,
      events: last.events - first.events,
      activeMs: last.activeMs - first.activeMs,
      idleMs: last.idleMs - first.idleMs,
    };
  });
}
