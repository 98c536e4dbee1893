import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Deletes each `.d.ts` below a folder that none of these entries imports, directly or indirectly. The exports of a package
 * need one in eight; the others cannot be imported.
 */
export function dropPrivateDeclarations(folder: string, entries: readonly string[]): void {
  const reached = new Set(entries.map((entry) => resolve(entry)));
  for (const file of reached) for (const path of declarationsNamedIn(file)) reached.add(path);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = resolve(folder, name);
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}

/** Imports within the package: `from './a.ts'`, `import('./a.ts')`, `import './a.ts'`. */
function declarationsNamedIn(file: string): string[] {
  const names = readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)\.[jt]s["']/g);
  return [...names].map(([, name = '']) => join(dirname(file), `${name}.d.ts`));
}
