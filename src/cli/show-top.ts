import { apiRoot } from '../admin/operations.ts';
import { camelCased } from '#failures/json-case.ts';
import type { UsageNow } from '../core/schemas/usage.ts';
import type { AdminTarget } from './admin-client.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { printJson, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { enterScreen, frameOf, leaveScreen, rowsUsual } from './screen.ts';
import { styleFor } from './style.ts';
import { type TopOrder, topLines, topOrders } from './top-lines.ts';
import { WatchStop } from './watch-stop.ts';

export interface TopFlags extends AskFlags {
  readonly once: boolean;
}

/** Programs are sampled every five seconds, and requests counted all the time. */
const everyMs = 2000;

const keysText = 's sorts, q ends.';

/** `candor top` */
export async function showTop(flags: TopFlags, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const first = await ask(target, context);
  if (first instanceof CommandFailure) throw first;
  if (context.stdout.isTTY && !flags.once && !flags.json) return watchTop(first, target, flags, context);
  if (flags.json) return printJson(first, context);
  const style = styleFor(context.stdout, context.env);
  context.stdout.write(`${topLines(first, 'name', style).join('\n')}\n`);
}

/** In place, until q or Ctrl-C. If the gateway goes away, the command keeps asking. */
async function watchTop(first: UsageNow, asked: AdminTarget, flags: AskFlags, context: ProcessContext): Promise<void> {
  const { stdout, clock } = context;
  const style = styleFor(stdout, context.env);
  const stop = new WatchStop(context);
  let target = asked;
  let order: TopOrder = 'name';
  let seen: UsageNow | CommandFailure = first;
  let last = '';
  const show = (): void => {
    const lines =
      seen instanceof CommandFailure
        ? [...wrap(seen.message, ''), '', 'Trying again.'].map((line) => style.warn(line))
        : [...topLines(seen, order, style), style.dim(`Sorted by ${order}. ${keysText}`)];
    last = `${lines.join('\n')}\n`;
    const rows = stdout.rows?.() ?? 0;
    // A terminal that has no size says 0.
    stdout.write(frameOf(last, rows > 0 ? rows : rowsUsual, style, '`candor top --once` has them'));
  };
  const leave = context.onKey?.((key) => {
    if (key === 'q' || key === '\u0003' || key === '\u001b') stop.stop();
    if (key !== 's') return;
    order = topOrders[(topOrders.indexOf(order) + 1) % topOrders.length] ?? 'name';
    show();
  });
  stdout.write(enterScreen);
  try {
    while (!stop.isWanted) {
      show();
      await stop.waitFor(everyMs, clock);
      if (stop.isWanted) break;
      if (seen instanceof CommandFailure) target = await findAdmin(flags, context).catch(() => target);
      seen = await ask(target, context);
    }
  } finally {
    // The last table stays on the terminal.
    stdout.write(`${leaveScreen}${last}`);
    leave?.();
    stop.release();
  }
}

async function ask(target: AdminTarget, context: ProcessContext): Promise<UsageNow | CommandFailure> {
  try {
    const answer = await askGateway(target, 'GET', `${apiRoot}/usage/now`, context);
    return answer.status === 200 ? (camelCased(answer.body) as UsageNow) : refusal(answer);
  } catch (error) {
    if (error instanceof CommandFailure) return error;
    throw error;
  }
}
