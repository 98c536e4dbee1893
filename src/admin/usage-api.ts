import type { ServerResponse } from 'node:http';
import { snakeCased } from '#failures/json-case.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { Clock } from '../core/time.ts';
import { sendJson, sendProblem } from './answer.ts';
import { readTimes } from './search-api.ts';

const shownMs = 3_600_000;

const future = 'since is later than now: nothing has been used then.';

/** `GET /v1/usage` */
export async function sendUsage(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'usageSeries'>,
  clock: Clock,
  response: ServerResponse,
): Promise<void> {
  const times = readTimes(searchParams, clock.wallTime());
  if (!times.ok) return sendProblem(response, 400, times.problem);
  const step = searchParams.get('step');
  if (step !== null && step !== 'minute' && step !== 'hour')
    return sendProblem(response, 400, `step is minute or hour, not ${step}.`);
  const until = Math.min(times.value.until ?? clock.wallTime(), clock.wallTime());
  const since = times.value.since ?? until - shownMs;
  if (since > until) return sendProblem(response, 400, future);
  const application = searchParams.get('application');
  sendJson(response, 200, snakeCased(await gateway.usageSeries({ since, until, step, application })));
}

/** `GET /v1/cost` */
export async function sendCost(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'usageCost'>,
  clock: Clock,
  response: ServerResponse,
): Promise<void> {
  const times = readTimes(searchParams, clock.wallTime());
  if (!times.ok) return sendProblem(response, 400, times.problem);
  const until = Math.min(times.value.until ?? clock.wallTime(), clock.wallTime());
  const date = new Date(until);
  const since = times.value.since ?? Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  if (since > until) return sendProblem(response, 400, future);
  sendJson(response, 200, snakeCased(await gateway.usageCost(since, until)));
}
