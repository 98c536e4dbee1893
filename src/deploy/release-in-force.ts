import { join } from 'node:path';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { Release } from '../core/release.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { readOwnFile } from './own-file.ts';
import { historyOf } from './release-history.ts';
import { journalBytesMax } from './release-journal.ts';
import { readReleaseLines } from './release-line.ts';
import { folderNameOf } from './release-store.ts';

interface InForce {
  /** Null: it was never deployed. */
  readonly release: Release | null;
  readonly folder: string;
}

/** The release of an application that runs, as its journal says, for a process that only looks. The failure is a clause. */
export function releaseInForce(stateFolder: string, application: string): Result<InForce, string> {
  const folder = join(stateFolder, 'releases', folderNameOf(application));
  const path = join(folder, 'journal');
  const found = readOwnFile(path, journalBytesMax);
  if (found.kind === 'none') return succeed({ release: null, folder });
  if (found.kind === 'refused') return failWith(`${path} is not read: ${found.why}`);
  const read = readReleaseLines(found.text);
  if ('why' in read) return failWith(`line ${read.line} of ${path} ${read.why}`);
  return succeed({ release: historyOf(read.lines).inForce, folder });
}

/** Where the programs of an application, or of a worker of it, run now, and with which variables of their settings. */
export function surroundingsOf(
  { id, directory, environment, ownEnvironment = {} }: ApplicationSpec,
  { release, folder }: InForce,
): { readonly directory: string; readonly environment: Readonly<Record<string, string>> } {
  if (release === null) return { directory, environment };
  return {
    directory: release.tree === null ? release.directory : join(folder, release.tree, release.directory),
    environment: { ...release.environment, ...(release.workers?.[id]?.environment ?? ownEnvironment) },
  };
}
