import { contentLines, type LineFlaw } from '../../content-lines.ts';
import { groupsIn, isUserName } from '../basic/password-file.ts';

export interface ApiKeyOwner {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A file of keys: lines `name:hash` or `name:hash:group,group`, empty lines, and comments that begin with "#". The hash is SHA-256 in hex. */
interface ApiKeyFile {
  /** By hash. */
  readonly owners: ReadonlyMap<string, ApiKeyOwner>;
  readonly flaws: readonly LineFlaw[];
}

/** What `candor key new` writes before the random part, so that people and scanners know what it is. */
export const keyPrefix = 'candor_key_';

const make = 'make a new line with `candor key new NAME`';

export function readKeyFile(text: string): ApiKeyFile {
  const owners = new Map<string, ApiKeyOwner>();
  const flaws: LineFlaw[] = [];
  for (const { line, content } of contentLines(text)) {
    const [name = '', hash = '', groups = '', ...more] = content.split(':');
    const message = flawOf(name, hash, more.length, owners);
    if (message !== null) flaws.push({ line, message, suggestion: make });
    else owners.set(hash, { name, groups: groupsIn(groups) });
  }
  return { owners, flaws };
}

/** Several keys may have one name: the next one is in use before the last one goes. */
function flawOf(name: string, hash: string, more: number, owners: ReadonlyMap<string, unknown>): string | null {
  if (!isUserName(name)) return 'its name is empty, longer than 128 characters, or has control characters';
  if (more > 0) return 'it has more than name, hash and groups';
  if (name.startsWith(keyPrefix) || hash.startsWith(keyPrefix)) return 'it has a key in place of its hash';
  if (!/^[0-9a-f]{64}$/.test(hash)) return 'its hash is not SHA-256 in 64 small hexadecimal digits';
  return owners.has(hash) ? 'its key is there twice' : null;
}
