import { join } from 'node:path';
import type { Source } from './source.ts';

/** A module that starts a thread from itself finds it wherever a bundle has put it. */
const ofItself = /\bnew URL\(import\.meta\.url\)/g;

/**
 * What would not be found in a bundle, whose files lie one folder below `dist/`, in `chunks/` or in the folder of their entry: files named by
 * `import.meta` from deeper in `src/` or without leaving the room, and threads that are no entry of a bundle. And the object `z` of zod, from which
 * nothing is left out: 550 kB, for the texts of 50 languages.
 */
export function findUnbundled(sources: readonly Source[], entries: readonly string[]): string[] {
  const whole = sources.filter(({ code }) => /\bimport \{[^}]*\bz\b[^}]*\} from 'zod'/.test(code));
  const wrong = sources
    .filter(
      ({ path, bare }) =>
        !/\.(?:test|test-support)\.ts$|\/fixtures\//.test(path) &&
        /\bimport\.meta\b/.test(bare.replaceAll(ofItself, '')),
    )
    .flatMap(({ path, code }) => {
      const deep = path.split('/').length === 3 ? [] : [`${path} names files by import.meta, and lies too deep`];
      const named = [...code.matchAll(/\bsiblingModule\(import\.meta\.url, '([^']+)'/g)].map(([, name = '']) => name);
      return [...deep, ...named.flatMap((name) => wrongThread(path, name, entries))];
    });
  return [...wrong, ...whole.map(({ path }) => `${path} imports all of zod: write import * as z from 'zod'`)];
}

function wrongThread(path: string, name: string, entries: readonly string[]): string[] {
  if (!name.startsWith('../')) return [`${path} names ${name}, which is elsewhere in a bundle: begin with its room`];
  const entry = `${join(path, '..', name)}.ts`.replace('src/', '');
  return entries.includes(entry) ? [] : [`${path} starts ${entry}, which scripts/bundle.ts does not bundle`];
}
