import { relative } from 'node:path';
import { quoted } from '../schema/error-detail.ts';
import type { ErrorCollector } from './error-collector.ts';
import { isSecret, type WantedFile } from './wanted-files.ts';

/** Keys, logs and what is stored. */
const isPrivate = ({ kind }: WantedFile): boolean => kind === 'written_folder' || isSecret(kind);

/** The configuration, its secrets and the log must not lie where visitors can read them. `own`: absolute paths. */
export function reviewServedFolders(
  wanted: readonly WantedFile[],
  own: readonly (string | null)[],
  collector: ErrorCollector,
): void {
  const private_ = [...own, ...wanted.filter(isPrivate).map(({ path }) => path)];
  for (const { path: folder, at, kind } of wanted) {
    if (kind !== 'served_folder') continue;
    const sent = private_.find((path) => path?.startsWith('/') === true && isServed(relative(folder, path)));
    if (sent == null) continue;
    const where = relative(folder, sent) || '.';
    collector.errorAtValue(
      at,
      `visitors could read ${quoted(where)} of this gateway, which is in the folder`,
      'serve a folder that has nothing else, such as ./public',
    );
  }
}

/** Below the folder, and not hidden. */
const isServed = (path: string): boolean => path.split('/').every((name) => !name.startsWith('.'));
