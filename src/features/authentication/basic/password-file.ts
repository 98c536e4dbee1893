import { contentLines, type LineFlaw } from '../../content-lines.ts';
import { type HashFlaw, parsePasswordHash, type PasswordHash } from './password-hash.ts';

export interface PasswordUser {
  readonly hash: PasswordHash;
  readonly groups: readonly string[];
}

/** A file of users in the form of htpasswd: lines `name:hash` or `name:hash:group,group`, empty lines, and comments that begin with "#". */
interface PasswordFile {
  readonly users: ReadonlyMap<string, PasswordUser>;
  readonly flaws: readonly LineFlaw[];
}

// oxlint-disable-next-line no-control-regex -- these are what no name may have
const namePattern = /^[^:\0-\x1f\x7f]{1,128}$/;

export function isUserName(name: string): boolean {
  return namePattern.test(name) && name.trim() === name && !name.startsWith('#');
}

export function readPasswordFile(text: string): PasswordFile {
  const users = new Map<string, PasswordUser>();
  const flaws: LineFlaw[] = [];
  for (const { line, content } of contentLines(text)) {
    // No hash has a colon.
    const [name = '', hashText, groups = '', ...more] = content.split(':');
    const flaw = lineFlaw(name, hashText, more.length, users);
    const hash = flaw === null ? parsePasswordHash(hashText ?? '') : null;
    if (flaw !== null) flaws.push({ line, ...flaw });
    else if (hash?.ok === true) users.set(name, { hash: hash.value, groups: groupsIn(groups) });
    else if (hash !== null) flaws.push({ line, ...hash.failure });
  }
  return { users, flaws };
}

/** Groups with commas between them, as files of users and of keys have them. */
export function groupsIn(text: string): string[] {
  return text.split(',').flatMap((group) => group.trim() || []);
}

function lineFlaw(
  name: string,
  hash: string | undefined,
  more: number,
  users: ReadonlyMap<string, unknown>,
): HashFlaw | null {
  if (hash === undefined)
    return { message: 'it has no ":" after a name', suggestion: 'write name:hash, as `candor password NAME` does' };
  if (!isUserName(name))
    return {
      message: 'its name is empty, longer than 128 characters, or has spaces at its ends or control characters',
      suggestion: 'write another name',
    };
  if (more > 0) return { message: 'it has more than name, hash and groups', suggestion: 'write name:hash:group,group' };
  if (users.has(name)) return { message: 'its user is there twice', suggestion: 'remove one of the lines' };
  return null;
}
