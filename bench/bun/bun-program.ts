import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/repository.ts';

export const bunVersion = '1.4.4';

/** Bun for this machine, where it is; or one sentence on why it is not. */
export type BunProgram = { readonly path: string } | { readonly missing: string };

const folder = join(cacheFolder, 'bench', 'bun');

/** Looks in the cache and fetches nothing. */
export function findBun(): BunProgram {
  const name = packageName();
  if (name === null) return { missing: `this experiment has Bun for Linux on x64 alone, not for ${machine()}` };
  const path = join(folder, 'node_modules', name, 'bin', 'bun');
  if (existsSync(path)) return { path };
  return { missing: `Bun ${bunVersion} is not here; \`npm run bench:bun\` fetches it` };
}

/** Fetches Bun into a folder of its own where it is missing: a rival, and no dependency. */
export function prepareBun(): BunProgram {
  const found = findBun();
  const name = packageName();
  if ('path' in found || name === null) return found;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const wanted = `${name}@${bunVersion}`;
  // The package of the platform is the program itself; the one called `bun` would fetch it by a script.
  const ran = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', wanted], {
    cwd: folder,
    encoding: 'utf8',
  });
  const now = findBun();
  return ran.status === 0 || 'path' in now
    ? now
    : { missing: `npm could not install ${wanted}: ${ran.stderr.slice(-300)}` };
}

/** Null where there is none that we tried. */
function packageName(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  return hasAvx2() ? '@oven/bun-linux-x64' : '@oven/bun-linux-x64-baseline';
}

/** What it is built for; processors without have a package of their own. */
function hasAvx2(): boolean {
  return /^flags\s*:.*\bavx2\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

function machine(): string {
  return `${process.platform} on ${process.arch}`;
}
