import { argon2Sync, createHash, scryptSync } from 'node:crypto';
import { keyPrefix } from '../features/authentication/api-keys/key-file.ts';
import { groupsIn, isUserName } from '../features/authentication/basic/password-file.ts';
import { argonOfNew, base64Of, scryptOfNew } from '../features/authentication/basic/password-hash.ts';
import { systemRandom } from '../system/system.ts';
import { CommandFailure } from './command-failure.ts';
import { printJson } from './layout.ts';
import type { ProcessContext, SecretInput } from './process-context.ts';
import { standardSecretInput } from './secret-input.ts';
import { styleFor } from './style.ts';

export interface PasswordFlags {
  readonly hash?: 'argon2id' | 'scrypt';
  readonly groups?: string;
  readonly json: boolean;
}

/** RFC 7617 has no limit; a longer one would not pass the limit of a request head everywhere. */
const passwordBytesMax = 1024;

/** `candor password`: a line for a file of users, whose password nobody sees. Writes no file. */
export async function password(flags: PasswordFlags, name: string, context: ProcessContext): Promise<void> {
  checkName(name, 'user');
  const groups = checkedGroups(flags.groups);
  const typed = await readPassword(name, context.secretInput ?? standardSecretInput);
  const line = lineOf(name, flags.hash === 'scrypt' ? scryptHashOf(typed) : argonHashOf(typed), groups);
  if (flags.json) printJson({ name, line }, context);
  else context.stdout.write(`${line}\n`);
}

function checkName(name: string, what: string): void {
  if (!isUserName(name) || name.startsWith('-'))
    throw new CommandFailure(
      'usage',
      `This is no name of a ${what}: 1 to 128 characters without ":", control characters, and spaces at the ends.`,
    );
}

function checkedGroups(written = ''): readonly string[] {
  const groups = groupsIn(written);
  if (groups.some((group) => /[:\s]/.test(group)))
    throw new CommandFailure('usage', 'Groups are separated by commas, and have no ":" and no spaces.');
  return groups;
}

function lineOf(name: string, hash: string, groups: readonly string[]): string {
  return [name, hash, ...(groups.length === 0 ? [] : [groups.join(',')])].join(':');
}

async function readPassword(name: string, input: SecretInput): Promise<string> {
  if (!input.isTerminal) {
    const read = await input.readAll(passwordBytesMax + 2);
    if (read === null) throw new CommandFailure('usage', `The password has more than ${passwordBytesMax} bytes.`);
    return checked(
      Buffer.from(read)
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    );
  }
  const typed = await input.askHidden(`Password of ${name} (it is not shown): `);
  if (typed === null) throw new CommandFailure('interrupted', 'No line was made.');
  const first = checked(typed);
  const again = await input.askHidden('The same again: ');
  if (again !== first) throw new CommandFailure('usage', 'The two are not the same: no line was made.');
  return first;
}

function checked(typed: string): string {
  const bytes = Buffer.byteLength(typed);
  if (bytes === 0) throw new CommandFailure('usage', 'The password is empty: give it by a pipe, or type it.');
  if (bytes > passwordBytesMax)
    throw new CommandFailure('usage', `The password has ${bytes} bytes, and ${passwordBytesMax} is the most.`);
  // oxlint-disable-next-line no-control-regex -- RFC 7617 §2: browsers cannot send them
  if (/[\0-\x1f\x7f]/.test(typed))
    throw new CommandFailure(
      'usage',
      'The password has several lines or control characters, which browsers cannot send.',
    );
  return typed;
}

function freshBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  systemRandom.fill(bytes);
  return bytes;
}

function argonHashOf(typed: string): string {
  const { memoryKib: memory, passes, parallelism, saltBytes, hashBytes: tagLength } = argonOfNew;
  const nonce = freshBytes(saltBytes);
  const hash = argon2Sync('argon2id', { message: typed, nonce, memory, passes, parallelism, tagLength });
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64Of(nonce)}$${base64Of(hash)}`;
}

function scryptHashOf(typed: string): string {
  const { log2Cost, blockSize, parallelism, saltBytes, hashBytes } = scryptOfNew;
  const salt = freshBytes(saltBytes);
  const cost = 2 ** log2Cost;
  const maxmem = 128 * cost * blockSize + 2 * 1024 * 1024;
  const hash = scryptSync(typed, salt, hashBytes, { cost, blockSize, parallelization: parallelism, maxmem });
  return `$scrypt$ln=${log2Cost},r=${blockSize},p=${parallelism}$${base64Of(salt)}$${base64Of(hash)}`;
}

export interface KeyFlags {
  readonly groups?: string;
  readonly json: boolean;
}

/** `candor key new`: an API key, shown once, and the line for a file of keys. Writes no file. */
export function newKey(flags: KeyFlags, name: string, context: ProcessContext): void {
  checkName(name, 'key');
  const groups = checkedGroups(flags.groups);
  const key = `${keyPrefix}${freshBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest('hex');
  const line = lineOf(name, hash, groups);
  if (flags.json) return printJson({ name, key, line }, context);
  const style = styleFor(context.stderr, context.env);
  context.stderr.write(`The key of ${name}. It is shown only now and stored nowhere:\n\n  ${style.bold(key)}\n\n`);
  context.stderr.write('Its line for the file that `keys_file` names:\n\n');
  context.stdout.write(`${line}\n`);
}
