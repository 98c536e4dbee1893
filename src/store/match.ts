import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { QueryCondition, Query, TextKey } from '../core/exchange-query.ts';
import { isWithin as isWithinBlock, parseIp } from '../policy/ip-address.ts';
import { wordsOf } from './words.ts';

/** Whether a record fulfils every condition of a query. This is what a search means; indexes only make it faster. */
export function matches(query: Query, record: ExchangeRecord): boolean {
  return (
    isWithin(query, Date.parse(record.at)) && query.conditions.every((condition) => isFulfilled(condition, record))
  );
}

/** `at`: when the request began. */
export function isWithin({ since, until }: Query, at: number): boolean {
  return (since === null || at >= since) && (until === null || at <= until);
}

function isFulfilled(condition: QueryCondition, record: ExchangeRecord): boolean {
  return isTrue(condition, record) !== condition.not;
}

function isTrue(condition: QueryCondition, record: ExchangeRecord): boolean {
  switch (condition.kind) {
    case 'text': {
      const { key, value, isPrefix } = condition;
      return valuesOf(record, key).some((text) => (isPrefix ? text.startsWith(value) : text === value));
    }
    case 'any_of':
      return condition.conditions.some((one) => isTrue(one, record));
    case 'client_block': {
      const bytes = parseIp(record.client.address);
      return bytes !== null && isWithinBlock(bytes, condition);
    }
    case 'status':
      return record.status !== null && record.status >= condition.from && record.status <= condition.to;
    case 'duration':
      return record.duration_ms >= condition.atLeastMs && record.duration_ms < condition.belowMs;
    case 'words': {
      const words = searchedWords(record);
      return condition.words.every((word) => words.has(word));
    }
  }
}

/** The values of a record under a key: none, one, or one of each attempt. */
export function valuesOf(record: ExchangeRecord, key: TextKey): readonly string[] {
  switch (key) {
    case 'trace':
      return present(record.trace_id);
    case 'client':
      return [record.client.address];
    case 'host':
      // With the port that the client has written, and without.
      return present(record.host).flatMap((host) => [host, host.replace(/:\d+$/, '')]);
    case 'endpoint':
      return record.attempts.flatMap(({ endpoint, address }) => [endpoint, address]);
    case 'cause':
      return [...present(record.cause), ...record.attempts.flatMap(({ cause }) => present(cause))];
    case 'release':
      return [...present(record.release), ...record.attempts.flatMap(({ release }) => present(release))];
    case 'grpc':
      return record.grpc_status === null ? [] : [grpcText(record.grpc_status)];
    case 'instance':
    case 'stream':
      return [];
    default:
      return present(record[key]);
  }
}

/** As in metrics. */
function grpcText(status: number): string {
  return status < 0 ? 'missing' : String(status);
}

function present(value: string | null | undefined): readonly string[] {
  return value === null || value === undefined ? [] : [value];
}

/** Words by which a record is found: what the client asked, and what was observed. Names have keys of their own. */
export function searchedWords(record: ExchangeRecord): Set<string> {
  return wordsOfTexts(searchedTexts(record));
}

export function wordsOfTexts(texts: readonly string[]): Set<string> {
  const words = new Set<string>();
  for (const text of texts) {
    for (const word of wordsOf(text)) {
      if (words.size === wordsMax) return words;
      words.add(word);
    }
  }
  return words;
}

/** A client can send a path of thousands of words. */
export const wordsMax = 64;

function searchedTexts({ path, query, headers, cause, detail, evidence, attempts }: ExchangeRecord): string[] {
  const texts = [path, ...present(query), ...present(cause), ...present(detail)];
  if (headers !== undefined) texts.push(...Object.values(headers));
  if (evidence !== undefined) texts.push(JSON.stringify(evidence));
  for (const attempt of attempts) {
    texts.push(...present(attempt.cause), ...present(attempt.exit?.last_line));
    if (attempt.evidence !== null) texts.push(JSON.stringify(attempt.evidence));
  }
  return texts;
}
