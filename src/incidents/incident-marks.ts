import type { IncidentMarks, IncidentOrder, KeptIncident, OperatorMark } from '../core/live-incident.ts';
import { elapsedText } from '#failures/quantity-text.ts';

/** A week: what nobody wants to hear of for longer is no incident. */
const muteMaxMs = 7 * 86_400_000;

export type MarkOutcome<I = KeptIncident> =
  | { readonly ok: true; readonly incident: I }
  /** `unknown`: there is no such incident; `refused`: nothing can be said of it now; `invalid`: the time cannot be meant. */
  | { readonly ok: false; readonly kind: 'unknown' | 'refused' | 'invalid'; readonly why: string };

/** Why an order about this incident cannot be followed; null: it can. */
export function markProblem(
  incident: KeptIncident | undefined,
  order: IncidentOrder,
  now: number,
): Extract<MarkOutcome, { ok: false }> | null {
  const { incident: id } = order;
  if (incident === undefined)
    return { ok: false, kind: 'unknown', why: `No incident has the number ${id}; \`candor incidents\` lists them.` };
  if (incident.resolvedAt !== null)
    return { ok: false, kind: 'refused', why: `Incident ${id} is over: no message about it follows.` };
  if (order.kind === 'acknowledge') return null;
  if (order.until === null)
    return incident.muted === undefined ? { ok: false, kind: 'refused', why: `Incident ${id} is not muted.` } : null;
  const aheadMs = order.until - now;
  if (aheadMs <= 0) {
    const why = `That time is past, by ${elapsedText(-aheadMs / 1000)}: an incident is muted until a time that comes.`;
    return { ok: false, kind: 'invalid', why };
  }
  if (aheadMs <= muteMaxMs) return null;
  const why = `An incident is muted for at most 7 days, and that time is in ${elapsedText(aheadMs / 1000)}.`;
  return { ok: false, kind: 'invalid', why };
}

/** The marks of an incident after an order. */
export function markedBy(
  { acknowledged, muted }: IncidentMarks,
  order: IncidentOrder,
  { at, by }: Pick<OperatorMark, 'at' | 'by'>,
): IncidentMarks {
  const mark = { at, by, reason: order.reason };
  const nowAcknowledged = order.kind === 'acknowledge' ? mark : acknowledged;
  const nowMuted =
    order.kind === 'acknowledge' ? muted : order.until === null ? undefined : { ...mark, until: order.until };
  return {
    ...(nowAcknowledged === undefined ? {} : { acknowledged: nowAcknowledged }),
    ...(nowMuted === undefined ? {} : { muted: nowMuted }),
  };
}

/** Those that hold now: a mute ends with its time, or with the incident. */
export function presentMarks(
  { acknowledged, muted }: IncidentMarks,
  { resolvedAt }: Pick<KeptIncident, 'resolvedAt'>,
  now: number,
): IncidentMarks {
  const isMuted = muted !== undefined && resolvedAt === null && muted.until > now;
  return { ...(acknowledged === undefined ? {} : { acknowledged }), ...(isMuted ? { muted } : {}) };
}

/** 'Muted until 14:30 UTC by admin:token:oncall: the disk is being replaced.' */
export function markSentences({ acknowledged, muted }: IncidentMarks): readonly string[] {
  return [
    ...(acknowledged === undefined
      ? []
      : [`Acknowledged at ${timeText(acknowledged.at, acknowledged.at)}${byText(acknowledged)}`]),
    ...(muted === undefined ? [] : [`Muted until ${timeText(muted.until, muted.at)}${byText(muted)}`]),
  ];
}

function byText({ by, reason }: OperatorMark): string {
  return ` by ${by}${reason === null ? '.' : `: ${reason.replace(/\.$/, '')}.`}`;
}

/** '14:30 UTC' on the day of `near`, otherwise '2026-11-22 14:30 UTC'. */
function timeText(wallMs: number, near: number): string {
  const [text, day] = [wallMs, near].map((at) => new Date(at).toISOString()) as [string, string];
  const isSameDay = text.slice(0, 10) === day.slice(0, 10);
  return `${isSameDay ? '' : `${text.slice(0, 10)} `}${text.slice(11, 16)} UTC`;
}
