import { millisecondsOfText, rangeProblem, timeForms, timeOfText } from '../core/query-time.ts';
import {
  listKeys,
  type QueryCondition,
  type Query,
  queryKeys,
  queryValues,
  type TextCondition,
  type TextKey,
  textKeys,
} from '../core/exchange-query.ts';
import { failureTable } from '#failures/failure-table.ts';
import { streamWords } from '../core/output-line.ts';
import { nearest } from '../core/nearest.ts';
import { proxyErrors } from '#failures/proxy-error.ts';
import { parseBlock, parseIp } from '../policy/ip-address.ts';
import { wordsOf } from './words.ts';

/** Why a query cannot be read, and at which character. */
interface QueryProblem {
  readonly problem: string;
  readonly at: number;
}

type ParsedQuery = { readonly ok: true; readonly query: Query } | ({ readonly ok: false } & QueryProblem);

/** More conditions than anybody writes by hand; each costs time for every record that is looked at. */
const conditionsMax = 32;

interface Term {
  readonly at: number;
  readonly not: boolean;
  /** Null: free text. */
  readonly key: string | null;
  readonly value: string;
}

interface Draft {
  readonly conditions: QueryCondition[];
  since: number | null;
  until: number | null;
}

/** Words that people write in place of a key. */
const otherNames: Readonly<Record<string, string>> = {
  code: 'status',
  grpc_status: 'grpc',
  took: 'duration',
  latency: 'duration',
  time: 'duration',
  slow: 'duration',
  slower: 'duration',
  slower_than: 'duration',
  longer: 'duration',
  longer_than: 'duration',
  ip: 'client',
  address: 'client',
  remote: 'client',
  url: 'path',
  uri: 'path',
  backend: 'upstream',
  service: 'upstream',
  server: 'endpoint',
  target: 'endpoint',
  app: 'application',
  error: 'cause',
  reason: 'cause',
  trace_id: 'trace',
  request: 'id',
  request_id: 'id',
  domain: 'host',
  verb: 'method',
  from: 'since',
  to: 'until',
  before: 'until',
};

/**
 * Reads a query, such as `status:5xx route:api -cause:client_closed since:1h "timed out"`. `now`: milliseconds since 1970.
 *
 *     query     = *( term )                 every term must be fulfilled
 *     term      = ["-"] [ key ":" ] value   "-": must not be fulfilled; without a key: words anywhere in the record
 *     value     = characters without spaces, or "…" in quotes; of some keys several with commas between them, of which one must hold
 */
export function parseQuery(text: string, now: number): ParsedQuery {
  const draft: Draft = { conditions: [], since: null, until: null };
  let lastTimeAt = 0;
  for (const term of termsOf(text)) {
    if ('problem' in term) return { ok: false, ...term };
    const problem = addTerm(draft, term, now);
    if (problem !== null) return { ok: false, problem, at: term.at };
    if (term.key === 'since' || term.key === 'until') lastTimeAt = term.at;
    if (countOf(draft.conditions) > conditionsMax)
      return { ok: false, problem: `a query has at most ${conditionsMax} conditions`, at: term.at };
  }
  // `since:1h until:2h` is what people write who mean the other way round.
  const reversed = rangeProblem(draft.since, draft.until);
  if (reversed !== null) return { ok: false, problem: reversed, at: lastTimeAt };
  return { ok: true, query: draft };
}

function countOf(conditions: readonly QueryCondition[]): number {
  return conditions.reduce((sum, one) => sum + (one.kind === 'any_of' ? one.conditions.length : 1), 0);
}

function* termsOf(text: string): Generator<Term | QueryProblem> {
  const pattern = /\s*(-?)(?:([A-Za-z_]+):)?(?:"([^"]*)("?)|([^\s"]*))/y;
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex + (/^\s*/.exec(text.slice(pattern.lastIndex))?.[0].length ?? 0);
    const match = pattern.exec(text);
    if (match === null || match[0] === '') return yield { problem: 'this cannot be read', at };
    const [, minus, key, quoted, quote, plain] = match;
    if (quoted !== undefined && quote === '') return yield { problem: 'the closing quote is missing', at };
    yield { at, not: minus === '-', key: key?.toLowerCase() ?? null, value: quoted ?? plain ?? '' };
  }
}

/** Adds the condition of a term. Returns what is wrong with it; null if nothing is. */
function addTerm(draft: Draft, { key, value, not }: Term, now: number): string | null {
  if (key === null) return addWords(draft, value, not);
  if (value === '') return `${key}: needs a value`;
  if (key === 'since' || key === 'until') return not ? `-${key}: has no meaning` : addTime(draft, key, value, now);
  if (key === 'status') return addStatus(draft, value, not);
  if (key === 'duration') return addDuration(draft, value, not);
  if (!isTextKey(key)) return unknownKey(key);
  if (key === 'client' && value.includes('/')) return addBlock(draft, value, not);
  if (listKeys.has(key) && value.includes(',')) return addList(draft, key, value.split(','), not);
  const condition = textCondition(key, value, not);
  if (typeof condition === 'string') return condition;
  draft.conditions.push(condition);
  return null;
}

function addList(draft: Draft, key: TextKey, values: readonly string[], not: boolean): string | null {
  const conditions: TextCondition[] = [];
  for (const value of values) {
    if (value === '') return `${key}: needs a value on both sides of each comma`;
    const condition = textCondition(key, value, false);
    if (typeof condition === 'string') return condition;
    conditions.push(condition);
  }
  draft.conditions.push({ kind: 'any_of', conditions, not });
  return null;
}

