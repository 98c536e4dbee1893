import { readdirSync, rmSync } from 'node:fs';
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { after, type Clock, type Timer } from '../core/time.ts';

/** By this time, work that a start began has ended. */
const restMs = 1500;

/** Of all versions of Node and Candor; one version has some hundred, the unbuilt source three thousand. */
const filesMax = 8000;

/** For `Worker`: the thread uses the compile cache of this process, which Node does not pass on. Its environment is its own. */
export function withCompileCache(): { readonly env?: NodeJS.ProcessEnv } {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { env: { ...process.env, NODE_COMPILE_CACHE: dirname(folder) } };
}

/** Once its work has begun, writes what was compiled in this thread: Node does it only at the end, which a program that is killed never has. */
export function flushCompiledLater(clock: Clock): Timer {
  return clock.schedule(after(clock.now(), restMs), flushCompileCache, undefined);
}

/** The same of the main thread, which also removes the cache where it has become too large. */
export function flushCompiled(): void {
  flushCompileCache();
  const folder = getCompileCacheDir();
  if (folder !== undefined) limitCompiled(dirname(folder));
}

/** Removes everything in the folder of a compile cache if it has more than `max` files: Node removes none of earlier versions. */
export function limitCompiled(folder: string, max: number = filesMax): void {
  try {
    const versions = readdirSync(folder);
    const files = versions.reduce((sum, version) => sum + readdirSync(join(folder, version)).length, 0);
    if (files > max) for (const version of versions) rmSync(join(folder, version), { recursive: true });
  } catch {
    // Another process has removed it, or it cannot be read.
  }
}
