import { apiRoot } from '../admin/operations.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, type GatewayResponse, refusal } from './ask-gateway.ts';
import { commandName, type ProcessContext } from './process-context.ts';
import { findAdminToChange } from './find-admin.ts';
import { harmless, wrap, printJson } from './layout.ts';
import { CommandFailure } from './command-failure.ts';
import type { OverlayStatus } from '../core/schemas/status.ts';

/** The request for a change of the overlay: the last segment of its path, and its body. */
interface OverlayOrder {
  readonly kind: 'maintenance' | 'pause' | 'weight' | 'drain' | 'eject' | 'scale' | 'stop' | 'restore';
  /** Keys without a value are omitted. */
  readonly body: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
}

interface ChangeAnswer {
  readonly changed: boolean;
  readonly affected: readonly string[];
  readonly warnings: readonly string[];
  readonly overlay: Pick<OverlayStatus, 'revision' | 'entries'>;
}

/** Asks a running gateway to change its overlay, and prints the result. */
export async function changeOverlay(order: OverlayOrder, flags: AskFlags, context: ProcessContext): Promise<void> {
  const target = await findAdminToChange(flags, context);
  const answer = await askGateway(target, 'POST', `${apiRoot}/overlay/${order.kind}`, context, order.body);
  if (flags.json) printJson(answer.body, context);
  if (answer.status !== 200) throw failureOf(answer);
  if (flags.json) return;
  const change = answer.body as ChangeAnswer;
  context.stdout.write(lines(order, change, commandName(context.env)));
  for (const warning of change.warnings) context.stderr.write(`${wrap(harmless(warning), '').join('\n')}\n`);
}

function lines({ kind, body }: OverlayOrder, { changed, affected, overlay }: ChangeAnswer, candor: string): string {
  if (kind === 'restore') return `${wrap(harmless(restoredText(affected, overlay)), '').join('\n')}\n`;
  const entries = overlay.entries.filter(({ id }) => affected.includes(id));
  const whats = entries.map(({ reason }) => reason.replace(/^./, (first) => first.toUpperCase()));
  const said = (whats.length === 0 ? ['It is done'] : whats).flatMap((what) =>
    wrap(harmless(`${what}${changed ? '' : ', as before'}.`), ''),
  );
  // Several are the routes of an upstream.
  const restored = entries.length > 1 ? String(body['route']) : (entries[0]?.id ?? '');
  return `${[...said, `  ${candor} restore ${harmless(restored)}`].join('\n')}\n`;
}

function restoredText(affected: readonly string[], { entries }: ChangeAnswer['overlay']): string {
  if (affected.length === 0) return 'Nothing was set: the configuration file decides.';
  const [first = ''] = affected;
  if (first.startsWith('ejection:'))
    return `${first.slice('ejection:'.length)} was ejected because of its requests, and not by the overlay. Its pause is over: it is on probation now.`;
  const left = entries.length === 0 ? '' : ` Still set: ${entries.map(({ id }) => id).join(', ')}.`;
  return `Cleared: ${affected.join(', ')}. The configuration file decides again.${left}`;
}

function failureOf(answer: GatewayResponse): CommandFailure {
  const { message } = refusal(answer);
  if (answer.status === 404) return new CommandFailure('not_found', message);
  if (answer.status === 409 || answer.status === 412) return new CommandFailure('refused', message);
  if (answer.status !== 422) return new CommandFailure('failure', message);
  const { errors = [] } = answer.body as { errors?: readonly string[] };
  return new CommandFailure('usage', [message, ...errors.map((one) => `  ${harmless(one)}`)].join('\n'));
}
