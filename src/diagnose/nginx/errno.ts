/** What a system's error number says of a connection. The text beside it differs from library to library; the number does not. */
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

/** Linux first, then macOS and FreeBSD, illumos and Solaris, Windows. No number of one means another thing of a connection in another. */
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
