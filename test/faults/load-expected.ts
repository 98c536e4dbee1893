import { readFileSync } from 'node:fs';

/**
 * Reads `expected.md`. The words are repeated here on purpose: they are the words that the table may use, independent
 * of the program.
 */
export interface ExpectedRow {
  readonly line: number;
  readonly name: string;
  readonly request: RequestShape;
  /** The text of the cell. */
  readonly requestText: string;
  /** Null: nothing is sent. */
  readonly status: number | null;
  /** RFC 9209 §2.3; null for none. */
  readonly error: string | null;
  /** The cause in the record; null for no failure, and in rows that cannot be run yet. */
  readonly cause: string | null;
  readonly shape: (typeof shapes)[number];
  readonly delivery: (typeof deliveries)[number];
  readonly end: (typeof ends)[number];
  readonly clientSees: (typeof sights)[number];
  /** How often the origin may get the request. */
  readonly originSees: { readonly min: number; readonly max: number };
  /**
   * The reason for or against another attempt after each attempt, in order: one of these lists must match. Null: not
   * specified.
   */
  readonly attempts: readonly (readonly string[])[] | null;
  /** Further keys of `Proxy-Status`, or of the evidence of the last attempt. */
  readonly tells: ReadonlyMap<string, string>;
  /** The request is in flight when the drain timeout of a stopping gateway expires: `drained.test.ts` runs these rows. */
  readonly whenStopping: boolean;
  /** The feature that the row needs before it can be run; null if it exists. */
  readonly needs: string | null;
  readonly because: string;
}

interface RequestShape {
  readonly method: string;
  readonly bodyBytes: number;
  /** The connection to the origin has carried an exchange, and has been idle for this long; null: any connection. */
  readonly reusedAfterMs: number | null;
  readonly leaves: boolean;
  /** The route holds responses back. */
  readonly held: boolean;
  /** The upstream has a second endpoint that is as good as the first. */
  readonly ofTwo: boolean;
}

const shapes = [
  'unreachable',
  'too_slow',
  'reset',
  'garbage',
  'refused_by_gateway',
  'app_error',
  'client_abort',
  'none',
] as const;
const deliveries = ['not_sent', 'partial', 'sent_unknown', 'refused_by_peer', 'response_started'] as const;
const ends = ['forwarded', 'generated', 'truncated', 'abandoned'] as const;
const sights = ['complete', 'cut', 'closed'] as const;

/** Every row of all tables. Throws, with the line, for an unknown word in a cell. */
export function loadExpected(): readonly ExpectedRow[] {
  return parseExpected(readFileSync(new URL('./expected.md', import.meta.url), 'utf8'));
}

export function parseExpected(markdown: string): readonly ExpectedRow[] {
  const rows: ExpectedRow[] = [];
  let section = '';
  markdown.split('\n').forEach((text, index) => {
    if (text.startsWith('## ')) section = text.slice(3).trim();
    if (!text.startsWith('| ') || text.startsWith('| case ')) return;
    rows.push(parseRow(text, index + 1, section));
  });
  return rows;
}

function parseRow(text: string, line: number, section: string): ExpectedRow {
  const later = section === 'Later';
  const cells = text
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  const wrong = (what: string): never => {
    throw new Error(`expected.md:${line}: ${what}`);
  };
  const columns = later ? laterColumns : nowColumns;
  if (cells.length !== columns.length) wrong(`${cells.length} cells where there are ${columns.length}`);
  const cell = (column: Column): string => cells[(columns as readonly Column[]).indexOf(column)] ?? '-';
  const [name, request, status, error, because] = [
    cell('case'),
    cell('request'),
    cell('status'),
    cell('error'),
    cell('because'),
  ];
  if (name === '' || because === '') wrong('a row has a name and a reason');
  const oneOf = <T extends string>(words: readonly T[], word: string): T =>
    words.find((known) => known === word) ?? wrong(`"${word}" is none of ${words.join(', ')}`);
  const originSees = later
    ? { min: 0, max: 0 }
    : (parseRange(cell('origin sees')) ?? wrong(`"${cell('origin sees')}" is no count`));
  const attempts = later ? null : (parseAttempts(cell('attempts')) ?? wrong(`"${cell('attempts')}" are no attempts`));
  const sentMax = attempts === null ? 0 : Math.max(...attempts.map(sentOf));
  if (originSees.max > sentMax) wrong(`${originSees.max} seen where ${sentMax} can have been sent`);
  return {
    line,
    name,
    requestText: request,
    request: parseRequest(request) ?? wrong(`"${request}" is no request`),
    status: status === '-' ? null : /^[1-9][0-9]{2}$/.test(status) ? Number(status) : wrong(`"${status}" is no status`),
    error: error === '-' ? null : /^[a-z_0-9]+$/.test(error) ? error : wrong(`"${error}" is no error type`),
    cause: cell('cause') === '-' ? null : cell('cause'),
    shape: oneOf(shapes, cell('shape')),
    delivery: oneOf(deliveries, cell('delivery')),
    end: oneOf(ends, cell('end')),
    clientSees: oneOf(sights, cell('client sees')),
    originSees,
    attempts,
    tells: parseTells(cell('tells')) ?? wrong(`"${cell('tells')}" tells nothing`),
    whenStopping: section === 'When the gateway stops',
    needs: later ? cell('needs') : null,
    because,
  };
}

const requestColumns = ['case', 'request', 'status', 'error'] as const;
const outcomeColumns = ['shape', 'delivery', 'end', 'client sees'] as const;
const nowColumns = [
  ...requestColumns,
  'cause',
  ...outcomeColumns,
  'origin sees',
  'attempts',
  'tells',
  'because',
] as const;
const laterColumns = [...requestColumns, ...outcomeColumns, 'needs', 'because'] as const;
type Column = (typeof nowColumns)[number] | (typeof laterColumns)[number];

/** 'nowhere_else or idempotent, attempts_spent': the reasons of one attempt, or those of two. '-' for no attempt. */
function parseAttempts(text: string): (readonly string[])[] | null {
  if (text === '-') return [[]];
  if (!/^[a-z_]+(?:(?:, | or )[a-z_]+)*$/.test(text)) return null;
  return text.split(' or ').map((alternative) => alternative.split(', '));
}

/** How many of these attempts sent something. */
export function sentOf(attempts: readonly string[]): number {
  return attempts.filter((reason) => reason !== 'nothing_sent').length;
}

/** 'rcode=NXDOMAIN, how=reset'. */
function parseTells(text: string): ReadonlyMap<string, string> | null {
  if (text === '-') return new Map();
  const pairs = text.split(', ').map((pair) => /^([A-Za-z_-]+)=(\S+)$/.exec(pair));
  return pairs.includes(null) ? null : new Map(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

function parseRequest(text: string): RequestShape | null {
  const match =
    /^([A-Z]+)(?: ([0-9]+))?(?: (reused)(?: after ([0-9]+) ms)?)?(?: (leaves))?(?: (held))?(?: (of two))?$/.exec(text);
  if (match === null) return null;
  const [, method = '', bytes = '0', reused, afterMs = '0', leaves, held, ofTwo] = match;
  return {
    method,
    bodyBytes: Number(bytes),
    reusedAfterMs: reused === undefined ? null : Number(afterMs),
    leaves: leaves !== undefined,
    held: held !== undefined,
    ofTwo: ofTwo !== undefined,
  };
}

function parseRange(text: string): { min: number; max: number } | null {
  const [, min, max] = /^([0-9]+)(?:-([0-9]+))?$/.exec(text) ?? [];
  return min === undefined ? null : { min: Number(min), max: Number(max ?? min) };
}
