import { apiRoot } from '../admin/operations.ts';
import type { Event } from '../core/event.ts';
import { type EventJson, eventJson, eventOfJson } from '../core/event-json.ts';
import { readEvents, type AdminTarget, targetText } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { eventLine, eventLines, timeWidth } from './event-lines.ts';
import { findAdmin } from './find-admin.ts';
import { harmless, harmlessJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';
import { wrapOutput } from './output-lines.ts';

export interface EventFlags extends AskFlags {
  readonly follow: boolean;
  /** With what an instance wrote last before it ended. */
  readonly full: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** As large as one page of the admin API. */
const pageMax = 1000;

/** `candor events`: the events that are held, or those of a time; with `--follow` then each new one. */
export async function events(flags: EventFlags, context: ProcessContext): Promise<void> {
  const { follow, since, until } = flags;
  if (follow && until !== undefined)
    throw new CommandFailure('usage', '--until ends the list, and --follow goes on: give one of them.');
  const target = await findAdmin(flags, context);
  const tell = printerOf(flags, context);
  if (since === undefined && until === undefined) return readStream(target, follow, tell, context);
  const found = await eventsOfTime(target, { since, until }, context);
  let day = '';
  for (const event of found) {
    if (!flags.json && dayOf(event.at) !== day) context.stdout.write(`${(day = dayOf(event.at))}\n`);
    tell(event);
  }
  const newest = found.at(-1);
  const isNew = ({ epoch, seq, at }: Event): boolean =>
    newest === undefined || (epoch === newest.epoch ? seq > newest.seq : at >= newest.at);
  if (follow) await readStream(target, true, (event) => void (isNew(event) && tell(event)), context);
}

/** '2026-11-22', local time, as the times of the lines are. */
function dayOf(at: number): string {
  const date = new Date(at);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}

function printerOf({ json, full }: EventFlags, context: ProcessContext): (event: Event) => void {
  const style = styleFor(context.stdout, context.env);
  // Without a terminal, events are one line each, for `grep`.
  const line = context.stdout.isTTY ? eventLines : eventLine;
  const rowsOf = (written: string): readonly string[] =>
    context.stdout.isTTY
      ? wrapOutput(`${indent}| `, timeWidth + 2, { text: written })
      : [`${indent}| ${harmless(written)}`];
  const under = (event: Event): string =>
    full
      ? outputOf(event)
          .flatMap(rowsOf)
          .reduce((text, row) => `${text}${style.dim(row)}\n`, '')
      : '';
  return (event) =>
    context.stdout.write(json ? `${harmlessJson(eventJson(event))}\n` : `${line(event, style)}\n${under(event)}`);
}

const indent = ' '.repeat(timeWidth);

const outputOf = (event: Event): readonly string[] => (event.kind === 'instance_exited' ? event.evidence.output : []);

/** The oldest first. */
async function eventsOfTime(
  target: AdminTarget,
  times: Readonly<Record<'since' | 'until', string | undefined>>,
  context: ProcessContext,
): Promise<readonly Event[]> {
  const found: Event[] = [];
  let cursor: string | null = null;
  do {
    const parameters = new URLSearchParams({ limit: String(pageMax) });
    for (const [key, text] of Object.entries({ ...times, cursor: cursor ?? undefined }))
      if (text !== undefined) parameters.set(key, text);
    const answer = await askGateway(target, 'GET', `${apiRoot}/events?${parameters.toString()}`, context);
    if (answer.status === 400) throw new CommandFailure('usage', refusal(answer).message);
    if (answer.status !== 200) throw refusal(answer);
    const page = answer.body as { readonly events: readonly EventJson[]; readonly cursor: string | null };
    found.push(...page.events.map(eventOfJson));
    ({ cursor } = page);
  } while (cursor !== null);
  return found.toReversed();
}

async function readStream(
  target: AdminTarget,
  follow: boolean,
  tell: (event: Event) => void,
  context: ProcessContext,
): Promise<void> {
  const subscription = readEvents(target, follow, (part) => {
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
