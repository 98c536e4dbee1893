import { rangeProblem, timeForms, timeOfText } from '../core/query-time.ts';

/** How many results a page of a search has. */
const searchedDefault = 50;
const searchedMax = 1000;

export type ReadParameters<T> =
  | { readonly ok: true; readonly value: T }
  /** What is wrong, one sentence. */
  | { readonly ok: false; readonly problem: string };

/** How many results a page may have. */
export function readLimit(parameters: URLSearchParams): ReadParameters<number> {
  const text = parameters.get('limit') ?? String(searchedDefault);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= searchedMax
    ? { ok: true, value: limit }
    : { ok: false, problem: `limit is a number from 1 to ${searchedMax}.` };
}

interface TimeRange {
  /** Milliseconds since 1970; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
}

export function readTimes(parameters: URLSearchParams, wallTime: number): ReadParameters<TimeRange> {
  const times: { since: number | null; until: number | null } = { since: null, until: null };
  for (const key of ['since', 'until'] as const) {
    const text = parameters.get(key);
    if (text === null) continue;
    times[key] = timeOfText(text, wallTime);
    if (times[key] === null) return { ok: false, problem: `${key} ${timeForms}, not ${text}.` };
  }
  const reversed = rangeProblem(times.since, times.until);
  return reversed === null ? { ok: true, value: times } : { ok: false, problem: `${reversed}.` };
}
