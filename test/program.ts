import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';

/** Set by `npm test`: the folder with the bundle of the sources as they are, see `scripts/test-bundle.ts`. */
export const testBundleVariable = 'CANDOR_TEST_BUNDLE';

const bundle = process.env[testBundleVariable];

/** The command. A bundle starts in a third of the processor time; without one (`node --test`) it runs from the source. */
export const candorProgram: string = join(bundle ?? repositoryRoot, 'bin', 'candor');

/**
 * A module of the source, by its path below `src/` without an extension: that of the bundle, which loads in a third of the processor time. What else a test
 * imports of the source is another copy, whose classes are not those of this one.
 */
export async function bundled<T>(module: string): Promise<T> {
  const path =
    bundle === undefined ? join(repositoryRoot, 'src', `${module}.ts`) : join(bundle, 'dist', `${module}.js`);
  return (await import(path)) as T;
}

/** The module that `candorProgram` runs, for tests that start it by Node without `bin/candor`. */
export const candorMain: string =
  bundle === undefined ? join(repositoryRoot, 'src', 'cli', 'main.ts') : join(bundle, 'dist', 'cli', 'main.js');
