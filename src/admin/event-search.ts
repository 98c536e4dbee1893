import type { ServerResponse } from 'node:http';
import type { EventKind } from '../core/event.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { sendJson, sendProblem } from './answer.ts';
import { storeFailingJson } from './search-api.ts';
import { readLimit, readTimes } from './search-parameters.ts';

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
