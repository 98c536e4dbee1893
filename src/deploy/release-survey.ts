import { join } from 'node:path';
import type { Result } from '#failures/result.ts';
import { checkSpace, type CopyContext, digestOf, sumOf } from './release-copy.ts';
import { inParallel } from './release-files.ts';
import { attemptRelease, type ReleaseRefusal } from './release-refusal.ts';
import { contextOf, type CopiedTree, type CopyOptions, ignoresOf, withoutLinks } from './release-tree.ts';
import { walkTree, type WalkedTree } from './release-walk.ts';

/**
 * What `copyTree` would copy, and its digest, or with `isBuilt` that of `stageTree`; copies nothing. Refused where the disk has no
 * room for that.
 */
export function surveyTree(
  from: string,
  into: string,
  isBuilt: boolean,
  options: CopyOptions,
): Promise<Result<Omit<CopiedTree, 'isSame'>, ReleaseRefusal>> {
  const context = contextOf(options, () => undefined);
  const { limits, signal, files } = context;
  const { persistent = [], present = null, takes = false } = options;
  return attemptRelease(async () => {
    const { linkedRemarks, pathsToLink, persistentLinks } = await import('./release-persistent.ts');
    const links = persistentLinks(persistent);
    const tree = await walkTree(from, { ignores: await ignoresOf(from, options, files), links, limits, files, signal });
    if (!takes) await checkSpace(tree.bytes, into, context);
    const remarks = linkedRemarks(present, await pathsToLink(present, into, persistent, files));
    const digest = await digestOfSource(isBuilt ? withoutLinks(tree, links) : tree, from, context);
    return { files: tree.files, bytes: tree.bytes, digest, remarks };
  });
}

/** The digest that a copy of what was walked would have. Copies nothing. */
async function digestOfSource(
  tree: WalkedTree,
  from: string,
  { files, signal, clock }: Pick<CopyContext, 'files' | 'signal' | 'clock'>,
): Promise<string> {
  const sums = new Map<string, string>();
  await inParallel(tree.entries, signal, async (entry) => {
    if (entry.kind !== 'file') return;
    sums.set(entry.path, await sumOf(join(from, entry.path), Number(entry.stats.size), files, false));
  });
  return digestOf(tree, sums, clock);
}
