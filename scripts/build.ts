import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dropPrivateDeclarations } from './drop-private-declarations.ts';
import { buildPastePage } from './paste-page.ts';
import { repositoryRoot, toolPath } from './repository.ts';

/** Compiles `src/` to an empty `dist/`, copies the files that are not TypeScript, and bundles the page that explains logs. */
rmSync(join(repositoryRoot, 'dist'), { recursive: true, force: true });
const compiled = spawnSync(
  process.execPath,
  [toolPath('typescript', 'tsc'), '-p', 'tsconfig.build.json', '--checkers', '1'],
  {
    cwd: repositoryRoot,
    stdio: 'inherit',
  },
);
if (compiled.status === 0) {
  dropPrivateDeclarations(join(repositoryRoot, 'dist'), exportedDeclarations());
  copyAssets();
  writeFileSync(join(repositoryRoot, 'dist', 'explain.html'), buildPastePage());
}
process.exitCode = compiled.status ?? 1;

function exportedDeclarations(): string[] {
  const { exports } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.values(exports).flatMap((one) => (typeof one === 'string' ? [] : [join(repositoryRoot, one.types)]));
}

function copyAssets(): void {
  const source = join(repositoryRoot, 'src');
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(ts|md)$/.test(entry.name)) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(repositoryRoot, 'dist', from.slice(source.length + 1));
    if (!existsSync(dirname(to))) mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
  }
}
