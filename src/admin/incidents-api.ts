import type { ServerResponse } from 'node:http';
import type { Gateway } from '../control/gateway-status.ts';
import { snakeCased } from '#failures/json-case.ts';
import { timeForms, timeOfText } from '../core/query-time.ts';
import { sendJson, sendProblem } from './answer.ts';

/** Those that go on, and those with a failure since `since` of the query. */
export function sendIncidents(
  gateway: Pick<Gateway, 'incidents'>,
  { searchParams }: URL,
  wallTime: number,
  response: ServerResponse,
): void {
  const text = searchParams.get('since');
  const since = text === null ? null : timeOfText(text, wallTime);
  if (text !== null && since === null) return sendProblem(response, 400, `since ${timeForms}, not ${text}.`);
  const incidents = gateway
    .incidents()
    .filter(({ resolvedAt, lastAt }) => resolvedAt === null || since === null || Date.parse(lastAt) >= since);
  sendJson(response, 200, snakeCased({ incidents }));
}
