import { statusOfJson } from './gateway-lookup.ts';
import { apiRoot } from '../admin/operations.ts';
import type { Event } from '../core/event.ts';
import { eventJson } from '../core/event-json.ts';
import { readEvents } from './admin-client.ts';
import { targetText } from './admin-target.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { eventLine, eventLines } from './event-lines.ts';
import { findAdmin } from './find-admin.ts';
import { renderStatus } from './status-table.ts';
import { watchStatus } from './status-watch.ts';
import { styleFor } from './style.ts';
import { type ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { harmlessJson } from './explain-log/line-verdicts.ts';
import type { AskFlags } from './ask-flags.ts';

export interface StatusFlags extends AskFlags {
  readonly watch: boolean;
}

export async function status(flags: StatusFlags, context: ProcessContext): Promise<void> {
  if (flags.watch) return watchStatus(flags, context);
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  if (flags.json) printJson(answer.content, context);
  else context.stdout.write(renderStatus(statusOfJson(answer.content), styleFor(context.stdout, context.env)));
}

export interface EventFlags extends AskFlags {
  readonly follow: boolean;
}

export async function events(flags: EventFlags, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const style = styleFor(context.stdout, context.env);
  // Without a terminal, events are one line each, for `grep`.
  const line = context.stdout.isTTY ? eventLines : eventLine;
  const tell = (event: Event): void =>
    context.stdout.write(flags.json ? `${harmlessJson(eventJson(event))}\n` : `${line(event, style)}\n`);
  const subscription = readEvents(target, flags.follow, (part) => {
    if (part.kind === 'event') tell(part.event);
    else context.stderr.write(`${part.missed} events came too fast and are missing here.\n`);
  });
  const leave = context.onSignal('SIGINT', () => subscription.close());
  const ended = await subscription.ended;
  leave();
  if (typeof ended === 'object') throw refusal(ended);
  if (ended === 'nobody_there')
    throw new CommandFailure(
      'gateway_unreachable',
      `No gateway answers at ${targetText(target)}. Is it running? \`candor up\` starts one.`,
    );
}

export function printJson(value: unknown, context: ProcessContext): void {
  context.stdout.write(`${harmlessJson(value, 2)}\n`);
}
