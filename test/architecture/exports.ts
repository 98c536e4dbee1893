import { entries } from './rooms.ts';
import { placeOf } from './rules.ts';
import { lineAt, type Source } from './source.ts';

interface UnusedExport {
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

/** Features that a test registers in a bundle, by their names. */
const registered = /^test\/features\/[^/]+\/(?:keys|worker|main|words)\.ts$/;
/** Types of inferred exports of other files: declarations must be able to name them. */
const declaredElsewhere: readonly string[] = ['ReadEndpoint', 'MailServer'];

/** Names that a file exports and no other file imports, tests included. */
export function findUnusedExports(sources: readonly Source[]): UnusedExport[] {
  const used = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const { to, names } of findUses(source)) {
      if (to === source.path) continue;
      const known = used.get(to) ?? new Set();
      used.set(to, known);
      for (const name of names) known.add(name);
    }
  }
  return sources
    .filter(({ path }) => !entries.includes(path) && !registered.test(path))
    .flatMap((source) => {
      const known = used.get(source.path);
      if (known?.has('*') === true) return [];
      return findExports(source).filter(({ name }) => known?.has(name) !== true && !declaredElsewhere.includes(name));
    });
}

const declared =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\b\s*\*?|class|const|let|interface|type)\s+(\w+)|^export\s+(?:type\s+)?\{([^}]*)\}/gm;

function findExports({ path, bare }: Source): UnusedExport[] {
  return [...bare.matchAll(declared)].flatMap(({ 1: name, 2: list, index }) => {
    const names = list === undefined ? [name as string] : namesIn(list).map(({ as }) => as);
    return names.map((one) => ({ path, line: lineAt(bare, index), name: one }));
  });
}

interface Use {
  readonly to: string;
  /** '*': all of them. */
  readonly names: Iterable<string>;
}

const fromStatement = /\b(?:import|export)\s+(?:type\s+)?(?:\{([^{}]*)\}|\*(?:\s*as\s+\w+)?)\s*from\s*'([^']+)'/g;
/** A module that is named in another way: `import('./a.ts')`, `new URL('./a.ts', import.meta.url)`, by a program in a text. */
const namedFile = /(['"`])((?:\.|#)?[\w./-]+\.(?:tsx?|mjs|cjs))\1/g;

function findUses({ path, code, bare }: Source): Use[] {
  const imports = [...code.matchAll(fromStatement)].filter(({ index }) => bare[index] !== ' ');
  const rest = [...imports].reverse().reduce((text, { 0: whole, index }) => cut(text, index, whole.length), code);
  const named = [...rest.matchAll(namedFile)].map(({ 2: to = '' }) => to);
  const words = named.length === 0 ? [] : (rest.match(/\w+/g) ?? []);
  return [
    ...imports.map(({ 1: list, 2: to = '' }) => ({
      to: placeOf(path, to),
      names: list === undefined ? ['*'] : namesIn(list).map(({ name }) => name),
    })),
    ...named.map((to) => ({ to: placeOf(path, to), names: words })),
  ];
}

function cut(text: string, at: number, length: number): string {
  return text.slice(0, at) + text.slice(at + length);
}

/** `a, type B as C`: 'a' is 'a' on both sides, 'B' is 'C' on this one. */
function namesIn(list: string): { readonly name: string; readonly as: string }[] {
  return [...list.matchAll(/(?:\btype\s+)?(\w+)(?:\s+as\s+(\w+))?/g)].map(({ 1: name = '', 2: as = name }) => ({
    name,
    as,
  }));
}
