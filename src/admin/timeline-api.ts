import type { ServerResponse } from 'node:http';
import { snakeCased } from '#failures/json-case.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { TrafficRequest } from '../control/traffic-timeline.ts';
import { sendJson, sendProblem } from './answer.ts';
import { type ReadParameters, readTimes } from './search-parameters.ts';

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
