import { join } from 'node:path';
import { build, type BuildOptions, type Plugin, stop } from 'esbuild';
import { threadEntries, workerEntry } from './bundle-entries.ts';
import { repositoryRoot } from './repository.ts';

/** A bundle cannot be made: the source has errors, which `message` names. */
export class BundleFailure extends Error {
  override readonly name = 'BundleFailure';
}

/** What one process or one thread loads. Modules are shared within a program, so that each exists once in a process. */
interface BundledProgram {
  readonly entries: readonly string[];
  /** Whether modules that only some entries or commands need are files of their own. Most threads need all of their modules, and a worker what its configuration asks for. */
  readonly splitting: boolean;
}

const command: BundledProgram = { entries: ['cli/main.ts'], splitting: true };
const threads: readonly BundledProgram[] = threadEntries.map((entry) => ({
  ...{ entries: [entry], splitting: entry === workerEntry },
}));
const library: BundledProgram = {
  entries: ['gateway/gateway.ts', 'testing/testing.ts', 'testing/fault-origin-main.ts', 'diagnose/diagnose.ts'],
  splitting: true,
};

/** What a test starts a gateway by, and runs a command by, in its own process. */
const withinTests: BundledProgram = {
  entries: [
    'gateway/gateway.ts',
    'config/load.ts',
    'config/host.ts',
    'cli/read-configuration.ts',
    'cli/command-line.ts',
  ],
  splitting: true,
};

/** The modules that the command `candor` and its threads run. */
export const commandPrograms: readonly BundledProgram[] = [command, ...threads];
/** The same, and what tests load of it. */
export const testedPrograms: readonly BundledProgram[] = [...commandPrograms, withinTests];
/** The same, and what programs import from the package, which shares the command's modules. */
export const packagePrograms: readonly BundledProgram[] = [
  { entries: [...command.entries, ...library.entries], splitting: true },
  ...threads,
];

/**
 * Bundles the programs into `folder`, each file with a source map beside it. Every file lies exactly one folder below it, as
 * the modules do that name others by `import.meta.url`: `../worker/worker-main` is the same file from `src/gateway/`,
 * from `dist/gateway/` and from `dist/chunks/`. Returns the names of the npm packages that the bundles contain.
 */
export async function writeBundles(
  programs: readonly BundledProgram[],
  folder: string,
  root: string = repositoryRoot,
  plugins: Plugin[] = [],
): Promise<ReadonlySet<string>> {
  const results = await Promise.allSettled(programs.map((program) => writeBundle(program, folder, root, plugins)));
  // Ends the process of esbuild, which otherwise lives as long as this one.
  await stop();
  const inputs = results.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  return new Set(inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
}

async function writeBundle(
  program: BundledProgram,
  folder: string,
  root: string,
  plugins: Plugin[],
): Promise<string[]> {
  const options: BuildOptions & { metafile: true } = {
    ...common,
    absWorkingDir: root,
    entryPoints: program.entries.map((entry) => join('src', entry)),
    outbase: 'src',
    outdir: folder,
    splitting: program.splitting,
    metafile: true,
    plugins,
  };
  try {
    return Object.keys((await build(options)).metafile.inputs);
  } catch (error) {
    throw new BundleFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const common: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  chunkNames: 'chunks/[name]-[hash]',
  // The names of the source, not its text.
  sourcemap: 'linked',
  sourcesContent: false,
  // The licences of what is bundled are in a file of their own.
  legalComments: 'none',
  // The package `yaml` is CommonJS and requires `process` and `buffer`.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
  },
  // Half of the size. Names stay as they are, and no line is so long that an error which Node prints with its line fills the screen.
  ...{ minifyWhitespace: true, minifySyntax: true, lineLimit: 160 },
  logLevel: 'silent',
};
