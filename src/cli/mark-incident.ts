import { apiRoot } from '../admin/operations.ts';
import { camelCased } from '#failures/json-case.ts';
import { timeAheadForms, timeAheadOfText } from '../core/query-time.ts';
import type { IncidentStatus } from '../core/schemas/incidents.ts';
import { askGateway, type GatewayResponse, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { findAdminToChange } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { harmless, printJson, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';

export interface IncidentFlags extends AskFlags {
  readonly acknowledge: boolean;
  readonly mute?: string;
  readonly unmute: boolean;
  readonly reason?: string;
}

/** What is asked for, in its order; empty: the incident is only shown. */
export function ordersOf({ acknowledge, mute, unmute, reason }: IncidentFlags, now: number): readonly MarkRequest[] {
  if (mute !== undefined && unmute)
    throw new CommandFailure('usage', '--mute and --unmute are opposites: use one of them.');
  if (mute !== undefined && timeAheadOfText(mute, now) === null)
    throw new CommandFailure('usage', `--mute ${mute}: the time ${timeAheadForms}.`);
  const orders: readonly MarkRequest[] = [
    ...(acknowledge ? [{ kind: 'acknowledge' as const, body: {} }] : []),
    ...(mute === undefined ? [] : [{ kind: 'mute' as const, body: { until: mute } }]),
    ...(unmute ? [{ kind: 'mute' as const, body: { until: null } }] : []),
  ];
  if (reason !== undefined && orders.length === 0)
    throw new CommandFailure('usage', '--reason says why with --acknowledge, --mute or --unmute.');
  return orders;
}

interface MarkRequest {
  /** The last segment of the path. */
  readonly kind: 'acknowledge' | 'mute';
  readonly body: { readonly until?: string | null };
}

/** `candor incident N --acknowledge`, `--mute`, `--unmute`: asks for each, and prints what holds then. */
export async function markIncident(
  id: number,
  orders: readonly MarkRequest[],
  flags: IncidentFlags,
  context: ProcessContext,
): Promise<void> {
  const target = await findAdminToChange(flags, context);
  let answer: GatewayResponse | null = null;
  for (const { kind, body } of orders) {
    const order = { incident: id, ...body, reason: flags.reason };
    answer = await askGateway(target, 'POST', `${apiRoot}/incidents/${kind}`, context, order);
    if (answer.status !== 200) throw failureOf(answer);
  }
  if (answer === null) return;
  if (flags.json) return printJson(answer.body, context);
  const { marks, muted } = camelCased(answer.body) as IncidentStatus;
  const lines = [...marks, ...(muted === null ? ['Messages about it are sent.'] : [])];
  context.stdout.write(`${lines.flatMap((line) => wrap(harmless(`Incident ${id}: ${line}`), '')).join('\n')}\n`);
}

const codes = { 404: 'not_found', 409: 'refused', 422: 'usage' } as const;

function failureOf(answer: GatewayResponse): CommandFailure {
  return new CommandFailure(codes[answer.status as keyof typeof codes] ?? 'failure', refusal(answer).message);
}
