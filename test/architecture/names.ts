import { namesOfOthers, namesToSettle, retiredWords } from './retired-words.ts';
import { isTest } from './rules.ts';
import { lineAt, type Source } from './source.ts';

const exportedType = /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:const\s+)?(?:interface|type|class|enum)\s+(\w+)/gm;

/** Exported interfaces, types, classes and enums whose name more than one file in src/ or packages/ declares, with these files. */
export function findDuplicateTypes(sources: readonly Source[]): string[] {
  const files = new Map<string, string[]>();
  for (const { path, bare } of sources) {
    if (isTest(path) || !/^(?:src|packages)\//.test(path)) continue;
    for (const [, name = ''] of bare.matchAll(exportedType)) files.set(name, [...(files.get(name) ?? []), path]);
  }
  return [...files].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

/** The words of an identifier or a file's name: 'maxHeldBytes', 'max_held_bytes' and 'max-held-bytes' have three. */
export function wordsOf(name: string): string[] {
  return name
    .split(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

/** The retired word that a name has as a whole part, also in the plural; null where it has none. */
function retiredWordIn(name: string): string | null {
  for (const word of wordsOf(name)) {
    if (retiredWords.has(word)) return word;
    if (word.endsWith('s') && retiredWords.has(word.slice(0, -1))) return word.slice(0, -1);
  }
  return null;
}

interface RetiredName {
  readonly at: string;
  readonly name: string;
  readonly word: string;
  readonly instead: string;
}

/** Identifiers of code that is no test, and paths of all files, with a word that may not come back. */
export function findRetiredNames(sources: readonly Source[], paths: readonly string[]): RetiredName[] {
  const found = sources.flatMap((source) => (isTest(source.path) ? [] : identifiersOf(source)));
  const ofPaths = paths.flatMap((path) => path.split('/').map((name) => ({ at: path, name })));
  return [...found, ...ofPaths].flatMap(({ at, name }) => {
    const word = namesOfOthers.has(name) ? null : retiredWordIn(name);
    return word === null ? [] : [{ at, name, word, instead: retiredWords.get(word) ?? '' }];
  });
}

/** Names in `namesOfOthers` and `namesToSettle` that no code has, or that have no retired word: the lists may only become shorter. */
export function findNeedlessExemptions(sources: readonly Source[]): string[] {
  const used = new Set(
    sources.flatMap((source) => (isTest(source.path) ? [] : identifiersOf(source))).map(({ name }) => name),
  );
  return [...namesOfOthers, ...namesToSettle].filter((name) => !used.has(name) || retiredWordIn(name) === null);
}

function identifiersOf({ path, bare }: Source): { at: string; name: string }[] {
  const seen = new Map<string, string>();
  for (const match of bare.matchAll(/[A-Za-z_$][\w$]*/g)) {
    if (!seen.has(match[0])) seen.set(match[0], `${path}:${lineAt(bare, match.index)}`);
  }
  return [...seen].map(([name, at]) => ({ at, name }));
}
