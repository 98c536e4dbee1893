import { statusOfJson } from './gateway-lookup.ts';
import { apiRoot } from '../admin/operations.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdmin } from './find-admin.ts';
import { renderStatus } from './status-table.ts';
import { watchStatus } from './status-watch.ts';
import { styleFor } from './style.ts';
import { type ProcessContext } from './process-context.ts';
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
  if (flags.json) printJson(answer.body, context);
  else context.stdout.write(renderStatus(statusOfJson(answer.body), styleFor(context.stdout, context.env)));
}

export function printJson(value: unknown, context: ProcessContext): void {
  context.stdout.write(`${harmlessJson(value, 2)}\n`);
}