/** A text: what is wrong with it. */
function textCondition(key: TextKey, value: string, not: boolean): TextCondition | string {
  const isPrefix = value.endsWith('*');
  const compared = isPrefix ? value.slice(0, -1) : key === 'stream' ? streamOf(value) : value;
  const problem = valueProblem(key, compared, isPrefix);
  if (problem !== null) return problem;
  // As `candor explain` takes it, and as a person types it. A whole one is found by the index.
  const isBeginning = isPrefix || (key === 'id' && !uuid.test(compared));
  return { kind: 'text', key, value: caseOf(key, compared), isPrefix: isBeginning, not };
}

const causes = Object.keys(failureTable);
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Lines of applications are printed with a short word for their stream. */
function streamOf(value: string): string {
  return Object.entries(streamWords).find(([, word]) => word === value)?.[0] ?? value;
}

const knownValues: Readonly<Record<string, readonly string[]>> = {
  cause: causes,
  ...queryValues,
  type: Object.keys(proxyErrors),
};

/** Words for values that stand elsewhere, such as above the bars of `candor explain`. */
const otherValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  stage: { wait: 'response', head: 'response' },
};

/** A value that no record can have; null: one may. */
function valueProblem(key: TextKey, value: string, isPrefix: boolean): string | null {
  if (key === 'client' && !isPrefix && parseIp(value) === null) return clientProblem(value);
  const values = knownValues[key];
  if (values === undefined || values.some((one) => (isPrefix ? one.startsWith(value) : one === value))) return null;
  const meant = otherValues[key]?.[value];
  if (meant !== undefined) return `there is no ${key} ${value}; ${key}:${meant} is meant`;
  const other = Object.keys(knownValues).find((one) => knownValues[one]?.includes(value) === true);
  if (other !== undefined) return `there is no ${key} ${value}; ${other}:${value} is meant`;
  const [near] = nearest(value, values, 1);
  if (near !== undefined) return `there is no ${key} ${value}; did you mean ${key}:${near}?`;
  return key === 'cause'
    ? `there is no cause ${value}; records name theirs`
    : `${key}: is one of ${values.join(', ')}, not ${value}`;
}

function addBlock(draft: Draft, value: string, not: boolean): string | null {
  const block = parseBlock(value);
  if (block === null) return clientProblem(value);
  draft.conditions.push({ kind: 'client_block', ...block, not });
  return null;
}

const clientProblem = (value: string): string =>
  `client: is an address, such as 10.0.0.7, the beginning of one, such as 10.0.*, or a block, such as 10.0.0.0/8, not ${value}`;

function isTextKey(key: string): key is TextKey {
  return (textKeys as readonly string[]).includes(key);
}

/** Methods are written in capitals, hosts and trace ids in small letters. */
function caseOf(key: TextKey, value: string): string {
  if (key === 'method') return value.toUpperCase();
  return key === 'host' || key === 'trace' ? value.toLowerCase() : value;
}

function addWords(draft: Draft, value: string, not: boolean): string | null {
  const words = wordsOf(value);
  if (words.length === 0) {
    if (value !== '') return `${value} has no letter and no digit`;
    return not ? 'there is nothing behind the -' : 'there is nothing between the quotes';
  }
  draft.conditions.push({ kind: 'words', words, not });
  return null;
}

function addStatus(draft: Draft, value: string, not: boolean): string | null {
  const [, one, group, from, to] = /^(?:([1-9]\d\d)|([1-9])xx|([1-9]\d\d)-([1-9]\d\d))$/i.exec(value) ?? [];
  const lowest = Number(one ?? from ?? `${group}00`);
  const highest = Number(one ?? to ?? `${group}99`);
  if (!(lowest <= highest)) return `status: is a code, such as 502, 5xx or 500-503, not ${value}`;
  draft.conditions.push({ kind: 'status', from: lowest, to: highest, not });
  return null;
}

function addDuration(draft: Draft, value: string, not: boolean): string | null {
  const [, sign, time] = /^(<=?|>=?)(.+)$/.exec(value) ?? [];
  const ms = time === undefined ? null : millisecondsOfText(time);
  if (ms === null) return `duration: is more or less than a time, such as >500ms or <2s, not ${value}`;
  const belowMs = sign === '<' ? ms : sign === '<=' ? justAbove(ms) : Infinity;
  const atLeastMs = belowMs === Infinity ? ms : 0;
  draft.conditions.push({ kind: 'duration', atLeastMs, belowMs, not });
  return null;
}

/** The smallest number that is larger, or nearly so. */
function justAbove(ms: number): number {
  return ms + Number.EPSILON * Math.max(1, ms);
}

function addTime(draft: Draft, key: 'since' | 'until', value: string, now: number): string | null {
  const at = timeOfText(value, now);
  if (at === null) return `${key}: ${timeForms}, not ${value}`;
  draft[key] = at;
  return null;
}

function unknownKey(key: string): string {
  if (key === 'limit') return 'limit: is no condition; `--limit` of `candor logs` says how many are shown';
  const meant = otherNames[key];
  if (meant !== undefined) return `there is no key ${key}; ${meant}: is meant`;
  const [near] = nearest(key, queryKeys, 1);
  if (near !== undefined) return `there is no key ${key}; did you mean ${near}:? Write text with a colon in quotes`;
  const keys = queryKeys.join(', ');
  return `there is no key ${key}; the keys are ${keys}. Write text with a colon in quotes`;
}
