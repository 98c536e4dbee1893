/** The meaning of the number in "(111)Connection refused:" for a connection, on any system. */
export type ErrnoWord =
  | 'refused'
  | 'timed_out'
  | 'unroutable'
  | 'reset'
  | 'missing' // no such socket in the file system
  | 'not_permitted'
  | 'backlog_full' // of a unix socket
  | 'ports_spent'
  | 'descriptors_spent'
  | 'name_unknown'
  | 'name_timeout'
  | 'cut_short'; // APR_INCOMPLETE: less came than was announced

/** Linux; macOS and FreeBSD; Solaris; Windows; and the numbers that APR defines itself (apr_errno.h). */
const numbers: Readonly<Record<Exclude<ErrnoWord, 'name_unknown' | 'name_timeout'>, readonly number[]>> = {
  refused: [111, 61, 146, 10061],
  timed_out: [110, 60, 145, 10060, 70007],
  unroutable: [113, 101, 112, 65, 51, 64, 148, 128, 10065, 10051],
  // APR's 70014 and 20014 mean that the peer closed the connection without an answer.
  reset: [104, 103, 32, 54, 53, 131, 130, 10054, 10053, 70014, 20014],
  missing: [2, 20],
  not_permitted: [13, 1, 10013],
  backlog_full: [11, 35],
  ports_spent: [99, 49, 98, 48],
  descriptors_spent: [24, 23],
  cut_short: [70008],
};

const words: ReadonlyMap<number, ErrnoWord> = new Map(
  Object.entries(numbers).flatMap(([word, list]) => list.map((number) => [number, word as ErrnoWord] as const)),
);

/** From here on, for fifty thousand numbers, APR reports errors of getaddrinfo (APR_OS_START_EAIERR). */
export const lookupErrorMin = 670_000;
const lookupErrorMax = 719_999;
/** EAI_AGAIN of Linux: the name server did not answer. */
const lookupAgain = 3;

export function errnoWordOf(number: number): ErrnoWord | null {
  if (number >= lookupErrorMin && number <= lookupErrorMax) {
    return number - lookupErrorMin === lookupAgain ? 'name_timeout' : 'name_unknown';
  }
  return words.get(number) ?? null;
}
