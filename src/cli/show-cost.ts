import { apiRoot } from '../admin/operations.ts';
import { camelCased } from '#failures/json-case.ts';
import type { CostAnswer } from '../core/schemas/usage.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { costLines } from './cost-lines.ts';
import { findAdmin } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';

export interface CostFlags extends AskFlags {
  readonly month: boolean;
  readonly since?: string | undefined;
}

/** `candor cost` */
export async function showCost(flags: CostFlags, context: ProcessContext): Promise<void> {
  if (flags.month && flags.since !== undefined)
    throw new CommandFailure('usage', '--month and --since are two beginnings: give one of them');
  const target = await findAdmin(flags, context);
  const query = flags.since === undefined ? '' : `?since=${encodeURIComponent(flags.since)}`;
  const answer = await askGateway(target, 'GET', `${apiRoot}/cost${query}`, context);
  if (answer.status === 400) throw new CommandFailure('usage', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  if (flags.json) return printJson(answer.body, context);
  const style = styleFor(context.stdout, context.env);
  context.stdout.write(`${costLines(camelCased(answer.body) as CostAnswer, style).join('\n')}\n`);
}
