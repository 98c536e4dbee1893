import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { keepExportedDeclarations } from './exported-declarations.ts';
import { packageSources, repositoryRoot, toolPath } from './repository.ts';

/**
 * Bundles a package of `packages/` into its empty `dist/`: one module for each of its `exports`, which share what they have in common and need no
 * other package, and the declarations of what they export. `./dist/browser/` has the same with what the package's `imports` have for browsers.
 */
const [name = ''] = process.argv.slice(2);
const folder = join(repositoryRoot, 'packages', name);
const dist = join(folder, 'dist');
const { exports, peerDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; browser?: string; default: string }>;
  peerDependencies?: Record<string, string>;
};
const entries = Object.values(exports).filter((entry) => typeof entry === 'object');
const sources = packageSources(name).map((path) => join(repositoryRoot, path));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
copyFileSync(join(repositoryRoot, 'LICENSE'), join(dist, 'LICENSE'));
await bundle(dist, []);
if (entries.some(({ browser }) => browser !== undefined)) await bundle(join(dist, 'browser'), ['browser']);
const declared = spawnSync(process.execPath, [toolPath('typescript', 'tsc'), '-p', folder, '--checkers', '1'], {
  stdio: 'inherit',
});
keepExportedDeclarations(
  dist,
  entries.map(({ types }) => join(folder, types)),
);
process.exitCode = declared.status ?? 1;

async function bundle(outdir: string, conditions: string[]): Promise<void> {
  await build({
    entryPoints: sources,
    outbase: join(folder, 'src'),
    outdir,
    conditions,
    bundle: true,
    splitting: true,
    external: ['node:*', ...Object.keys(peerDependencies)],
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    legalComments: 'none',
  });
}
