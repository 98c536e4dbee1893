import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { keepExportedDeclarations } from './exported-declarations.ts';
import { repositoryRoot, toolPath } from './repository.ts';

/**
 * Bundles a package of `packages/` into its empty `dist/`: a module for each of its exports, which share what they have in common and
 * need no other package than its peers, and the declarations of what they export.
 */
const [name = ''] = process.argv.slice(2);
const folder = join(repositoryRoot, 'packages', name);
const dist = join(folder, 'dist');
const { exports: exported, peerDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};
const modules = Object.values(exported).filter((one) => typeof one !== 'string');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
copyFileSync(join(repositoryRoot, 'LICENSE'), join(dist, 'LICENSE'));
await build({
  entryPoints: modules.map((one) => join(folder, 'src', basename(one.default).replace(/js$/, 'ts'))),
  outdir: dist,
  bundle: true,
  // State that several entries use must exist once.
  splitting: modules.length > 1,
  format: 'esm',
  platform: 'neutral',
  external: ['node:*', ...Object.keys(peerDependencies)],
  target: 'es2023',
  legalComments: 'none',
});
const declared = spawnSync(process.execPath, [toolPath('typescript', 'tsc'), '-p', folder, '--checkers', '1'], {
  stdio: 'inherit',
});
keepExportedDeclarations(
  dist,
  modules.map((one) => join(folder, one.types)),
);
process.exitCode = declared.status ?? 1;
