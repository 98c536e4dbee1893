import type { OutputLine, OutputLineJson } from './output-line.ts';
import type { ExchangeRecord } from './record.ts';

/** An instance that had a request, and when: milliseconds since 1970. */
export interface InstanceVisit {
  readonly instance: string;
  readonly since: number;
  readonly until: number;
}

/** What the store is asked about a request. */
export interface ContextSearch {
  /** The request id and the trace id. */
  readonly ids: readonly string[];
  readonly visits: readonly InstanceVisit[];
}

/** What the store knows about a request besides its record. */
export interface StoredContext {
  /** Output of applications with its id or its trace id. */
  readonly lines: readonly OutputLine[];
  /** What its instances printed while they had it, without any id. */
  readonly nearby: readonly OutputLine[];
}

export const noContext: StoredContext = { lines: [], nearby: [] };

/** As the admin API has it. */
export interface RequestContextJson {
  readonly lines: readonly OutputLineJson[];
  readonly nearby: readonly OutputLineJson[];
}

/** Output is read a moment after it was printed; the last words of a program come after the failure of its request. */
const readLateMs = 500;

/** What to ask the store about the request of this record. */
export function contextSearchOf({ id, trace_id, at, attempts }: ExchangeRecord): ContextSearch {
  const began = Date.parse(at);
  const visits = attempts.flatMap(({ endpoint, address, started_ms, ended_ms }) => {
    const instance = instanceOf(endpoint, address);
    if (instance === null) return [];
    return [{ instance, since: Math.floor(began + started_ms), until: Math.ceil(began + ended_ms) + readLateMs }];
  });
  return { ids: trace_id === null ? [id] : [id, trace_id], visits };
}

/** The id of an endpoint is that of its upstream, that of its instance, and its address: `web/shop/1/127.0.0.1:4000`. */
function instanceOf(endpoint: string, address: string): string | null {
  const upstreamEnd = endpoint.indexOf('/');
  const rest = endpoint.slice(upstreamEnd + 1);
  return rest.endsWith(`/${address}`) ? rest.slice(0, -address.length - 1) : null;
}
