import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { build as bundled } from 'esbuild';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { refusingAddress } from '../../src/testing/testing.ts';
import { Browser } from '../browser.ts';
import type { Outcome } from './promises.ts';
import { RuntimeOrigin } from './runtime-origin.ts';

/** The runtimes are packages of npm. They are fetched into a folder of their own, since nothing else needs them. */
const fetched = join(cacheFolder, 'runtimes');
const platform = `${process.platform}-${process.arch}`;
const denoPlatform = platform === 'linux-x64' || platform === 'linux-arm64' ? `${platform}-glibc` : platform;
const packages: Readonly<Record<string, string>> = {
  node22: `npm:node-${platform}@22.23.3`,
  node24: `npm:node-${platform}@24.9.0`,
  [`@oven/bun-${platform}`]: '1.4.5',
  [`@deno/${denoPlatform}`]: '2.9.6',
  miniflare: '4.20260730.0',
};

export const runtimeNames = ['node', 'node22', 'node24', 'bun', 'deno', 'workerd', 'chromium'] as const;
type RuntimeName = (typeof runtimeNames)[number];

/** Null: they are there. Otherwise why they are not, as the end of a sentence. */
export function fetchRuntimes(say: (line: string) => void): string | null {
  const manifest = join(fetched, 'package.json');
  const wanted = JSON.stringify({ private: true, dependencies: packages });
  const marker = join(fetched, 'installed.json');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return null;
  say('fetching Node 22, Node 24, Bun, Deno and workerd from npm into .cache/runtimes/ (600 MB)');
  mkdirSync(fetched, { recursive: true });
  writeFileSync(manifest, wanted);
  // Scripts of packages have nothing to do here: the programs lie in the packages.
  const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  const { status, stderr } = spawnSync('npm', words, { cwd: fetched, encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) return `could not be fetched from npm: ${stderr?.split('\n')[0] ?? 'npm is not there'}`;
  writeFileSync(marker, wanted);
  return null;
}

/** A module with the client and its promises. `client`: the file of the package, for browsers or not. */
async function bundle(client: string, entry: string): Promise<string> {
  const { outputFiles } = await bundled({
    stdin: { contents: entry, resolveDir: import.meta.dirname, loader: 'ts' },
    plugins: [
      {
        name: 'client',
        setup: (build) => build.onResolve({ filter: /client\/src\/main\.ts$/ }, () => ({ path: client })),
      },
    ],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    conditions: /browser/.test(client) ? ['browser'] : [],
    target: 'es2023',
    write: false,
  });
  return outputFiles[0]!.text;
}

interface ClientFiles {
  readonly main: string;
  readonly browser: string;
}

/** What `npm publish` would ship. */
export function buildClient(): ClientFiles {
  const words = [join(repositoryRoot, 'scripts', 'build-package.ts'), 'client'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the package could not be built: ${stdout}${stderr}`);
  const dist = join(repositoryRoot, 'packages', 'client', 'dist');
  return { main: join(dist, 'main.js'), browser: join(dist, 'browser', 'main.js') };
}

/** The same modules without building declarations: for tests that must be cheap. */
export function sourceOfClient(): ClientFiles {
  const main = join(repositoryRoot, 'packages', 'client', 'src', 'main.ts');
  return { main, browser: main };
}

const command = `import { tryPromises } from './promises.ts';
const [origin, refused] = (globalThis.process?.argv ?? []).slice(2);
console.log(JSON.stringify(await tryPromises({ origin, refused })));`;
const worker = `import { tryPromises } from './promises.ts';
export default { fetch: async (request) => Response.json(await tryPromises(await request.json())) };`;
const page = `import { tryPromises } from './promises.ts'; globalThis.tryPromises = tryPromises;`;

/** Starts the runtime, and an origin for it, and returns which promises hold there. */
export async function tryRuntime(name: RuntimeName, client: ClientFiles): Promise<readonly Outcome[]> {
  const api = new RuntimeOrigin();
  const folder = mkdtempSync(join(tmpdir(), 'candor-runtime-'));
  const refusing = await refusingAddress();
  try {
    const world = { origin: await api.start(), refused: `http://${refusing.host}:${refusing.port}/` };
    if (name === 'chromium') return await inChromium(await bundle(client.browser, page), world, folder);
    if (name === 'workerd') return await inWorkerd(await bundle(client.main, worker), world);
    const file = join(folder, 'promises.mjs');
    writeFileSync(file, await bundle(client.main, command));
    return await inProgram(programs()[name], file, world);
  } finally {
    api.close();
    await refusing.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface World {
  readonly origin: string;
  readonly refused: string;
}

function programs(): Readonly<Record<'node' | 'node22' | 'node24' | 'bun' | 'deno', readonly string[]>> {
  const at = (...parts: string[]): string => join(fetched, 'node_modules', ...parts);
  return {
    node: [process.execPath],
    node22: [at('node22', 'bin', 'node')],
    node24: [at('node24', 'bin', 'node')],
    bun: [at('@oven', `bun-${platform}`, 'bin', 'bun'), 'run'],
    deno: [at('@deno', denoPlatform, 'deno'), 'run', '--no-config', '--no-lock', '--allow-net=127.0.0.1'],
  };
}

async function inProgram(
  [path = '', ...words]: readonly string[],
  file: string,
  world: World,
): Promise<readonly Outcome[]> {
  const env = { PATH: process.env['PATH'], HOME: join(file, '..'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' };
  const child = spawn(path, [...words, file, world.origin, world.refused], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let [said, complained] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (said += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (complained += part));
  await new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject));
  clearTimeout(limit);
  if (!said.startsWith('[')) throw new Error(`no result: ${complained.slice(0, 500)}`);
  return JSON.parse(said) as Outcome[];
}

interface Miniflare {
  dispatchFetch(url: string, init: object): Promise<{ text(): Promise<string> }>;
  dispose(): Promise<void>;
}

async function inWorkerd(script: string, world: World): Promise<readonly Outcome[]> {
  const resolve = createRequire(join(fetched, 'package.json')).resolve;
  const module = (await import(pathToFileURL(resolve('miniflare')).href)) as {
    Miniflare: new (options: object) => Miniflare;
  };
  let complained = '';
  const flare = new module.Miniflare({
    handleRuntimeStdio: (_out: Readable, errors: Readable) =>
      errors.setEncoding('utf8').on('data', (part: string) => (complained += part)),
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    modulesRoot: '/',
    compatibilityDate: '2026-06-01',
  });
  try {
    const answer = await flare.dispatchFetch('http://worker.test/', { method: 'POST', body: JSON.stringify(world) });
    const said = await answer.text();
    if (!said.startsWith('[')) throw new Error(`no result: ${said.slice(0, 500)}`);
    // What the client does after the answer of a request, workerd only writes to its log.
    const uncaught = /Uncaught[^;]*/.exec(complained)?.[0] ?? null;
    return [...(JSON.parse(said) as Outcome[]), { promise: 'workerd has nothing to complain about', broken: uncaught }];
  } finally {
    await flare.dispose();
  }
}

/** The page has another origin than the API: its calls are subject to CORS. */
async function inChromium(script: string, world: World, folder: string): Promise<readonly Outcome[]> {
  const pages = new RuntimeOrigin();
  pages.script = script;
  pages.page = '<!doctype html><html lang="en"><title>promises</title><script type="module" src="/script.js"></script>';
  const browser = await Browser.open(await pages.start(), folder);
  try {
    return await browser.run(`tryPromises(${JSON.stringify(world)})`);
  } finally {
    await browser.close();
    pages.close();
  }
}
