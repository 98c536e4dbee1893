import { basename, dirname, join } from 'node:path';
import { checkSpace, type CopyContext, fillTree } from './release-copy.ts';
import { lstatOrNull, type ReleaseFiles, removeTree, syncPath } from './release-files.ts';
import { refuse } from './release-refusal.ts';
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
    const steps = written.replace(/\/+$/, '').split('/');
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
    const path = written.replace(/\/+$/, '');
    const to = join(into, persistentName, path);
    const { files } = context;
    const found = await lstatOrNull(join(from, path), files);
    if ((await lstatOrNull(to, files)) !== null) {
      if (found !== null) remarks.push(`${path} of the release was left out: ${to} is there, and stays as it is.`);
    } else {
      await files.mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await seed(from, path, into, to, written.endsWith('/'), context);
    }
  }
  return remarks;
}

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
