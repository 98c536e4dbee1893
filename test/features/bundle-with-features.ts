import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { commandPrograms, writeBundles } from '../../scripts/bundle.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

/** A line of a registry: the word by which its list has the feature, and the folder of its file. */
interface Registration {
  readonly name: string;
  readonly folder: string;
}

/** By the registry: `keys`, `worker`, `main`, `words`. */
type Registrations = Readonly<Record<string, readonly Registration[]>>;

const unneeded = ['store/store-main.ts', 'otlp/otlp-main.ts'];

/**
 * Bundles the command and the threads that serve, as a package has them, with further features: all that the sources get is a line of
 * registration for each feature in each registry. Returns the module that runs the command.
 */
export async function bundleWithFeatures(folder: string, registrations: Registrations): Promise<string> {
  const programs = commandPrograms.filter(({ entries }) => !entries.some((entry) => unneeded.includes(entry)));
  mkdirSync(folder, { recursive: true });
  await writeBundles(programs, join(folder, 'dist'), repositoryRoot, [registering(registrations)]);
  copyFileSync(join(repositoryRoot, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'dist', 'cli', 'main.js');
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
