/** The meaning of a system error number for a connection. The text beside it depends on the C library; the number does not. */
export type ErrnoSense =
  | 'refused'
  | 'timed_out'
  | 'unroutable'
  | 'reset'
  | 'missing'
  | 'forbidden'
  | 'backlog_full'
  | 'ports_spent'
  | 'descriptors_spent';

/**
 * Linux, then macOS and FreeBSD, illumos and Solaris, and Windows. No number means different things for a connection on
 * two of them.
 */
const numbers: Readonly<Record<ErrnoSense, readonly number[]>> = {
  refused: [111, 61, 146, 10_061],
  timed_out: [110, 60, 145, 10_060],
  unroutable: [113, 101, 112, 100, 97, 65, 51, 64, 50, 47, 148, 128, 147, 127, 10_065, 10_051],
  reset: [104, 32, 103, 107, 54, 53, 57, 131, 130, 134, 10_054, 10_053],
  missing: [2],
  forbidden: [13, 1, 10_013],
  backlog_full: [11, 35],
  ports_spent: [99, 49, 126, 10_049, 10_048],
  descriptors_spent: [24, 23],
};

const senses: ReadonlyMap<number, ErrnoSense> = new Map(
  Object.entries(numbers).flatMap(([sense, all]) => all.map((number) => [number, sense as ErrnoSense] as const)),
);

export function errnoSense(number: number): ErrnoSense | null {
  return senses.get(number) ?? null;
}
