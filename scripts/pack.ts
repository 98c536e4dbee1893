import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './repository.ts';

type Installed =
  /** The folder of the installed package. */
  | { readonly folder: string }
  /** One sentence. */
  | { readonly failure: string };

/** npm itself waits ten minutes for an unreachable registry, which is too long to notice that the machine is offline. */
const impatiently = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=30000'];
const npmMsMax = 120_000;

/** Packs the repository and installs the tarball, without development dependencies, into `folder`, which is emptied first. */
export function packAndInstall(folder: string): Installed {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const packed = npm(['pack', '--pack-destination', folder], repositoryRoot);
  if (!packed.ok) return { failure: `npm pack failed: ${packed.output}` };
  const tarball = readdirSync(folder).find((entry) => entry.endsWith('.tgz')) as string;
  const installed = npm(
    ['install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', ...impatiently, `./${tarball}`],
    folder,
  );
  if (!installed.ok) return { failure: `npm install of the tarball failed (offline?): ${installed.output}` };
  return { folder: join(folder, 'node_modules', 'candor') };
}

/** Packs packages of `packages/`, builds included, and installs the tarballs into `folder`, without asking a registry. */
export function installPackages(names: readonly string[], folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const packed = npm(
    ['pack', '--pack-destination', folder, ...names.flatMap((name) => ['--workspace', `packages/${name}`])],
    repositoryRoot,
  );
  if (!packed.ok) throw new Error(`npm pack failed: ${packed.output}`);
  const tarballs = readdirSync(folder).filter((entry) => entry.endsWith('.tgz'));
  const installed = npm(
    ['install', '--offline', '--no-audit', '--no-fund', ...tarballs.map((file) => `./${file}`)],
    folder,
  );
  if (!installed.ok) throw new Error(`npm install of the tarballs failed: ${installed.output}`);
}

/** Paths of the files that the tarball has, but for what is built. Throws with what npm printed. */
export function packedFiles(): readonly string[] {
  // npm reads a copy: it fails on files of `dist/` that somebody builds anew meanwhile.
  const copy = mkdtempSync(join(tmpdir(), 'candor-packed-'));
  const { files } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    files: readonly string[];
  };
  for (const name of [
    'package.json',
    'README.md',
    'LICENSE',
    ...new Set(files.map((path) => path.replace(/\/.*/, ''))),
  ]) {
    const source = join(repositoryRoot, name);
    if (name !== 'dist' && existsSync(source)) cpSync(source, join(copy, name), { recursive: true });
  }
  const packed = npm(['pack', '--dry-run', '--json', '--ignore-scripts'], copy);
  rmSync(copy, { recursive: true });
  if (!packed.ok) throw new Error(`npm pack failed: ${packed.output}`);
  // A list, or since npm 12 an object with the names of packages.
  const content = JSON.parse(packed.stdout) as Readonly<Record<string, { files: readonly { path: string }[] }>>;
  return Object.values(content).flatMap(({ files }) => files.map(({ path }) => path));
}

/**
 * The npm that runs this script, or the one on the path, on its own Node: that Node may trust certificates that ours does
 * not (Debian's uses the system's).
 */
function npm(args: readonly string[], cwd: string): { ok: boolean; output: string; stdout: string } {
  const file = process.env['npm_execpath'] ?? findNpm();
  if (file === null) return { ok: false, output: 'npm is not here', stdout: '' };
  const ran = spawnSync(process.env['npm_node_execpath'] ?? process.execPath, [file, ...args], {
    cwd,
    encoding: 'utf8',
    env: withoutNpm(process.env),
    timeout: npmMsMax,
  });
  return { ok: ran.status === 0, output: (ran.stderr + ran.stdout).trim(), stdout: ran.stdout };
}

/**
 * Removes the variables that an outer `npm test` sets for this repository, which an inner npm would take for its own
 * settings.
 */
export function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_local_prefix|config_prefix)/.test(name),
  );
  return Object.fromEntries(kept);
}

function findNpm(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const file of [join(folder, 'npm'), join(folder, '../lib/node_modules/npm/bin/npm-cli.js')]) {
      if (file.endsWith('.js') && existsSync(file)) return file;
    }
  }
  return null;
}
