import { findImports } from './rules.ts';
import type { Source } from './source.ts';

/** What the threads of a gateway load when they start; `candor up` is loaded by the command line. */
export const startOfThreads: readonly string[] = [
  'src/cli/main.ts',
  'src/cli/up.ts',
  'src/worker/worker-main.ts',
  'src/logger/logger-main.ts',
];

/** Too large to stay in a process that serves (ADR 4), with what to do instead. */
const large: ReadonlyMap<string, string> = new Map([
  ['zod', 'read it in the thread of the configuration, or import() it with the request that needs it'],
  ['yaml', 'read it in the thread of the configuration'],
  ['node:http', 'use src/admin/node-http.ts'],
  ['node:https', 'call process.getBuiltinModule where a request needs it'],
  ['node:tls', 'use src/transport/node-tls.ts'],
]);

/** Each large module that `starts` load at once, with the files through which they do: 'a -> b -> zod: …'. */
export function findLargeAtStart(sources: readonly Source[], starts: readonly string[]): string[] {
  const bySource = new Map(sources.map((source) => [source.path, source]));
  const ways = new Map(starts.map((start) => [start, start]));
  const found: string[] = [];
  for (const [path, way] of ways) {
    const source = bySource.get(path);
    if (source === undefined) continue;
    for (const to of loadedAtOnce(source)) {
      const instead = large.get(to);
      if (instead !== undefined) found.push(`${way} -> ${to}: ${instead}`);
      else if (!ways.has(to)) ways.set(to, `${way} -> ${to}`);
    }
  }
  return found;
}

/** Imports of types are erased, and `import()` loads later. */
function loadedAtOnce(source: Source): string[] {
  const erased = /\b(?:import|export) type\b[^;]*;|\bimport\([^)]*\)/g;
  const code = source.code.replaceAll(erased, '');
  return findImports({ ...source, code, bare: source.bare.replaceAll(erased, '') })
    .filter(({ isLoaded }) => isLoaded)
    .map(({ to }) => to);
}
