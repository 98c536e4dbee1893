import type { Event } from '../core/event.ts';
import type { GatewayStatus } from '../gateway/control.ts';
import { readEvents } from './admin-client.ts';
import { placeText } from './admin-place.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { eventLine, eventLines } from './event-lines.ts';
import { type AdminChoice, findAdmin } from './find-admin.ts';
import { renderStatus } from './status-table.ts';
import { watchStatus } from './status-watch.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import { harmlessJson } from './explain-log/line-verdicts.ts';

/** The commands that ask a running gateway. */

export interface AskFlags extends AdminChoice {
  readonly json: boolean;
}

export interface StatusFlags extends AskFlags {
  readonly watch: boolean;
}

export async function status(flags: StatusFlags, around: Surroundings): Promise<void> {
  if (flags.watch) return watchStatus(flags, around);
  const place = await findAdmin(flags, around);
  const answer = await askGateway(place, 'GET', '/v1/status', around);
  if (answer.status !== 200) throw refusal(answer);
  if (flags.json) printJson(answer.content, around);
  else around.stdout.write(renderStatus(answer.content as GatewayStatus, styleFor(around.stdout, around.env)));
}

export interface EventFlags extends AskFlags {
  readonly follow: boolean;
}

export async function events(flags: EventFlags, around: Surroundings): Promise<void> {
  const place = await findAdmin(flags, around);
  const style = styleFor(around.stdout, around.env);
  // Where nobody reads, `grep` does: a line for each.
  const line = around.stdout.isTTY ? eventLines : eventLine;
  const tell = (event: Event): void =>
    around.stdout.write(flags.json ? `${harmlessJson(event)}\n` : `${line(event, style)}\n`);
  const subscription = readEvents(place, flags.follow, (part) => {
    if (part.kind === 'event') tell(part.event);
    else around.stderr.write(`${part.missed} events came too fast and are missing here.\n`);
  });
  const leave = around.onSignal('SIGINT', () => subscription.close());
  const ended = await subscription.ended;
  leave();
  if (typeof ended === 'object') throw refusal(ended);
  if (ended === 'nobody_there')
    throw new CommandFailure(
      'gateway_unreachable',
      `No gateway answers at ${placeText(place)}. Is it running? \`candor up\` starts one.`,
    );
}

export function printJson(value: unknown, around: Surroundings): void {
  around.stdout.write(`${harmlessJson(value, 2)}\n`);
}
