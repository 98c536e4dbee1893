import type { ServerResponse } from 'node:http';
import type { KeptConfigurations } from '../control/configuration-history.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { contextLineJson } from '../core/context-line.ts';
import { outputLineJson } from '../core/output-line.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';
import type { SearchRequest, SearchResult, StoreFailure } from '../core/store-messages.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';
import { sendJson, sendProblem } from './answer.ts';
import { readLimit } from './search-parameters.ts';

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

export function storeFailingJson(failing: StoreFailure | undefined): StoreFailingJson | null {
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
