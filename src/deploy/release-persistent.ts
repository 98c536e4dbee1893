import { basename, dirname, join } from 'node:path';
import { checkSpace, type CopyContext, fillTree } from './release-copy.ts';
import { lstatOrNull, type ReleaseFiles, removeTree, syncPath } from './release-files.ts';
import { isMissing, isUnreadable, refuse } from './release-refusal.ts';
import { walkTree } from './release-walk.ts';

/** In the folder of an application's releases, beside its trees. */
const persistentName = 'persistent';

/**
 * The links that a tree has at its persistent paths: relative, so that the tree is the same wherever the state folder lies.
 * Throws `ReleaseRefused` for paths that leave the tree or lie within one another.
 */
export function persistentLinks(paths: readonly string[]): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  for (const written of paths) {
    const steps = bare(written).split('/');
    if (steps.some((step) => step === '' || step === '.' || step === '..' || step.includes('\0')))
      refuse('source', `The persistent path ${written} is not one below the folder.`, 'Write it like `data/uploads`.');
    const path = steps.join('/');
    const other = [...links.keys()].find((one) => `${one}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${one}/`));
    if (other !== undefined)
      refuse('source', `The persistent paths ${other} and ${path} lie within one another.`, 'Remove one of them.');
    links.set(path, `${'../'.repeat(steps.length)}${persistentName}/${path}`);
  }
  return links;
}

/**
 * Those of the paths that are not there yet and that the folder has in which the application runs now. Throws `ReleaseRefused`
 * where a program could not use one of them.
 */
export async function pathsToLink(
  present: string | null,
  into: string,
  paths: readonly string[],
  files: ReleaseFiles,
): Promise<readonly string[]> {
  if (present === null) return [];
  const found: string[] = [];
  for (const path of paths.map(bare)) {
    if ((await lstatOrNull(join(into, persistentName, path), files)) !== null) continue;
    const at = join(present, path);
    if ((await lstatOrNull(at, files)) === null) continue;
    await targetOf(at, path, files);
    found.push(path);
  }
  return found;
}

/** Releases use these paths where the application has them now. */
export async function linkPersistent(
  present: string | null,
  into: string,
  paths: readonly string[],
  files: ReleaseFiles,
) {
  if (present === null) return;
  for (const path of paths) {
    const to = join(into, persistentName, path);
    await files.mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await files.symlink(join(present, path), to);
    await syncParents(dirname(to), into, files);
  }
}

/** For paths that are linked; none where there are none. */
export function linkedRemarks(present: string | null, paths: readonly string[]): readonly string[] {
  if (present === null || paths.length === 0) return [];
  const targets = paths.map((path) => join(present, path)).join(' and ');
  return [`All releases use ${targets}, as the application does now: Candor copies nothing of it, so keep it there.`];
}

/** Where a path or a link leads; refused unless it is a file or a folder that can be read. */
async function targetOf(at: string, path: string, files: ReleaseFiles): Promise<string> {
  const refuseIt = (why: string): never =>
    refuse(
      'source',
      `The persistent path ${path} leads to ${at}, ${why}.`,
      'Correct the path or its owner and mode, or remove it from `persistent`.',
    );
  try {
    const target = await files.realpath(at);
    const found = await files.lstat(target);
    if (!found.isDirectory() && !found.isFile()) refuseIt('which is neither a file nor a folder');
    await (await files.open(target, 'r')).close();
    return target;
  } catch (error) {
    if (isMissing(error)) refuseIt('and to nothing that is there');
    if (isUnreadable(error)) refuseIt('which the gateway cannot read');
    throw error;
  }
}

/**
 * Makes what the links of a tree lead to: the first time it begins as a copy of what the source has there, later it stays as it
 * is. Returns a sentence for each path at which the source has something that is left out.
 */
export async function seedPersistent(
  from: string,
  into: string,
  paths: readonly string[],
  context: CopyContext,
): Promise<readonly string[]> {
  const remarks: string[] = [];
  for (const written of paths) {
    const path = bare(written);
    const to = join(into, persistentName, path);
    const { files } = context;
    const found = await lstatOrNull(join(from, path), files);
    const there = await lstatOrNull(to, files);
    if (there !== null) {
      const target = there.isSymbolicLink() ? await targetOf(to, path, files) : to;
      const isSame = found !== null && target === (await files.realpath(join(from, path)).catch(() => null));
      if (found !== null && !isSame)
        remarks.push(`${path} of the release was left out: ${to} is there, and stays as it is.`);
    } else {
      await files.mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await seed(from, path, into, to, written.endsWith('/'), context);
    }
  }
  return remarks;
}

const bare = (path: string): string => path.replace(/\/+$/, '');

async function seed(
  root: string,
  path: string,
  into: string,
  to: string,
  isFolder: boolean,
  context: CopyContext,
): Promise<void> {
  const { files } = context;
  const from = join(root, path);
  const found = await lstatOrNull(from, files);
  // Most names with a dot are those of files, which the application makes: the link leads to where it will be.
  if (found === null && !isFolder && basename(path).indexOf('.') > 0) return;
  if (found !== null && !found.isDirectory() && !found.isFile())
    refuse('source', `The persistent path ${path} is neither a file nor a folder.`, 'Put the content there itself.');
  const temporary = await files.mkdtemp(join(into, '.copy-'));
  try {
    const made = join(temporary, 'seed');
    if (found?.isFile() === true) await copyFileTo(root, path, temporary, made, context);
    else await copyFolderTo(found === null ? null : from, made, context);
    await files.rename(made, to);
    await syncParents(dirname(to), into, files);
  } finally {
    await removeTree(temporary, files);
  }
}

async function copyFolderTo(from: string | null, to: string, context: CopyContext): Promise<void> {
  await context.files.mkdir(to, 0o755);
  if (from === null) return;
  const { files, limits, signal } = context;
  const tree = await walkTree(from, { ignores: () => false, links: new Map(), limits, files, signal });
  await checkSpace(tree.bytes, dirname(to), context);
  await fillTree(tree, from, to, context, { takes: false, isReadOnly: false });
}

/** As the only file of a tree. */
async function copyFileTo(root: string, path: string, temporary: string, to: string, context: CopyContext) {
  const from = dirname(join(root, path));
  const stats = await context.files.lstat(join(root, path), { bigint: true });
  const bytes = Number(stats.size);
  await checkSpace(bytes, temporary, context);
  const entry = { path: basename(path), kind: 'file', stats } as const;
  const tree = { entries: [entry], mode: 0o700, files: 1, bytes };
  await fillTree(tree, from, temporary, context, { takes: false, isReadOnly: false });
  await context.files.rename(join(temporary, entry.path), to);
}

/** Makes the names of new folders last. */
async function syncParents(folder: string, top: string, files: ReleaseFiles): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await syncPath(at, files);
    if (at === top) return;
  }
}
