import type { ServerResponse } from 'node:http';
import type { Gateway } from '../control/gateway-status.ts';
import { snakeCased } from '#failures/json-case.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, type Requester, rejectedAction } from './audit.ts';

/** Sends a test to `target` of the query, or to all targets. The answer is 200 also where a target refused it. */
export async function testAlerts(
  gateway: Gateway,
  { searchParams }: URL,
  requester: Requester,
  response: ServerResponse,
): Promise<void> {
  const target = searchParams.get('target');
  const results = await audited(
    gateway,
    { id: 'testAlerts', target: null },
    requester,
    () => gateway.testAlerts(target),
    (sent) => (sent === null ? rejectedAction : doneAction),
  );
  if (results !== null) return sendJson(response, 200, snakeCased({ results }));
  const { alerts } = gateway.status();
  if (alerts.length === 0)
    return sendProblem(response, 409, 'The configuration has no targets: `alerts: { targets: … }` names them.');
  sendProblem(
    response,
    404,
    `No target of alerts is called ${target}; there is ${alerts.map(({ id }) => id).join(', ')}.`,
  );
}
