import type { ServerResponse } from 'node:http';
import { type SnakeCased, snakeCased } from '#failures/json-case.ts';
import type { RouteExplanation } from '../core/schemas/traffic.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { readRouteQuestion } from '../control/route-question.ts';
import { sendJson, sendProblem } from './answer.ts';

export type RouteJson = SnakeCased<RouteExplanation>;

/** `GET /v1/route` */
export async function sendRoute(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'explainRoute'>,
  response: ServerResponse,
): Promise<void> {
  const [method, url] = [searchParams.get('method') ?? 'GET', searchParams.get('url') ?? ''];
  const [client, listener] = [searchParams.get('client'), searchParams.get('listener')];
  const read = readRouteQuestion({ method, url, headers: searchParams.getAll('header'), client, listener });
  if (!read.ok) return sendProblem(response, 400, read.problem);
  sendJson(response, 200, snakeCased(await gateway.explainRoute(read.value)));
}
