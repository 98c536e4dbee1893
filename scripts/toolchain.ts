import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withoutNpm } from './pack.ts';
import { cacheFolder } from './repository.ts';

/** A Node and an npm such as other machines have, in a folder that can be the whole PATH. */
export interface Toolchain {
  readonly node: string;
  readonly npm: string;
  readonly folder: string;
}

/** One sentence. */
interface NoToolchain {
  readonly missing: string;
}

const fetchMsMax = 120_000;

/**
 * Fetches a major version of npm, and of Node unless it is null (then the machine's own is used), as npm packages into
 * `.cache/toolchains/`. Links both, and the shell that npm runs scripts with, into one folder.
 */
export function prepareToolchain(npmMajor: string, nodeMajor: string | null): Toolchain | NoToolchain {
  const npmFolder = fetchPackage('npm', npmMajor);
  const node = nodeMajor === null ? findOnPath('node') : nodeOf(nodeMajor);
  const shell = findOnPath('sh');
  if (npmFolder === null) return { missing: `npm ${npmMajor} could not be fetched` };
  if (node === null) return { missing: `Node ${nodeMajor ?? ''} could not be fetched` };
  if (shell === null) return { missing: 'there is no sh here' };
  const npmFile = join(npmFolder, 'bin', 'npm-cli.js');
  const versions = { node: printed(node, ['--version']), npm: printed(node, [npmFile, '--version']) };
  if (versions.node === null) return { missing: `Node ${nodeMajor ?? ''} does not run on this machine` };
  if (versions.npm === null) return { missing: `npm ${npmMajor} does not run on Node ${versions.node}` };
  const folder = join(cacheFolder, 'toolchains', `npm-${npmMajor}-node-${nodeMajor ?? 'own'}`, 'bin');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(node, join(folder, 'node'));
  symlinkSync(npmFile, join(folder, 'npm'));
  symlinkSync(shell, join(folder, 'sh'));
  // bin/candor follows links by it, as every POSIX system does.
  const readlink = findOnPath('readlink');
  if (readlink !== null) symlinkSync(readlink, join(folder, 'readlink'));
  return { node: versions.node.replace(/^v/, ''), npm: versions.npm, folder };
}

function nodeOf(major: string): string | null {
  const folder = fetchPackage('node', major);
  if (folder === null) return null;
  const file = join(folder, 'bin', 'node');
  return existsSync(file) ? file : null;
}

/** The folder of the package; null if it is not available. An existing one is not fetched again. */
function fetchPackage(name: string, major: string): string | null {
  const prefix = join(cacheFolder, 'toolchains', `${name}-${major}`);
  const folder = join(prefix, 'node_modules', name);
  if (existsSync(folder)) return folder;
  mkdirSync(prefix, { recursive: true });
  // The npm package `node` gets its program by an install script, which npm 12 must be told to allow.
  writeFileSync(join(prefix, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n');
  const args = ['install', '--prefix', prefix, '--no-audit', '--no-fund', `${name}@${major}`];
  const ran = spawnSync('npm', args, { encoding: 'utf8', env: withoutNpm(process.env), timeout: fetchMsMax });
  if (ran.status === 0 && existsSync(folder)) return folder;
  rmSync(prefix, { recursive: true, force: true });
  return null;
}

/** The first line that a program prints; null if it fails. */
function printed(file: string, args: readonly string[]): string | null {
  const ran = spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 });
  return ran.status === 0 ? (ran.stdout.trim().split('\n')[0] ?? '') : null;
}

/** Outside of `node_modules`, because an npm script has this Node first on its path. */
function findOnPath(program: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? null;
}
