/** The ports of a measurement are one after another from here on, so that a test can run one beside another program. */
const firstPort = Number(process.env['CANDOR_BENCH_PORT'] ?? 19_300);

/** How many ports a measurement uses. */
export const portCount = 20;

export function benchPort(offset: number): number {
  return firstPort + offset;
}
