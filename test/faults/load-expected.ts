import { readFileSync } from 'node:fs';

/**
 * Reads `expected.md`. The words are repeated here on purpose: they are what the table may say, not what the
 * program happens to say.
 */
export interface ExpectedRow {
  readonly line: number;
  readonly name: string;
  readonly request: RequestShape;
  /** Null: nothing is sent. */
  readonly status: number | null;
  /** RFC 9209 §2.3; null for none. */
  readonly error: string | null;
  readonly shape: (typeof shapes)[number];
  readonly delivery: (typeof deliveries)[number];
  readonly end: (typeof ends)[number];
  readonly clientSees: (typeof sights)[number];
  /** How often the origin may see the request. */
  readonly originSees: { readonly min: number; readonly max: number };
  /** What must exist before the row can be run; null for now. */
  readonly needs: string | null;
  readonly because: string;
}

export interface RequestShape {
  readonly method: string;
  readonly contentOctets: number;
  /** The connection to the origin has carried an exchange, and has been idle for this long; null: no matter. */
  readonly reusedAfterMs: number | null;
  readonly leaves: boolean;
  /** The route holds responses back. */
  readonly held: boolean;
  /** The upstream has a second endpoint, which would do as well. */
  readonly ofTwo: boolean;
}

export const shapes = [
  'unreachable',
  'too_slow',
  'reset',
  'garbage',
  'refused_by_gateway',
  'app_error',
  'client_abort',
  'none',
] as const;
export const deliveries = ['not_sent', 'partial', 'sent_unknown', 'refused_by_peer', 'response_started'] as const;
export const ends = ['forwarded', 'generated', 'truncated', 'abandoned'] as const;
export const sights = ['complete', 'cut', 'closed'] as const;

/** Every row of both tables. Throws, naming the line, for a cell that says nothing known. */
export function loadExpected(): readonly ExpectedRow[] {
  return parseExpected(readFileSync(new URL('./expected.md', import.meta.url), 'utf8'));
}

export function parseExpected(markdown: string): readonly ExpectedRow[] {
  const rows: ExpectedRow[] = [];
  let section = '';
  markdown.split('\n').forEach((text, index) => {
    if (text.startsWith('## ')) section = text.slice(3).trim();
    if (!text.startsWith('| ') || text.startsWith('| case ')) return;
    rows.push(parseRow(text, index + 1, section === 'Later'));
  });
  return rows;
}

function parseRow(text: string, line: number, later: boolean): ExpectedRow {
  const cells = text
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  const wrong = (what: string): never => {
    throw new Error(`expected.md:${line}: ${what}`);
  };
  if (cells.length !== 10) wrong(`${cells.length} cells where there are 10`);
  const [name, request, status, error, shape, delivery, end, sees, ninth, because] = cells as Cells;
  if (name === '' || because === '') wrong('a row has a name and a reason');
  const oneOf = <T extends string>(words: readonly T[], word: string): T =>
    words.find((known) => known === word) ?? wrong(`"${word}" is none of ${words.join(', ')}`);
  return {
    line,
    name,
    request: parseRequest(request) ?? wrong(`"${request}" is no request`),
    status: status === '-' ? null : /^[1-5][0-9]{2}$/.test(status) ? Number(status) : wrong(`"${status}" is no status`),
    error: error === '-' ? null : /^[a-z_0-9]+$/.test(error) ? error : wrong(`"${error}" is no error type`),
    shape: oneOf(shapes, shape),
    delivery: oneOf(deliveries, delivery),
    end: oneOf(ends, end),
    clientSees: oneOf(sights, sees),
    originSees: later ? { min: 0, max: 0 } : (parseRange(ninth) ?? wrong(`"${ninth}" is no count`)),
    needs: later ? ninth : null,
    because,
  };
}

/** In the order of the columns; the ninth is "origin sees" in one table and "needs" in the other. */
type Cells = [
  name: string,
  request: string,
  status: string,
  error: string,
  shape: string,
  delivery: string,
  end: string,
  sees: string,
  ninth: string,
  because: string,
];

function parseRequest(text: string): RequestShape | null {
  const match =
    /^([A-Z]+)(?: ([0-9]+))?(?: (reused)(?: after ([0-9]+) ms)?)?(?: (leaves))?(?: (held))?(?: (of two))?$/.exec(text);
  if (match === null) return null;
  const [, method = '', octets = '0', reused, afterMs = '0', leaves, held, ofTwo] = match;
  return {
    method,
    contentOctets: Number(octets),
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
