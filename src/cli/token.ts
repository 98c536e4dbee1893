import { hashOfToken, makeToken } from '../admin/token.ts';
import { objectToName } from '../config/leaves.ts';
import { systemRandom } from '../gateway/system.ts';
import { printJson } from './ask-commands.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface TokenFlags {
  readonly json: boolean;
}

/** Makes a token for the admin API, shows it once, and says what the configuration keeps of it. Writes nothing. */
export function token(flags: TokenFlags, name: string, around: Surroundings): void {
  const objection = objectToName(name);
  if (objection !== null) throw new CommandFailure('usage', `${objection.message}.`);
  const secret = makeToken(systemRandom);
  const hash = hashOfToken(secret);
  if (flags.json) return printJson({ name, token: secret, hash }, around);
  const style = styleFor(around.stdout, around.env);
  const lines = [
    'The token. It is shown this once, and kept nowhere:',
    '',
    `  ${style.bold(secret)}`,
    '',
    'What the configuration keeps of it:',
    '',
    '  admin:',
    '    listen: 127.0.0.1:9901',
    '    tokens:',
    `      ${name}: ${hash}`,
    '',
    style.dim('Ask with it by CANDOR_TOKEN or --token-file, and --admin http://127.0.0.1:9901.'),
  ];
  around.stdout.write(`${lines.join('\n')}\n`);
}
