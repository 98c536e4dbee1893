/** Conditional requests and ranges (RFC 9110 §13 and §14). */

/** Headers of a request. */
interface Asked {
  readonly method: string;
  /** `name` is lowercase. */
  get(name: string): string | null;
}

/** What is to be sent, as its validators say. */
interface Representation {
  readonly etag: string;
  /** Whole seconds since the Unix epoch; null: it has no time that means anything. */
  readonly modifiedS: number | null;
  readonly size: number;
}

export interface FileRange {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

type ConditionVerdict =
  | { readonly kind: 'whole' | 'not_modified' | 'failed' | 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly FileRange[] };

const whole: ConditionVerdict = { kind: 'whole' };
const notModified: ConditionVerdict = { kind: 'not_modified' };
const failed: ConditionVerdict = { kind: 'failed' };
const unsatisfiable: ConditionVerdict = { kind: 'unsatisfiable' };

const conditions = ['if-none-match', 'if-modified-since', 'range', 'if-match', 'if-unmodified-since'] as const;

/** False: the whole file is sent, whatever its validators are. */
export function isConditional(headers: { has(name: string): boolean }): boolean {
  return conditions.some((name) => headers.has(name));
}

/** The order is that of RFC 9110 §13.2.2. */
export function judge(asked: Asked, representation: Representation): ConditionVerdict {
  return precondition(asked, representation) ?? rangesOf(asked, representation) ?? whole;
}

function precondition(asked: Asked, { etag, modifiedS }: Representation): ConditionVerdict | null {
  const match = asked.get('if-match');
  if (match !== null) {
    if (!listsTag(match, etag, isSame)) return failed;
  } else if (modifiedS !== null) {
    const since = secondsOf(asked.get('if-unmodified-since'));
    if (since !== null && modifiedS > since) return failed;
  }
  const noneMatch = asked.get('if-none-match');
  if (noneMatch !== null) return listsTag(noneMatch, etag, isSameWeakly) ? notModified : null;
  const since = modifiedS === null ? null : secondsOf(asked.get('if-modified-since'));
  return since !== null && modifiedS !== null && modifiedS <= since ? notModified : null;
}

type Comparison = (one: string, other: string) => boolean;

const isSame: Comparison = (one, other) => one === other && !one.startsWith('W/');
const isSameWeakly: Comparison = (one, other) => one.replace(/^W\//, '') === other.replace(/^W\//, '');

/** A list of entity tags, or `*`. What is no tag matches nothing. */
function listsTag(list: string, etag: string, compare: Comparison): boolean {
  if (list.trim() === '*') return true;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => compare(tag, etag));
}

/** A date of HTTP in one of its three forms, in seconds; null: there is none, and the header is ignored. */
function secondsOf(value: string | null): number | null {
  if (value === null || value.length > 40 || !dateForms.some((form) => form.test(value))) return null;
  const ms = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** RFC 9110 §5.6.7: IMF-fixdate, and those of RFC 850 and asctime, which recipients must understand. */
const dateForms: readonly RegExp[] = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** So many ranges have a use, as for the pages of a document; a request for more gets the whole file (RFC 9110 §14.2). */
const rangesMax = 32;

/** Null: all of it is sent. */
function rangesOf(asked: Asked, { etag, modifiedS, size }: Representation): ConditionVerdict | null {
  const value = asked.method === 'GET' ? asked.get('range') : null;
  if (value === null || !isStill(asked.get('if-range'), etag, modifiedS)) return null;
  const specs = /^bytes=(.{1,2000})$/i.exec(value)?.[1]?.split(',');
  if (specs === undefined || specs.length > rangesMax * 2) return null;
  const ranges: FileRange[] = [];
  let bytes = 0;
  let isEmpty = true;
  for (const spec of specs) {
    if (spec.trim() === '') continue; // An empty element of a list (RFC 9110 §5.6.1).
    isEmpty = false;
    const range = rangeOf(spec.trim(), size);
    if (range === 'invalid') return null;
    if (range === 'unsatisfiable') continue;
    ranges.push(range);
    bytes += range.end - range.start;
  }
  if (isEmpty) return null;
  if (ranges.length === 0) return unsatisfiable;
  // Ranges that overlap would make more of the file than it has.
  return ranges.length > rangesMax || bytes > size ? null : { kind: 'ranges', ranges };
}

/** RFC 9110 §13.1.5: a date must be the very one, and a tag a strong one. */
function isStill(ifRange: string | null, etag: string, modifiedS: number | null): boolean {
  if (ifRange === null) return true;
  return /^(?:W\/)?"/.test(ifRange) ? isSame(ifRange, etag) : modifiedS !== null && secondsOf(ifRange) === modifiedS;
}

function rangeOf(spec: string, size: number): FileRange | 'invalid' | 'unsatisfiable' {
  const [, first = '', last = ''] = /^(\d{0,18})-(\d{0,18})$/.exec(spec) ?? [];
  if (first === '' && last === '') return 'invalid';
  if (first === '') return suffix(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size : Number(last) + 1;
  if (end <= start && last !== '') return 'invalid';
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(end, size) };
}

function suffix(length: number, size: number): FileRange | 'unsatisfiable' {
  return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size };
}
