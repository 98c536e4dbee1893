import { statusOfJson } from './gateway-lookup.ts';
import { apiRoot } from '../admin/operations.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdmin } from './find-admin.ts';
import { renderStatus, type ShownStatus } from './status-table.ts';
import { styleFor, type Style } from './style.ts';
import type { ProcessContext, Output } from './process-context.ts';
import type { AskFlags } from './flags.ts';
import type { AdminTarget } from './admin-client.ts';
import { wrap, printJson, harmlessJson } from './layout.ts';
import { enterScreen, frameOf, leaveScreen, rowsUsual } from './screen.ts';
import { CommandFailure } from './command-failure.ts';
import { WatchStop } from './watch-stop.ts';

export interface StatusFlags extends AskFlags {
  readonly watch: boolean;
}

export async function status(flags: StatusFlags, context: ProcessContext): Promise<void> {
  if (flags.watch) return watchStatus(flags, context);
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  if (flags.json) printJson(answer.body, context);
  else context.stdout.write(renderStatus(statusOfJson(answer.body), styleFor(context.stdout, context.env)));
}

/** As often as a person reads, and too rarely to cost the gateway anything. */
const everyMs = 1000;

/**
 * Shows a status repeatedly until Ctrl-C: in place on a terminal, as a line of JSON each time with `--json`. If the gateway
 * goes away, the command keeps asking, since people watch restarts. Only the first request must be answered.
 */
async function watchStatus(flags: AskFlags, context: ProcessContext): Promise<void> {
  const { stdout, clock } = context;
  const stop = new WatchStop(context);
  let target = await findAdmin(flags, context);
  let seen: ShownStatus | CommandFailure = await ask(target, context);
  if (seen instanceof CommandFailure) throw seen;
  const view = flags.json ? new JsonLines(stdout) : stdout.isTTY ? new Screen(context) : new Pages(stdout);
  try {
    while (!stop.isWanted) {
      view.show(seen);
      await stop.waitFor(everyMs, clock);
      if (stop.isWanted) break;
      // After an upgrade or a restart, the gateway may answer at another address.
      if (seen instanceof CommandFailure) target = await findAdmin(flags, context).catch(() => target);
      seen = await ask(target, context);
    }
  } finally {
    view.end();
    stop.release();
  }
}

async function ask(target: AdminTarget, context: ProcessContext): Promise<ShownStatus | CommandFailure> {
  try {
    const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
    return answer.status === 200 ? statusOfJson(answer.body) : refusal(answer);
  } catch (error) {
    if (error instanceof CommandFailure) return error;
    throw error;
  }
}

interface View {
  show(seen: ShownStatus | CommandFailure): void;
  end(): void;
}

class JsonLines implements View {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  show(seen: ShownStatus | CommandFailure): void {
    const value = seen instanceof CommandFailure ? { unreachable: seen.message } : seen;
    this.#output.write(`${harmlessJson(value)}\n`);
  }

  end(): void {}
}

/** Writes one status after the other, for an output that is not a terminal. */
class Pages implements View {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  show(seen: ShownStatus | CommandFailure): void {
    this.#output.write(`${textOf(seen, styleFor(this.#output, {}))}\n`);
  }

  end(): void {}
}

class Screen implements View {
  readonly #output: Output;
  readonly #style: Style;
  #last = '';

  constructor({ stdout, env }: ProcessContext) {
    this.#output = stdout;
    this.#style = styleFor(stdout, env);
    stdout.write(enterScreen);
  }

  show(seen: ShownStatus | CommandFailure): void {
    this.#last = textOf(seen, this.#style);
    this.#output.write(frameOf(this.#last, this.#output.rows?.() ?? rowsUsual, this.#style));
  }

  /** The last status stays on the terminal. */
  end(): void {
    this.#output.write(`${leaveScreen}${this.#last}`);
  }
}

function textOf(seen: ShownStatus | CommandFailure, style: Style): string {
  if (!(seen instanceof CommandFailure)) return renderStatus(seen, style);
  const lines = [...wrap(seen.message, ''), '', 'Trying again every second. Ctrl-C ends this command.'];
  return `${lines.map((line) => style.warn(line)).join('\n')}\n`;
}
