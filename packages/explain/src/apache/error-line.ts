import { judgedText, monthOf } from '../line-text.ts';

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
const lookupErrorMin = 670_000;
const lookupErrorMax = 719_999;
/** EAI_AGAIN of Linux: the name server did not answer. */
const lookupAgain = 3;

export function errnoWordOf(number: number): ErrnoWord | null {
  if (number >= lookupErrorMin && number <= lookupErrorMax) {
    return number - lookupErrorMin === lookupAgain ? 'name_timeout' : 'name_unknown';
  }
  return words.get(number) ?? null;
}

/** The parts of a line of Apache's error log (`ErrorLogFormat`, and what 2.2 wrote). */
export interface ApacheErrorLine {
  readonly atMs: number | null;
  /** "proxy_http"; empty in 2.2, which does not write it. */
  readonly module: string;
  readonly level: string;
  /** "9:140": process and thread; empty if the line has none. */
  readonly thread: string;
  readonly client: string | null;
  /** Whether the line concerns a connection to a backend (`[remote …]`). */
  readonly isRemote: boolean;
  readonly errno: number | null;
  /** "(111)Connection refused", as written in the line. */
  readonly errnoText: string | null;
  /** "AH00957"; empty if the line has none. */
  readonly code: string;
  readonly text: string;
}

const ctime = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\d{4})$/;
const compactTime = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const moduleAndLevel = /^(?:([a-z0-9_-]{0,40}):)?(emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])$/;
/** "(111)…", "(OS 10061)…" of Windows, "(EAI 2)…" of getaddrinfo. */
const errnoPrefix = /^\((OS |EAI )?(\d{1,8})\)([^:]{0,200}): /;
const sourcePrefix = /^[\w./-]{1,200}\.[ch]\(\d{1,6}\): /;
const codePrefix = /^(AH\d{5}): ?/;
const groupsMax = 12;

/** A system log adds its own time. With `ErrorLog syslog` Apache writes none, and begins with module and level. */
const withoutTime = /^\[[a-z0-9_-]{0,40}:(?:emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])\] \[pid \d/;

/** Null for a line that begins neither with a time and a level in square brackets nor as a line sent to syslog does. */
export function readErrorLine(line: string): ApacheErrorLine | null {
  if (!line.startsWith('[')) return null;
  const text = judgedText(line);
  const [atMs, afterTime] = withoutTime.test(text) ? [null, text] : takeTime(text);
  if (afterTime === null) return null;
  const parts = new Parts();
  let rest = afterTime;
  for (let group = 0; group < groupsMax; group++) {
    const next = parts.take(rest);
    if (next === null) break;
    rest = next;
  }
  if (parts.level === '') return null;
  const { module, level, thread, client, isRemote, errno, errnoText, code } = parts;
  return { atMs, module, level, thread, client, isRemote, errno, errnoText, code, text: withoutReferer(rest) };
}

function takeTime(text: string): readonly [atMs: number | null, rest: string | null] {
  const end = text.indexOf(']');
  const atMs = end < 0 || end > 40 ? null : timeOf(text.slice(1, end));
  return [atMs, atMs === null ? null : text.slice(end + 1).trimStart()];
}

/** The parts before the text of a line, taken off one by one, in any order. */
class Parts {
  module = '';
  level = '';
  thread = '';
  client: string | null = null;
  isRemote = false;
  errno: number | null = null;
  errnoText: string | null = null;
  code = '';

  /** The text after the first part; null if `rest` has no such part left. */
  take(rest: string): string | null {
    if (this.code !== '') return null;
    if (rest.startsWith('[')) return this.#takeGroup(rest);
    const errno = this.errno === null ? errnoPrefix.exec(rest) : null;
    if (errno !== null) {
      this.errno = Number(errno[2]) + (errno[1] === 'EAI ' ? lookupErrorMin : 0);
      this.errnoText = errno[0].slice(0, -2).trimEnd();
      return rest.slice(errno[0].length).trimStart();
    }
    const source = sourcePrefix.exec(rest);
    if (source !== null) return rest.slice(source[0].length);
    const code = codePrefix.exec(rest);
    if (code === null) return null;
    this.code = code[1] ?? '';
    return rest.slice(code[0].length);
  }

  #takeGroup(rest: string): string | null {
    const end = rest.indexOf(']');
    if (end < 0 || end > 300) return null;
    const words = rest.slice(1, end);
    const level = this.level === '' ? moduleAndLevel.exec(words) : null;
    if (level !== null) {
      this.module = level[1] ?? '';
      this.level = level[2] ?? '';
    } else if (this.level === '') {
      return null;
    } else if (words.startsWith('pid ')) {
      this.thread = words.slice(4).replace('tid ', '');
    } else if (words.startsWith('client ')) {
      this.client = words.slice(7);
    } else if (words.startsWith('remote ')) {
      this.isRemote = true;
      this.client = words.slice(7);
    }
    return rest.slice(end + 1).trimStart();
  }
}

function timeOf(text: string): number | null {
  const match = ctime.exec(text);
  if (match !== null) {
    const [, monthName = '', day, hour, minute, second, fraction, year] = match;
    const month = monthOf(monthName);
    return month === null ? null : utc(year, month, day, hour, minute, second, fraction);
  }
  const compact = compactTime.exec(text);
  if (compact === null) return null;
  const [, year, month, day, hour, minute, second, fraction] = compact;
  return utc(year, Number(month) - 1, day, hour, minute, second, fraction);
}

/** The log's times have no zone; they count as UTC. */
function utc(
  year: string | undefined,
  month: number,
  day: string | undefined,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
  fraction: string | undefined,
): number {
  const wholeMs = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  return wholeMs + Math.trunc(Number(`0.${fraction ?? 0}`) * 1000);
}

function withoutReferer(text: string): string {
  const referer = text.lastIndexOf(', referer: ');
  return referer < 0 ? text : text.slice(0, referer);
}
