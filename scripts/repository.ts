import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files that are fetched and can be fetched again; never committed. */
export const cacheFolder: string = join(repositoryRoot, '.cache');

/** The JavaScript file of a command of an installed package, to be run by this Node. */
export function toolPath(packageName: string, command: string): string {
  const folder = join(repositoryRoot, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const file = typeof bin === 'string' ? bin : bin[command];
  if (file === undefined) throw new Error(`${packageName} has no command ${command}`);
  return join(folder, file);
}

/** What a package of `packages/` exports: `./dist/a.js` is made of `src/a.ts`. Paths begin at the root of the repository. */
export function packageSources(name: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(repositoryRoot, 'packages', name, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : entry.default.replace('./dist', `packages/${name}/src`).replace(/js$/, 'ts'),
  );
}
