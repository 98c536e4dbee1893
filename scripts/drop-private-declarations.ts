import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Takes away each `.d.ts` below a folder that none of these entries leads to, directly or by another. What a package
 * exports needs one in eight; nobody can import from the others.
 */
export function dropPrivateDeclarations(folder: string, entries: readonly string[]): void {
  const reached = new Set(entries.map((entry) => resolve(entry)));
  for (const file of reached) for (const path of declarationsNamedIn(file)) reached.add(path);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = resolve(folder, name);
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}

/** Of its own package: `from './a.ts'`, `import('./a.ts')`, `import './a.ts'`. */
function declarationsNamedIn(file: string): string[] {
  const names = readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)\.[jt]s["']/g);
  return [...names].map(([, name = '']) => join(dirname(file), `${name}.d.ts`));
}
