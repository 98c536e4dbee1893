import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ZodError } from 'zod';
import { snakeCased } from '#failures/json-case.ts';
import type { IncidentOrder } from '../core/live-incident.ts';
import { timeAheadForms, timeAheadOfText } from '../core/query-time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { AdminContext } from './admin-context.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

type MarkOperation = 'acknowledgeIncident' | 'muteIncident';

const wanted: Readonly<Record<MarkOperation, string>> = {
  acknowledgeIncident: 'The body needs `incident`, the number of one, and may have `reason`, a text.',
  muteIncident: `The body needs \`incident\`, the number of one, and \`until\`, which ${timeAheadForms}, or null, and may have \`reason\`, a text.`,
};

const statusOf = { unknown: 404, refused: 409, invalid: 422 } as const;

/** `POST /v1/incidents/acknowledge` and `POST /v1/incidents/mute` */
export async function markIncident(
  id: MarkOperation,
  { gateway, refusal, clock }: Pick<AdminContext, 'gateway' | 'refusal' | 'clock'>,
  requester: Requester,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await acceptJsonBody(request, response);
  if (body === null) return;
  const order = await readOrder(id, body.value, clock.wallTime());
  if (typeof order === 'string') return sendProblem(response, 422, order);
  const { reason } = order;
  const outcome = await audited(
    gateway,
    { id, target: targetOf(order), ...(reason === null ? {} : { reason }) },
    requester,
    async (): Promise<ReturnType<Gateway['markIncident']>> => {
      const why = refusal();
      return why === null ? gateway.markIncident(order, requester.actor) : { ok: false, kind: 'refused', why };
    },
    (result) => (result.ok ? doneAction : { ...rejectedAction, why: result.why }),
  );
  if (!outcome.ok) return sendProblem(response, statusOf[outcome.kind], outcome.why);
  sendJson(response, 200, snakeCased(outcome.incident));
}

/** 'incident 3', 'incident 3 until 2026-11-22T14:30:00.000Z' */
function targetOf(order: IncidentOrder): string {
  const what = `incident ${order.incident}`;
  if (order.kind === 'acknowledge') return what;
  return order.until === null ? `${what} no longer` : `${what} until ${new Date(order.until).toISOString()}`;
}

const reportInput = { reportInput: true } as const;

/** What is wrong with the reason, where nothing else is. */
async function whyNot(id: MarkOperation, error: ZodError): Promise<string> {
  if (error.issues.some(({ path }) => path[0] !== 'reason')) return wanted[id];
  const { requestErrors } = await import('../control/request-errors.ts');
  return [...requestErrors(error, []), 'Nothing was changed.'].join(' ');
}

/** A text: why it cannot be read. */
async function readOrder(id: MarkOperation, body: unknown, now: number): Promise<IncidentOrder | string> {
  // The package that checks bodies is loaded with the first change, as for the overlay.
  const { acknowledgeRequestSchema, muteRequestSchema } = await import('../core/schemas/incidents.ts');
  if (id === 'acknowledgeIncident') {
    const { data, error } = acknowledgeRequestSchema.safeParse(body, reportInput);
    if (data === undefined) return whyNot(id, error);
    return { kind: 'acknowledge', incident: data.incident, reason: data.reason ?? null };
  }
  const { data, error } = muteRequestSchema.safeParse(body, reportInput);
  if (data === undefined) return whyNot(id, error);
  const until = data.until === null ? null : timeAheadOfText(data.until, now);
  // A time that cannot be written is none.
  if (data.until !== null && (until === null || Math.abs(until) > 8e15)) return wanted[id];
  return { kind: 'mute', incident: data.incident, reason: data.reason ?? null, until };
}
