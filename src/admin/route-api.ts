import type { ServerResponse } from 'node:http';
import { type SnakeCased, snakeCased } from '#failures/json-case.ts';
import type { RouteExplanation } from '../core/schemas/traffic.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { readRouteQuestion } from '../control/route-question.ts';
import { sendJson, sendProblem } from './answer.ts';

export type RouteJson = SnakeCased<RouteExplanation>;

/** `GET /v1/route` */
export function sendRoute(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'explainRoute'>,
  response: ServerResponse,
): void {
  const [method, url] = [searchParams.get('method') ?? 'GET', searchParams.get('url') ?? ''];
  const read = readRouteQuestion({ method, url, headers: searchParams.getAll('header') });
  if (!read.ok) return sendProblem(response, 400, read.problem);
  sendJson(response, 200, snakeCased(gateway.explainRoute(read.value)));
}
