import { basename, join } from 'node:path';
import type { UnpackOptions } from './release-archive.ts';
import { releaseFiles, removeTree } from './release-files.ts';

/** Where the files of a release come from. */
export type FileSource =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: string; readonly revision: string }
  | { readonly kind: 'archive'; readonly path: string; readonly dropsTop: boolean };

/** What was read of a source. */
export interface FromSource {
  readonly text: string;
  /** A sentence each. */
  readonly remarks: readonly string[];
}

export interface SourceFolder extends FromSource {
  readonly folder: string;
  /** It is ours, and is removed afterwards. */
  readonly takes: boolean;
}

/** Calls `use` with the folder of a source. An archive and a revision are unpacked into a folder in `into`, which is removed afterwards. */
export async function withSource<T>(
  source: FileSource,
  into: string,
  options: UnpackOptions,
  use: (from: SourceFolder) => Promise<T>,
): Promise<T> {
  if (source.kind === 'folder') return use({ folder: source.path, takes: false, text: source.path, remarks: [] });
  return inTemporaryFolder(join(into, '.unpack-'), options.files ?? releaseFiles, async (folder) =>
    use({ ...(await unpacked(source, folder, options)), takes: true }),
  );
}

/** What cannot be removed afterwards is removed at the next start. */
export async function inTemporaryFolder<T>(
  prefix: string,
  files: NonNullable<UnpackOptions['files']>,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await files.mkdtemp(prefix);
  try {
    return await use(folder);
  } finally {
    await removeTree(folder, files).catch(() => undefined);
  }
}

/** Loads what unpacks where it is needed: a gateway that unpacks nothing has no reader of archives in its memory. */
async function unpacked(
  source: Exclude<FileSource, { kind: 'folder' }>,
  into: string,
  options: UnpackOptions,
): Promise<FromSource & Pick<SourceFolder, 'folder'>> {
  if (source.kind === 'archive') {
    const { unpackArchive } = await import('./release-archive.ts');
    const folder = await unpackArchive(source.path, into, { ...options, ...source });
    return { folder, text: basename(source.path), remarks: [] };
  }
  const { repository, revision } = source;
  const { unpackGit } = await import('./release-git.ts');
  const { commit, remarks } = await unpackGit(repository, revision, into, options);
  return {
    folder: into,
    text: commit.startsWith(revision) ? revision : `${revision} (${commit.slice(0, 12)})`,
    remarks,
  };
}
