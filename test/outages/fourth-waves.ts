const timers = new Set<NodeJS.Timeout>();

/** Calls `on` now and every `everyMs`, and `off` after `forMs` each time, until `endWaves`. */
export function startWaves(everyMs: number, forMs: number, on: () => void, off: () => void): void {
  const wave = (): void => {
    on();
    timers.add(setTimeout(off, forMs));
  };
  wave();
  timers.add(setInterval(wave, everyMs));
}

/** Calls `then` once, unless `endWaves` comes first. */
export function afterwards(ms: number, then: () => void): void {
  timers.add(setTimeout(then, ms));
}

export function endWaves(): void {
  for (const timer of timers) clearTimeout(timer);
  timers.clear();
}
