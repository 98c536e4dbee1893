import { queryKeys, queryValues, quotedValue } from '../core/exchange-query.ts';

/** What may stand at the end of a term: `from` and `to` are the range of the text that an option replaces. */
export interface Completion {
  readonly from: number;
  readonly to: number;
  readonly options: readonly string[];
  /** Of which a value is written; null: of none. */
  readonly key: string | null;
}

/** Names that the gateway has now, by key. */
export type QueryNames = Readonly<Partial<Record<string, readonly string[]>>>;

const optionsMax = 8;

const usualValues: QueryNames = {
  ...queryValues,
  status: ['5xx', '4xx', '502', '503', '504', '500-503'],
  duration: ['>100ms', '>1s', '>5s', '<50ms'],
  since: ['10m', '1h', '1d'],
  until: ['10m', '1h', '1d'],
  method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
};

/** Completes the term in which the cursor stands. No options: there is nothing to complete. */
export function completeQuery(text: string, cursor: number, names: QueryNames): Completion {
  const from = termStart(text, cursor);
  const term = text.slice(from, cursor);
  const none = { from, to: cursor, options: [], key: null };
  if (term.startsWith('"')) return none;
  const minus = term.startsWith('-') ? '-' : '';
  const colon = term.indexOf(':');
  if (colon < 0) {
    const begun = term.slice(minus.length).toLowerCase();
    const keys = queryKeys.filter((key) => key.startsWith(begun)).map((key) => `${minus}${key}:`);
    return { ...none, options: begun === '' ? [] : keys.slice(0, optionsMax) };
  }
  const key = term.slice(minus.length, colon).toLowerCase();
  const begun = term
    .slice(colon + 1)
    .replace(/^"/, '')
    .toLowerCase();
  const values = [...(names[key] ?? []), ...(usualValues[key] ?? [])].filter(
    (value) => value.toLowerCase().includes(begun) && value.toLowerCase() !== begun,
  );
  // Those that begin so come first.
  const sorted = values.toSorted((a, b) => Number(startsWith(b, begun)) - Number(startsWith(a, begun)));
  return {
    from,
    to: cursor,
    options: sorted.slice(0, optionsMax).map((value) => `${minus}${key}:${quotedValue(value)}`),
    key,
  };
}

/** The text with an option in place of the term, and where the cursor is then. */
export function acceptCompletion(
  text: string,
  { from, to }: Completion,
  option: string,
): { text: string; cursor: number } {
  const space = option.endsWith(':') || text.slice(to).startsWith(' ') ? '' : ' ';
  const begun = `${text.slice(0, from)}${option}${space}`;
  return { text: begun + text.slice(to), cursor: begun.length };
}

/** The start of the term, spaces within quotes apart. */
function termStart(text: string, cursor: number): number {
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < cursor; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === ' ' && !isQuoted) start = at + 1;
  }
  return start;
}

function startsWith(value: string, begun: string): boolean {
  return value.toLowerCase().startsWith(begun);
}

/** Ids of the routes of a configuration, as the admin API tells all its settings. */
export function routeIdsOf({ routes }: Readonly<Record<string, unknown>>): readonly string[] {
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown) =>
    route !== null && typeof route === 'object' && 'id' in route && typeof route.id === 'string' ? [route.id] : [],
  );
}
