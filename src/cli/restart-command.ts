import { apiRoot } from '../admin/operations.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { findAdminToChange } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { harmless, printJson, wrap } from './layout.ts';
import { commandName, type ProcessContext } from './process-context.ts';

/** Asks a running gateway to replace an instance of an application by a new one with the same configuration. */
export async function restart(flags: AskFlags, instance: string, context: ProcessContext): Promise<void> {
  const target = await findAdminToChange(flags, context);
  const answer = await askGateway(target, 'POST', `${apiRoot}/instances/restart`, context, { instance });
  if (flags.json) printJson(answer.body, context);
  const { message } = refusal(answer);
  if (answer.status === 404) throw new CommandFailure('not_found', message);
  if (answer.status === 409) throw new CommandFailure('refused', message);
  if (answer.status !== 202) throw new CommandFailure(answer.status === 422 ? 'usage' : 'failure', message);
  if (flags.json) return;
  const what = instance.includes('/') ? 'A new instance takes the place' : 'New instances take the place of those';
  const said = wrap(harmless(`${what} of ${instance}.`), '');
  context.stdout.write(`${[...said, `  ${commandName(context.env)} status`].join('\n')}\n`);
}
