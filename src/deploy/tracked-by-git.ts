import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Enough for some hundred thousand files. */
const indexBytesMax = 64 * 1024 * 1024;

/** The length of a path in an entry of the index has twelve bits. */
const pathLengthMask = 0xfff;

/** A file, or one below a folder, that the git repository around it tracks; null: there is none, or that cannot be read. */
export function trackedByGit(path: string): string | null {
  try {
    const real = realpathSync(path);
    const isFolder = statSync(real).isDirectory();
    const root = rootOfRepository(real);
    if (root === null) return null;
    const file = join(gitFolderOf(root), 'index');
    if (statSync(file).size > indexBytesMax) return null;
    return entryBelow(readFileSync(file), `${relative(root, real)}${isFolder ? '/' : '\0'}`);
  } catch {
    return null;
  }
}

function rootOfRepository(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    if (at !== folder && statSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return at;
    if (dirname(at) === at) return null;
  }
}

/** In a work tree and a submodule `.git` is a file that names the folder. */
function gitFolderOf(root: string): string {
  const path = join(root, '.git');
  if (statSync(path).isDirectory()) return path;
  return resolve(root, /^gitdir: (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '');
}

/** gitformat-index(5), versions 2 and 3: a path follows its length and ends with a zero byte. Version 4 writes no whole paths. */
function entryBelow(index: Buffer, prefix: string): string | null {
  for (let at = index.indexOf(prefix); at !== -1; at = index.indexOf(prefix, at + 1)) {
    const end = index.indexOf(0, at);
    const length = Math.min(end - at, pathLengthMask);
    const isBeginning = [2, 4].some(
      (before) => at >= before && (index.readUInt16BE(at - before) & pathLengthMask) === length,
    );
    if (isBeginning) return index.toString('utf8', at, end);
  }
  return null;
}
