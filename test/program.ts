import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';

/** Set by `npm test`: the folder with the bundle of the sources as they are, see `scripts/test-bundle.ts`. */
export const testBundleVariable = 'CANDOR_TEST_BUNDLE';

/** Set where the programs of this folder are run to keep what V8 compiles of them, see `scripts/compiled-programs.ts`. */
export const keeperVariable = 'CANDOR_KEEPS_COMPILED';

/** The programs of a bundle with what V8 has compiled of them; where that was not made, the bundle. */
export function compiledFolderOf(bundle: string): string {
  const folder = join(bundle, 'compiled');
  return existsSync(folder) ? folder : bundle;
}

const bundle = process.env[testBundleVariable];
const compiled = bundle === undefined ? undefined : (process.env[keeperVariable] ?? compiledFolderOf(bundle));

/** The command. A bundle starts in a third of the processor time; without one (`node --test`) it runs from the source. */
export const candorProgram: string = join(compiled ?? repositoryRoot, 'bin', 'candor');

/** The same as a package has it, for tests of what it loads and of the memory that it takes. */
export const packedProgram: string = join(bundle ?? repositoryRoot, 'bin', 'candor');

/**
 * A module of the source, by its path below `src/` without an extension: that of the bundle, which loads in a third of the processor time. What else a test
 * imports of the source is another copy, whose classes are not those of this one.
 */
export async function bundled<T>(module: string): Promise<T> {
  if (compiled === undefined) return (await import(join(repositoryRoot, 'src', `${module}.ts`))) as T;
  if (compiled === bundle) return (await import(join(bundle, 'dist', `${module}.js`))) as T;
  const { modules } = (await import(join(compiled, 'dist', 'tests', 'modules.js'))) as BundledModules;
  return modules[`${module}.ts`] as T;
}

interface BundledModules {
  readonly modules: Readonly<Record<string, unknown>>;
}

/** The module that `candorProgram` runs, for tests that start it by Node without `bin/candor`. */
export const candorMain: string =
  compiled === undefined ? join(repositoryRoot, 'src', 'cli', 'main.ts') : join(compiled, 'dist', 'cli', 'main.js');
