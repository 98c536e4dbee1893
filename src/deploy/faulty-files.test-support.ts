import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleaseFiles } from './release-files.ts';

/** Calls of the file system, of which one fails. */
interface FaultyFiles {
  readonly files: ReleaseFiles;
  /** What was called, in order. */
  readonly calls: readonly string[];
}

type AnyCall = (...args: unknown[]) => Promise<unknown>;

/**
 * Lets the call number `failAt` fail. `isCrash`: and all after it, as where the process was killed at that moment; a write then
 * writes its beginning, and a removal removes a file.
 */
export function faultyFiles(failAt: number, code: string, isCrash = false): FaultyFiles {
  const calls: string[] = [];
  const through = (name: string, call: AnyCall): AnyCall => {
    return async (...args) => {
      const at = calls.push(name) - 1;
      const fails = isCrash ? at >= failAt : at === failAt;
      if (fails) {
        if (name === 'writeFile' && at === failAt) await call((args[0] as Buffer).subarray(0, 20));
        if (name === 'rm' && at === failAt) await removePart(args[0] as string);
        throw Object.assign(new Error(`${code}: ${name}`), { code, syscall: name, ...pathOf(args[0]) });
      }
      const result = await call(...args);
      return name === 'open' ? wrapHandle(result as promises.FileHandle, through) : result;
    };
  };
  const files = new Proxy(promises, {
    get: (target, name) => through(String(name), Reflect.get(target, name) as AnyCall),
  });
  return { files, calls };
}

async function removePart(path: string): Promise<void> {
  const entries = await promises.readdir(path, { withFileTypes: true });
  const file = entries.find((entry) => entry.isFile());
  if (file !== undefined) await promises.rm(join(path, file.name));
}

/** Errors of a file that is open have no path. */
function pathOf(arg: unknown): { path?: string } {
  return typeof arg === 'string' && arg.startsWith('/') ? { path: arg } : {};
}

function wrapHandle(
  handle: promises.FileHandle,
  through: (name: string, call: AnyCall) => AnyCall,
): promises.FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as AnyCall;
      // A handle that is not closed outlives its test: a close that fails has closed it.
      if (name === 'close')
        return async () => void (await Promise.all([call(), through('close', async () => undefined)()]));
      return through(String(name), call);
    },
  });
}
