import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagePrograms, writeBundles } from './bundle.ts';
import { bundledLicenses } from './bundled-licenses.ts';
import { buildDashboard } from './dashboard.ts';
import { keepExportedDeclarations } from './exported-declarations.ts';
import { buildPastePage } from './paste-page.ts';
import { repositoryRoot, toolPath } from './repository.ts';

/** Their content is written into the sources (`scripts/write-media-types.ts`). */
const copiedPackages = ['mime-db'];

/** Bundles `src/` into an empty `dist/`, with the declarations of what is exported, the dashboard, and the page that explains logs. */
const dist = join(repositoryRoot, 'dist');
rmSync(dist, { recursive: true, force: true });
const declared = spawnSync(
  process.execPath,
  [toolPath('typescript', 'tsc'), '-p', 'tsconfig.build.json', '--checkers', '1'],
  {
    cwd: repositoryRoot,
    stdio: 'inherit',
  },
);
if (declared.status === 0) {
  keepExportedDeclarations(join(dist, 'types'), exportedDeclarations());
  const packages = await writeBundles(packagePrograms, dist);
  const pagePackages = await buildDashboard(join(dist, 'dashboard'));
  writeFileSync(
    join(dist, 'LICENSES.txt'),
    bundledLicenses(new Set([...packages, ...pagePackages, ...copiedPackages])),
  );
  writeFileSync(join(dist, 'explain.html'), buildPastePage());
}
process.exitCode = declared.status ?? 1;

function exportedDeclarations(): string[] {
  const { exports } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.values(exports).flatMap((one) => (typeof one === 'string' ? [] : [join(repositoryRoot, one.types)]));
}
