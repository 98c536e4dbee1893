const rounds = 12;
const perRound = 50_000;

/**
 * Prints how long a call of `once` takes, in nanoseconds of CPU: the best of several rounds, because other programs on the machine
 * can only make a round slower.
 */
export function measure(name: string, bytes: number, once: () => void): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let count = 0; count < perRound; count++) once();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1000) / perRound);
  }
  console.log(`${name.padEnd(28)} ${String(bytes).padStart(5)} bytes ${best.toFixed(0).padStart(6)} ns`);
}
