import type { StoredExchange } from '../core/store-messages.ts';
import type { Clock } from '../core/time.ts';
import { matches } from './match.ts';
import { mayMatchExchanges } from './match-output.ts';
import type { QueryCondition, Query } from '../core/exchange-query.ts';
import { type IdRange, wholeId, wholeTrace } from './packed-id.ts';
import type { RangePage, SegmentRange } from './paging.ts';
import type { StoredRow, Segment } from './segment.ts';
import { lineOfTemplate, recordOf } from './stored-line.ts';
import { indexExpression } from './terms.ts';

/** Reading the clock costs about as much as looking at a few rows. */
const rowsPerLook = 128;

/** Searches one file. */
export function searchSegment(
  segment: Segment,
  query: Query,
  range: SegmentRange,
  clock: Clock,
): RangePage<StoredExchange> {
  const found: { seq: number; value: StoredExchange }[] = [];
  if (!mayMatchExchanges(query)) return { found, stoppedAt: null };
  const within = segment.rowsWithin(query.since, query.until);
  if (within === null) return { found, stoppedAt: null };
  const [first, last] = within;
  const after = Math.max(range.after, first - 1);
  const before = Math.min(range.before, last + 1);
  const templates = new TemplateCheck(segment, query);
  let looked = 0;
  const { newestFirst } = range;
  const wanted = wantedId(query);
  const expression = wanted === null ? indexExpression(query, segment.templateTerms) : null;
  const rows = segment.rows({ wanted, expression, after, before, newestFirst });
  for (const row of rows) {
    looked += 1;
    const exchange = mayMatch(query, row) && templates.mayMatch(row.template) ? segment.exchangeOf(row) : null;
    if (exchange !== null && matches(query, exchange.record)) found.push({ seq: row.seq, value: exchange });
    const isLate = looked % rowsPerLook === 0 && clock.now() >= range.deadline;
    if (found.length >= range.limit || isLate) return { found, stoppedAt: row.seq };
  }
  return { found, stoppedAt: null };
}

/** The only id that a query asks for, or the only trace; null if it asks for none. */
function wantedId({ conditions }: Query): IdRange | null {
  const wholes = conditions.filter((one) => one.kind === 'text').filter(({ isPrefix, not }) => !isPrefix && !not);
  const id = wholes.find(({ key }) => key === 'id');
  if (id !== undefined) return wholeId(id.value);
  const trace = wholes.find(({ key }) => key === 'trace');
  return trace === undefined ? null : wholeTrace(trace.value);
}

/** False where the columns alone tell that the row does not match. */
function mayMatch({ since, until, conditions }: Query, { at, status, durationMs }: StoredRow): boolean {
  if ((since !== null && at < since) || (until !== null && at > until)) return false;
  for (const condition of conditions) {
    if (condition.kind === 'status') {
      const isWithin = status !== null && status >= condition.from && status <= condition.to;
      if (isWithin === condition.not) return false;
    } else if (condition.kind === 'duration') {
      const isWithin = durationMs >= condition.atLeastMs && durationMs < condition.belowMs;
      if (isWithin === condition.not) return false;
    }
  }
  return true;
}

/** Keys whose values stand in the template of a record that has one attempt or none. */
const templateKeys = new Set<string>([
  'route',
  'application',
  'release',
  'arm',
  'host',
  'method',
  'shape',
  'whose',
  'type',
]);

/** Looks at each template once: thousands of rows share one. */
class TemplateCheck {
  readonly #segment: Segment;
  readonly #query: Query | null;
  readonly #results = new Map<number, boolean>();

  constructor(segment: Segment, { conditions }: Query) {
    this.#segment = segment;
    const decidable = conditions.filter(isOfTemplate);
    this.#query = decidable.length === 0 ? null : { conditions: decidable, since: null, until: null };
  }

  mayMatch(template: number): boolean {
    if (this.#query === null) return true;
    let result = this.#results.get(template);
    if (result === undefined) {
      result = this.#look(this.#query, this.#segment.template(template));
      this.#results.set(template, result);
    }
    return result;
  }

  #look(query: Query, template: string): boolean {
    // Of a request with several attempts, or none, the template does not have all that decides.
    if (!template.includes('"attempt":')) return true;
    const record = recordOf(lineOfTemplate(template));
    return record === null || matches(query, record);
  }
}

function isOfTemplate(condition: QueryCondition): boolean {
  if (condition.kind === 'any_of') return condition.conditions.every(isOfTemplate);
  return condition.kind === 'text' && templateKeys.has(condition.key);
}
