import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type BuildOptions, type BuildResult, type Plugin, stop } from 'esbuild';
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
export const withinTests: BundledProgram = {
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

/** The result names what was read. */
type Listed = BuildOptions & { readonly metafile: true };

async function writeBundle(
  program: BundledProgram,
  folder: string,
  root: string,
  plugins: Plugin[],
): Promise<string[]> {
  const options: Listed = {
    ...common,
    absWorkingDir: root,
    entryPoints: program.entries.map((entry) => join('src', entry)),
    outbase: 'src',
    outdir: folder,
    splitting: program.splitting,
    metafile: true,
    plugins,
  };
  return Object.keys((await writeWith(options)).metafile.inputs);
}

async function writeWith(options: Listed): Promise<BuildResult<Listed>> {
  try {
    return await build(options);
  } catch (error) {
    throw new BundleFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Bundles modules into one script: a function, for V8 to compile as a whole. It exports the modules by their entries, and `ended`, a promise, where one
 * awaits something.
 */
export async function writeScript(entries: readonly string[], file: string, root: string): Promise<void> {
  const exports = entries.map((entry) => `export * as ${JSON.stringify(entry)} from './src/${entry}';`);
  await writeWith({
    ...common,
    absWorkingDir: root,
    stdin: { contents: exports.join('\n'), resolveDir: root },
    outfile: file,
    format: 'cjs',
    metafile: true,
    define: { 'import.meta.url': 'moduleUrl', 'import.meta.dirname': 'moduleFolder' },
    banner: { js: '(function (exports, require, module, moduleUrl, moduleFolder) {' },
    footer: { js: '})' },
    plugins: [withinScript],
  });
  // Regular expressions are written as they are. A script that is ASCII takes half of the memory, and is read without being decoded.
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** Modules that start a thread from their own file, which a script has not: the thread starts from the source. */
export const ownThreads: RegExp = /\/(?:worker-password-thread|unreachable-address)\.ts$/;

/** A script cannot await: what an entry does from its first `await` on becomes a function. */
const withinScript: Plugin = {
  name: 'within a script',
  setup(script) {
    script.onLoad({ filter: /\/src\/cli\/(?:main|configuration-thread)\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const at = text.search(/^(?:const [^=\n]+ = )?await /m);
      if (at === -1) return { contents: text, loader: 'ts' };
      const rest = `export const ended = (async () => {\n${text.slice(at)}})();\n`;
      return { contents: text.slice(0, at) + rest, loader: 'ts' };
    });
    script.onLoad({ filter: ownThreads }, ({ path }) => {
      const own = `new URL(${JSON.stringify(pathToFileURL(path).href)})`;
      return { contents: readFileSync(path, 'utf8').replaceAll('new URL(import.meta.url)', own), loader: 'ts' };
    });
  },
};

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
