import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Deletes each `.d.ts` below a folder that none of these entries imports, directly or indirectly. The exports of a package
 * need one in eight; the others cannot be imported. Imports by `imports` of package.json (`#failures/shape.ts`) become paths, because the
 * files that they name are not in the package.
 */
export function keepExportedDeclarations(folder: string, entries: readonly string[]): void {
  const reached = new Set(entries.map((entry) => resolve(entry)));
  for (const file of reached) {
    const text = readFileSync(file, 'utf8').replaceAll(/(["'])#(\w+)\/([^"']+)\.ts\1/g, (_, quote, name, path) => {
      const target = relative(dirname(file), join(folder, 'packages', name, 'src', `${path}.ts`));
      return `${quote}${target.startsWith('.') ? target : `./${target}`}${quote}`;
    });
    writeFileSync(file, text);
    for (const path of declarationsNamedIn(file, text)) reached.add(path);
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = resolve(folder, name);
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
}

/** Imports within the package: `from './a.ts'`, `import('./a.ts')`, `import './a.ts'`. */
function declarationsNamedIn(file: string, text: string): string[] {
  const names = text.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)\.[jt]s["']/g);
  return [...names].map(([, name = '']) => join(dirname(file), `${name}.d.ts`));
}
