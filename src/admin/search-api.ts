import type { ServerResponse } from 'node:http';
import type { KeptConfigurations } from '../control/configuration-history.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { contextLineJson } from '../core/context-line.ts';
import { groupKeys } from '../core/exchange-groups.ts';
import { outputLineJson } from '../core/output-line.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';
import type { SearchRequest, SearchResult, StoreFailure } from '../core/store-messages.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';
import { sendJson, sendProblem } from './answer.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { Clock } from '../core/time.ts';
import type { TrafficRequest } from '../control/traffic-timeline.ts';
import { rangeProblem, timeForms, timeOfText } from '../core/query-time.ts';
import type { EventKind } from '../core/event.ts';

/** A request for events with one of these is answered with a page, without them with a stream. */
const searchKeys = ['since', 'until', 'limit', 'cursor', 'kind'] as const;

/** What operators and strangers did at the admin API, and what came of it. */
const auditKinds: readonly EventKind[] = ['admin_action', 'admin_refused', 'overlay_changed'];

export function isEventSearch({ searchParams }: URL): boolean {
  return searchKeys.some((key) => searchParams.has(key));
}

/** Answers with a page of the events of a time. */
export class EventSearch {
  readonly #gateway: Pick<Gateway, 'searchEvents'>;
  readonly #clock: Clock;

  constructor(gateway: Pick<Gateway, 'searchEvents'>, clock: Clock) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  async send({ searchParams }: URL, response: ServerResponse): Promise<void> {
    if (searchParams.has('follow'))
      return sendProblem(response, 400, 'A search for events of a time ends: it has no follow.');
    return this.#send(searchParams, searchParams.get('kind')?.split(',') ?? null, response);
  }

  async sendAudit({ searchParams }: URL, response: ServerResponse): Promise<void> {
    return this.#send(searchParams, auditKinds, response);
  }

  async #send(parameters: URLSearchParams, kinds: readonly string[] | null, response: ServerResponse): Promise<void> {
    const limit = readLimit(parameters);
    if (!limit.ok) return sendProblem(response, 400, limit.problem);
    const times = readTimes(parameters, this.#clock.wallTime());
    if (!times.ok) return sendProblem(response, 400, times.problem);
    const result = await this.#gateway.searchEvents({
      ...times.value,
      ...(kinds === null ? {} : { kinds }),
      limit: limit.value,
      cursor: parameters.get('cursor'),
    });
    if (result.kind === 'unavailable') return sendProblem(response, 409, result.problem);
    const { events, cursor, timedOut, failing } = result;
    sendJson(response, 200, { events, cursor, timed_out: timedOut, store_failing: storeFailingJson(failing) });
  }
}

/** How many results a page of a search has. */
const searchedDefault = 50;
const searchedMax = 1000;

type ReadParameters<T> =
  | { readonly ok: true; readonly value: T }
  /** What is wrong, one sentence. */
  | { readonly ok: false; readonly problem: string };

