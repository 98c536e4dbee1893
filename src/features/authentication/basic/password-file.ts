import { type HashFlaw, parsePasswordHash, type PasswordHash } from './password-hash.ts';

/** A file of users in the form of htpasswd: `name:hash` lines, empty lines, and comments that begin with "#". */
interface PasswordFile {
  readonly users: ReadonlyMap<string, PasswordHash>;
  readonly flaws: readonly (HashFlaw & { readonly line: number })[];
}

// oxlint-disable-next-line no-control-regex -- these are what no name may have
const namePattern = /^[^:\0-\x1f\x7f]{1,128}$/;

export function isUserName(name: string): boolean {
  return namePattern.test(name) && name.trim() === name && !name.startsWith('#');
}

export function readPasswordFile(text: string): PasswordFile {
  const users = new Map<string, PasswordHash>();
  const flaws: (HashFlaw & { line: number })[] = [];
  for (const [index, written] of text.split('\n').entries()) {
    const content = written.trim();
    if (content === '' || content.startsWith('#')) continue;
    const line = index + 1;
    const colon = content.indexOf(':');
    const name = content.slice(0, Math.max(0, colon));
    const flaw = lineFlaw(colon, name, users);
    const hash = flaw === null ? parsePasswordHash(content.slice(colon + 1)) : null;
    if (flaw !== null) flaws.push({ line, ...flaw });
    else if (hash?.ok === true) users.set(name, hash.value);
    else if (hash !== null) flaws.push({ line, ...hash.failure });
  }
  return { users, flaws };
}

function lineFlaw(colon: number, name: string, users: ReadonlyMap<string, unknown>): HashFlaw | null {
  if (colon < 0)
    return { message: 'it has no ":" after a name', suggestion: 'write name:hash, as `candor password NAME` does' };
  if (!isUserName(name))
    return {
      message: 'its name is empty, longer than 128 characters, or has spaces at its ends or control characters',
      suggestion: 'write another name',
    };
  if (users.has(name)) return { message: 'its user is there twice', suggestion: 'remove one of the lines' };
  return null;
}
