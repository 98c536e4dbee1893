import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';

/** Far longer than any token: a longer file is not a token file. */
const fileBytesMax = 4096;

/**
 * Reads the token for the admin API over TCP from the file that a flag names, or else from the environment. A flag never
 * holds the token itself, since every user of a machine may list the arguments of processes.
 */
export function readToken(file: string | undefined, context: ProcessContext): string {
  if (file !== undefined) return tokenIn(readTokenFile(resolve(context.directory, file), context), file);
  const variable = context.env['CANDOR_TOKEN'];
  if (variable !== undefined && variable !== '') return tokenIn(variable, 'CANDOR_TOKEN');
  throw new CommandFailure(
    'usage',
    'The gateway requires a token over TCP. Set the variable CANDOR_TOKEN, or put the token into a file that only you can read and pass --token-file. `candor token <name>` creates one.',
  );
}

function readTokenFile(path: string, context: ProcessContext): string {
  let text: string;
  try {
    const found = statSync(path);
    if (found.size > fileBytesMax) throw new CommandFailure('usage', `${path} is too large to be a token.`);
    if (found.isFile() && (found.mode & 0o044) !== 0)
      context.stderr.write(`Other users may read the token in ${path}: \`chmod 600 ${path}\`.\n`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof CommandFailure ? error : new CommandFailure('usage', `${path} cannot be read.`);
  }
  return text;
}

/** Rejects a text that cannot stand in a header. Does not print the text, since it may be another secret. */
function tokenIn(text: string, where: string): string {
  const token = text.trim();
  if (/^[\w.~+/=-]+$/.test(token)) return token;
  throw new CommandFailure('usage', `${where} holds no token: letters, digits and -._~+/= on one line.`);
}
