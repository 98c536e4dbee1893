import { resolve } from 'node:path';
import * as z from 'zod';
import { restBelow } from '../../core/rest-below.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { quoted } from '../../schema/error-detail.ts';
import { path } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type PhpRead, phpRead } from '../fastcgi/settings.ts';
import { sendFilesName, type SendFilesSpec } from './settings.ts';

const routeKeys = {
  send_files: key(
    z.union([path, z.record(z.string(), path)]),
    'The folder whose files are sent in place of responses that name one in `X-Accel-Redirect` or `X-Sendfile`; or several, each by how the names of its files begin: `{ /protected/: ./protected }` sends ./protected/a.pdf for `X-Accel-Redirect: /protected/a.pdf`. The path of a folder itself is also such a beginning, as X-Sendfile has it. Clients do not get these headers.',
  ),
};

/** What the route says of other files, and of programs. */
interface Beside {
  readonly files?: string | { readonly root?: string | undefined } | undefined;
  readonly php?: PhpRead | undefined;
}

type RouteRead = z.output<z.ZodObject<typeof routeKeys>> & Beside;

const withSlash = (prefix: string): string => (prefix.endsWith('/') ? prefix : `${prefix}/`);

function foldersOf(read: RouteRead['send_files']): readonly (readonly [prefix: string, folder: string])[] {
  return typeof read === 'string' ? [['/', read]] : Object.entries(read ?? {});
}

export const sendFiles: FeatureKeys = featureKeys<RouteRead, object>({
  name: sendFilesName,
  routeKeys,
  forms: { send_files: { example: '{ /protected/: ./protected }', off: 'remove the key' } },
  needsUpstream: true,
  ofRoute({ send_files: read, php }, _, { directory }): SendFilesSpec | null {
    const folders = foldersOf(read).map(([prefix, folder]) => ({
      prefix: withSlash(prefix),
      folder: resolve(directory, folder),
    }));
    if (folders.length === 0) return null;
    return { folders, programs: phpRead(php)?.split ?? null };
  },
  filesOfRoute: ({ send_files: read }) =>
    foldersOf(read).map(([prefix, folder]) => ({
      ...{ kind: 'served_folder', path: folder },
      at: typeof read === 'string' ? ['send_files'] : ['send_files', prefix],
    })),
  review({ routes }, findings) {
    const served = routes.flatMap(({ read }) => servedBy(read));
    for (const { path: at, read } of routes) reviewOne(read, served, [...at, 'send_files'], findings);
  },
});

/** Folders whose files any client may ask for. */
function servedBy({ files, php }: Beside): readonly string[] {
  const ofPhp = files === undefined ? phpRead(php)?.sends : undefined;
  return [typeof files === 'string' ? files : files?.root, ofPhp].filter((root) => root !== undefined);
}

function reviewOne({ send_files: read }: RouteRead, served: readonly string[], at: Path, findings: Findings): void {
  const seen = new Set<string>();
  if (read !== undefined && foldersOf(read).length === 0)
    findings.warnAtKey(at, '"send_files" names no folder', 'write one, such as ./protected, or remove the key');
  for (const [prefix, folder] of foldersOf(read)) {
    const position = typeof read === 'string' ? at : [...at, prefix];
    if (!prefix.startsWith('/'))
      findings.errorAtKey(
        position,
        `${quoted(prefix)} is not how a path begins`,
        'write what the application names before the path of the file, such as send_files: { /protected/: ./protected }',
      );
    else if (seen.has(withSlash(prefix)))
      findings.errorAtKey(position, `${quoted(prefix)} is written twice`, 'remove one of them');
    seen.add(withSlash(prefix));
    const root = served.find((one) => restBelow(resolve('/', one), resolve('/', folder)) !== null);
    if (root !== undefined)
      findings.warnAtKey(
        position,
        `any client gets the files of ${quoted(folder)}, since a route serves ${quoted(root)}`,
        'name a folder that lies outside of it',
      );
  }
}
