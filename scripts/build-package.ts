import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { keepExportedDeclarations } from './exported-declarations.ts';
import { repositoryRoot, toolPath } from './repository.ts';

/** Bundles a package of `packages/` into its empty `dist/`: one module that needs no other package, and the declarations of what it exports. */
const [name = ''] = process.argv.slice(2);
const folder = join(repositoryRoot, 'packages', name);
const dist = join(folder, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
copyFileSync(join(repositoryRoot, 'LICENSE'), join(dist, 'LICENSE'));
await build({
  entryPoints: [join(folder, 'src', 'main.ts')],
  outfile: join(dist, 'main.js'),
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  legalComments: 'none',
});
const declared = spawnSync(process.execPath, [toolPath('typescript', 'tsc'), '-p', folder, '--checkers', '1'], {
  stdio: 'inherit',
});
keepExportedDeclarations(dist, [join(dist, name, 'src', 'main.d.ts')]);
process.exitCode = declared.status ?? 1;
