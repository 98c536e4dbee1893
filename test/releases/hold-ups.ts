const tickMs = 5;
const leastMs = 8;
const keptMs = 20_000;

/** When this process could not run: what a client waited then is not the fault of a server. */
export class HoldUps {
  readonly #seen: { readonly from: number; readonly to: number }[] = [];
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    if (now - this.#last > tickMs + leastMs) this.#seen.push({ from: this.#last + tickMs, to: now });
    while ((this.#seen[0]?.to ?? now) < now - keptMs) this.#seen.shift();
    this.#last = now;
  }, tickMs);

  /** Milliseconds of hold-ups within a time. */
  between(from: number, to: number): number {
    let ms = 0;
    for (const one of this.#seen) ms += Math.max(0, Math.min(to, one.to) - Math.max(from, one.from));
    const since = this.#last + tickMs;
    return ms + Math.max(0, to - Math.max(from, since) - leastMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
