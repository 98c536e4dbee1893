import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { commandPrograms, writeBundles } from '../../scripts/bundle.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { removeUnused, TestBundle } from '../../scripts/test-bundle.ts';

/** A line of a registry: the word by which its list has the feature, and the folder of its file. */
interface Registration {
  readonly name: string;
  readonly folder: string;
}

/** By the registry: `keys`, `worker`, `main`, `words`. */
type Registrations = Readonly<Record<string, readonly Registration[]>>;

const unneeded = ['store/store-main.ts', 'otlp/otlp-main.ts'];

/** What was bundled before: making it takes three seconds of processor time. */
const made = join(repositoryRoot, 'node_modules', '.cache', 'features-for-tests');

/**
 * Bundles the command and the threads that serve, as a package has them, with further features: all that the sources get is a line of
 * registration for each feature in each registry. Returns the module that runs the command. It is made once for the same sources.
 */
export async function bundleWithFeatures(registrations: Registrations): Promise<string> {
  const folder = join(made, await hashWith(registrations));
  if (!existsSync(folder)) {
    mkdirSync(made, { recursive: true });
    removeUnused(made);
    // Another run never sees half of it.
    const unfinished = mkdtempSync(join(made, 'unfinished-'));
    const programs = commandPrograms.filter(({ entries }) => !entries.some((entry) => unneeded.includes(entry)));
    await writeBundles(programs, join(unfinished, 'dist'), repositoryRoot, [registering(registrations)]);
    copyFileSync(join(repositoryRoot, 'package.json'), join(unfinished, 'package.json'));
    symlinkSync(join(repositoryRoot, 'node_modules'), join(unfinished, 'node_modules'));
    if (existsSync(folder)) rmSync(unfinished, { recursive: true });
    else renameSync(unfinished, folder);
  }
  utimesSync(folder, new Date(), new Date());
  return join(folder, 'dist', 'cli', 'main.js');
}

/** Of all that the bundle is made of: the sources, by the name of their own bundle, and what stands in this folder. */
async function hashWith(registrations: Registrations): Promise<string> {
  const hash = createHash('sha256').update(basename(await new TestBundle().current()));
  hash.update(JSON.stringify(registrations));
  const entries = readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function registering(registrations: Registrations): Plugin {
  return {
    name: 'registrations',
    setup(build) {
      build.onLoad({ filter: /src\/features\/(?:keys|worker|main|words)\.ts$/ }, ({ path }) => {
        const registry = basename(path, '.ts');
        const added = registrations[registry] ?? [];
        const list = /(readonly \w+\[\] = \[)/;
        const text = readFileSync(path, 'utf8');
        if (!list.test(text)) throw new Error(`${path} has no list of features`);
        const imports = added.map(
          ({ name, folder }) =>
            `import { ${name} } from ${JSON.stringify(join(import.meta.dirname, folder, `${registry}.ts`))};\n`,
        );
        const names = added.map(({ name }) => `${name}, `).join('');
        const contents = imports.join('') + text.replace(list, `$1${names}`);
        return { contents, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}
