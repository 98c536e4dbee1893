import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminContext } from './admin-context.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

/** `POST /v1/instances/restart` */
export async function restartInstance(
  { gateway, refusal }: Pick<AdminContext, 'gateway' | 'refusal'>,
  requester: Requester,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await acceptJsonBody(request, response);
  if (body === null) return;
  // The package that checks bodies is loaded with the first change, as for the overlay.
  const { restartRequestSchema } = await import('../core/schemas/answers.ts');
  const read = restartRequestSchema.safeParse(body.value);
  if (!read.success)
    return sendProblem(response, 422, 'The body needs `instance`, the id of an instance, and nothing else.');
  const { instance } = read.data;
  const outcome = await audited(
    gateway,
    { id: 'restartInstance', target: instance },
    requester,
    async () => {
      const why = refusal();
      if (why !== null) return { status: 409, why };
      if (gateway.restartInstance(instance)) return null;
      const { whyNotRestarted } = await import('./restart-refusal.ts');
      return whyNotRestarted(instance, gateway.status());
    },
    (refused) => (refused === null ? doneAction : { ...rejectedAction, why: refused.why }),
  );
  if (outcome === null) return sendJson(response, 202, { restarting: instance });
  sendProblem(response, outcome.status, outcome.why);
}
