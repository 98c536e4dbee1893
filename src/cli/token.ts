import { printJson } from './layout.ts';
import { hashOfToken, makeToken } from '../admin/token.ts';
import type { AdminRole } from '../core/admin-roles.ts';
import { nameError } from '../schema/leaves.ts';
import { systemRandom } from '../system/system.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';

export interface TokenFlags {
  readonly role?: AdminRole;
  readonly json: boolean;
}

/** Creates a token for the admin API, prints it once, and prints its hash for the configuration. Writes no file. */
export function token(flags: TokenFlags, name: string, context: ProcessContext): void {
  const problem = nameError(name);
  if (problem !== null) throw new CommandFailure('usage', `${problem.message}.`);
  const secret = makeToken(systemRandom);
  const hash = hashOfToken(secret);
  const { role = 'operate' } = flags;
  if (flags.json) return printJson({ name, token: secret, hash, role }, context);
  const style = styleFor(context.stdout, context.env);
  const lines = [
    'The token. It is shown only now and stored nowhere:',
    '',
    `  ${style.bold(secret)}`,
    '',
    'Put its hash into the configuration:',
    '',
    '  admin:',
    '    listen: 127.0.0.1:9901',
    '    tokens:',
    ...(role === 'operate'
      ? [`      ${name}: ${hash}`]
      : [`      ${name}:`, `        hash: ${hash}`, `        role: ${role}`]),
    '',
    style.dim('To use it, set CANDOR_TOKEN or --token-file, and --admin http://127.0.0.1:9901.'),
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}
