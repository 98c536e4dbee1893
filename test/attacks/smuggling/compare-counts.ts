import type { ExchangeRecord } from '../../../src/core/schemas/record.ts';
import type { SeenRequest } from './origins.ts';

/** The compared part of a record. */
export type CountedExchange = Pick<
  ExchangeRecord,
  'id' | 'upstream' | 'method' | 'path' | 'attempts' | 'end' | 'received_status'
>;

/** The rule: the origin saw exactly the requests that the gateway counted. Returns one line for each violation. */
export function compareCounts(records: readonly CountedExchange[], seen: readonly SeenRequest[]): string[] {
  const times = new Map(records.map(({ id }) => [id, 0]));
  const findings = times.size === records.length ? [] : ['an exchange is recorded twice'];
  // Requests that name their exchange come first, so that one without an id cannot take its place.
  for (const request of seen.toSorted((a, b) => Number(a.id === '') - Number(b.id === ''))) {
    const record = records.find(({ id }) => id === request.id) ?? unnamed(request, records, times);
    if (record === undefined) {
      findings.push(`${textOf(request)} (${request.id}) reached the origin, and no exchange sent it`);
      continue;
    }
    times.set(record.id, (times.get(record.id) ?? 0) + 1);
    findings.push(...differences(record, request));
  }
  return [...findings, ...records.flatMap((record) => miscounted(record, times.get(record.id) ?? 0))];
}

/**
 * A request that an origin refused before it read the headers has no id, and for some origins no request line. It is
 * matched to a request that went to the origin on the same connection, got the same refusal, and has no match yet.
 */
function unnamed(
  request: SeenRequest,
  records: readonly CountedExchange[],
  times: ReadonlyMap<string, number>,
): CountedExchange | undefined {
  if (request.id !== '') return undefined;
  return records.find(
    (record) =>
      times.get(record.id) === 0 &&
      wentFrom(record, request.port) &&
      (request.method === '' || (record.method === request.method && record.path === request.target)) &&
      record.received_status === request.status,
  );
}

function differences(record: CountedExchange, request: SeenRequest): string[] {
  const { method, target, port } = request;
  const findings: string[] = [];
  if (record.upstream !== 'app') findings.push(`${textOf(request)} reached the origin, and its exchange went nowhere`);
  if (port !== 0 && !wentFrom(record, port))
    findings.push(`${textOf(request)} (${record.id}) reached the origin on a connection that its exchange had not`);
  if (method !== '' && (record.method !== method || record.path !== target.replace(/\?.*$/s, '')))
    findings.push(`${record.method} ${record.path} reached the origin as ${textOf(request)}`);
  return findings;
}

function miscounted(record: CountedExchange, count: number): string[] {
  const { id, method, path, attempts, end } = record;
  const name = `${method} ${path} (${id})`;
  if (count > attempts.length) return [`${name} was sent ${attempts.length} times, seen ${count}`];
  // Answered before its body was complete: the strict origin does not count it as a request.
  const mayBeEarly = method === 'POST';
  return end === 'forwarded' && attempts.length > 0 && count === 0 && !mayBeEarly
    ? [`${name} was answered by the origin, which has not counted it`]
    : [];
}

function wentFrom({ attempts }: CountedExchange, port: number): boolean {
  return attempts.some((attempt) => attempt.local_port === port);
}

function textOf({ method, target }: SeenRequest): string {
  return method === '' ? 'an invalid request' : `${method} ${target}`;
}