/** How many results a page may have. */
function readLimit(parameters: URLSearchParams): ReadParameters<number> {
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

/** What a timeline shows without `since`. */
const shownMs = 10 * 60_000;

/** `GET /v1/timeline` */
export function sendTimeline(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'timeline'>,
  clock: Clock,
  response: ServerResponse,
): void {
  const read = readTimelineRequest(searchParams, clock.wallTime());
  if (!read.ok) return sendProblem(response, 400, read.problem);
  sendJson(response, 200, snakeCased(gateway.timeline(read.value)));
}

/** `GET /v1/timeline/routes` */
export function sendRouteTimelines(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'routeTimelines'>,
  clock: Clock,
  response: ServerResponse,
): void {
  const read = readTimelineRequest(searchParams, clock.wallTime());
  if (!read.ok) return sendProblem(response, 400, read.problem);
  sendJson(response, 200, snakeCased(gateway.routeTimelines(read.value)));
}

function readTimelineRequest(parameters: URLSearchParams, wallTime: number): ReadParameters<TrafficRequest> {
  const times = readTimes(parameters, wallTime);
  if (!times.ok) return times;
  const { since, until } = times.value;
  const step = /^(\d{1,5})(s|m)?$/.exec(parameters.get('step') ?? '');
  if (parameters.has('step') && step === null)
    return { ok: false, problem: 'step is a number of seconds, such as 10s, or of minutes, such as 1m.' };
  const [upstream, route] = [parameters.get('upstream'), parameters.get('route')];
  if (upstream !== null && route !== null)
    return { ok: false, problem: 'A timeline is of one upstream or of one route: give one of them.' };
  const series =
    upstream !== null ? (`upstream:${upstream}` as const) : route !== null ? (`route:${route}` as const) : 'all';
  const end = until ?? wallTime;
  if (since !== null && since > end)
    return { ok: false, problem: 'since is later than now: nothing has happened then.' };
  const stepS = step === null ? null : Number(step[1]) * (step[2] === 'm' ? 60 : 1);
  return { ok: true, value: { series, since: since ?? end - shownMs, until: end, stepS } };
}

/** Answers with a page of stored exchanges. */
export async function sendExchanges(
  url: URL,
  gateway: Pick<Gateway, 'searchExchanges'>,
  response: ServerResponse,
): Promise<void> {
  const request = readSearch(url, response);
  if (request === null) return;
  const result = await gateway.searchExchanges(request);
  if (result.kind !== 'page') return sendNoPage(result, response);
  const { exchanges, cursor, end, timedOut, failing } = result;
  const found = exchanges.map(({ record, standsFor }) => ({ ...record, stands_for: standsFor }));
  sendJson(response, 200, {
    exchanges: found,
    ...{ cursor, end, timed_out: timedOut, store_failing: storeFailingJson(failing) },
  });
}

/** Answers with stored exchanges, counted by one of their values. */
export async function sendExchangeGroups(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'groupExchanges'>,
  response: ServerResponse,
): Promise<void> {
  const by = groupKeys.find((key) => key === searchParams.get('by'));
  if (by === undefined) return sendProblem(response, 400, `by is one of ${groupKeys.join(', ')}.`);
  const result = await gateway.groupExchanges({ query: searchParams.get('query') ?? '', by });
  if (result.kind !== 'groups') return sendNoPage(result, response);
  const { groups, counted, isComplete, failing } = result;
  sendJson(response, 200, { by, groups, counted, complete: isComplete, store_failing: storeFailingJson(failing) });
}

/** Answers with a page of lines that applications have printed. */
export async function sendOutput(
  url: URL,
  gateway: Pick<Gateway, 'searchOutput'>,
  response: ServerResponse,
): Promise<void> {
  const request = readSearch(url, response);
  if (request === null) return;
  const result = await gateway.searchOutput(request);
  if (result.kind !== 'page') return sendNoPage(result, response);
  const { lines, cursor, end, timedOut, failing } = result;
  sendJson(response, 200, {
    lines: lines.map(outputLineJson),
    ...{ cursor, end, timed_out: timedOut, store_failing: storeFailingJson(failing) },
  });
}

function storeFailingJson(failing: StoreFailure | undefined): StoreFailingJson | null {
  return failing === undefined ? null : { since: new Date(failing.since).toISOString(), reason: failing.reason };
}

/** Answers with the record of an exchange. */
export async function sendExchange(
  id: string,
  gateway: Pick<Gateway, 'findExchange'>,
  response: ServerResponse,
): Promise<void> {
  const record = await gateway.findExchange(id);
  if (record === null) return sendNoExchange(id, response);
  sendJson(response, 200, record);
}

/** Answers with what is stored about an exchange besides its record. */
export async function sendContext(
  id: string,
  gateway: Pick<Gateway, 'findExchange' | 'requestContext' | 'configurations'>,
  response: ServerResponse,
): Promise<void> {
  const record = await gateway.findExchange(id);
  if (record === null) return sendProblem(response, 404, `No exchange has the id ${id}, in memory or in the log.`);
  const { lines, nearby, processes, unparsed, hasAllOutput } = await gateway.requestContext(record);
  const context: RequestContextJson = {
    configuration: configurationOf(record, gateway.configurations),
    ...{ lines: lines.map((line) => contextLineJson(line, record)), nearby: nearby.map(outputLineJson) },
    processes,
    stores_output: hasAllOutput,
    unparsed: unparsed.map(({ bytes, ...rest }) => ({ ...rest, size: bytes.length / 2 })),
  };
  sendJson(response, 200, context);
}

/** Answers with the bytes of an exchange that could not be parsed, which only operators may see. */
export async function sendUnparsed(
  id: string,
  gateway: Pick<Gateway, 'findExchange' | 'requestContext'>,
  response: ServerResponse,
): Promise<void> {
  const record = await gateway.findExchange(id);
  if (record === null) return sendNoExchange(id, response);
  const { unparsed } = await gateway.requestContext(record);
  sendJson(response, 200, { unparsed });
}

/** The configuration that served the request, if it is kept. The same one may have been applied several times. */
function configurationOf({ at, gateway_state }: ExchangeRecord, { list }: KeptConfigurations): { id: number } | null {
  const hash = gateway_state?.configuration ?? null;
  const same = list.filter(({ outcome, contentHash }) => outcome === 'applied' && contentHash === hash);
  const found = same.find((one) => one.at <= Date.parse(at)) ?? same.at(-1);
  return hash === null || found === undefined ? null : { id: found.id };
}

function sendNoExchange(id: string, response: ServerResponse): void {
  sendProblem(response, 404, `No exchange has the id ${id}, in memory or in the log.`);
}

/** Null if the parameters cannot be read; then the request has been answered. */
function readSearch({ searchParams }: URL, response: ServerResponse): SearchRequest | null {
  const limit = readLimit(searchParams);
  const [cursor, after] = [searchParams.get('cursor'), searchParams.get('after')];
  if (!limit.ok) sendProblem(response, 400, limit.problem);
  else if (cursor !== null && after !== null)
    sendProblem(response, 400, 'cursor is for older results, after for newer ones: give one of them.');
  else return { query: searchParams.get('query') ?? '', limit: limit.value, cursor, after };
  return null;
}

function sendNoPage(result: Exclude<SearchResult, { readonly kind: 'page' }>, response: ServerResponse): void {
  if (result.kind === 'unavailable') return sendProblem(response, 409, result.problem);
  sendProblem(response, 400, `The query is wrong at character ${result.at + 1}: ${result.problem}.`);
}
