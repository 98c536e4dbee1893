/**
 * Regular expressions for what clients send. Their engine, RE2, needs time in proportion to the text, whatever the expression; it is
 * loaded where a configuration has one.
 */
import type { RE2JS } from 're2js';
import { failWith, type Result, succeed } from '#failures/result.ts';

interface Pattern {
  readonly text: string;
  /** The number of each named group, `(?<id>…)` or `(?P<id>…)`. */
  readonly names: ReadonlyMap<string, number>;
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean;
  /** What it finds first, then each group, null where it took no part; null: it is not found. */
  captures(text: string): readonly (string | null)[] | null;
}

/** A longer one can hardly be read. */
const textMax = 1000;
/** Of instructions: `(.{1,100}){1,10}` has 2,000, and each of them may cost time for each character. */
const sizeMax = 2000;

let engine: typeof RE2JS | null = null;
let isWanted = false;

/** Call this before patterns are compiled. */
export async function loadPatterns(): Promise<void> {
  engine ??= (await import('re2js')).RE2JS;
}

/** Whether a pattern could not be compiled because the engine was not loaded. */
export const patternsAreWanted = (): boolean => isWanted && engine === null;

/** The failure is what is wrong with it, one clause. */
export function compilePattern(text: string): Result<Pattern, string> {
  if (text.length > textMax) return failWith(`it has ${text.length} characters, and ${textMax} is the most`);
  if (engine === null) {
    isWanted = true;
    return failWith('the engine of patterns is not loaded');
  }
  try {
    const compiled = engine.compile(text);
    if (compiled.programSize() > sizeMax) return failWith('it repeats too much: its program would be too large');
    return succeed(patternOf(text, compiled));
  } catch (error) {
    return failWith(error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error));
  }
}

/** Of a text that the configuration has checked. Throws if the engine has not been loaded. */
export function checkedPattern(text: string): Pattern {
  const compiled = compilePattern(text);
  if (!compiled.ok) throw new Error(`the pattern ${text} cannot be compiled: ${compiled.failure}`);
  return compiled.value;
}

function patternOf(text: string, compiled: RE2JS): Pattern {
  return {
    text,
    names: new Map(Object.entries(compiled.namedGroups())),
    test: (sought) => compiled.test(sought),
    captures: (sought) => compiled.exec(sought)?.map((group: string | undefined) => group ?? null) ?? null,
  };
}

/** What every text that the pattern is found in begins with; '' where that cannot be seen at once. */
export function literalBeginning(text: string): string {
  if (!text.startsWith('^') || hasAlternatives(text)) return '';
  const [, run = ''] = /^\^((?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])*)/.exec(text) ?? [];
  const isOptional = /^[?*{]/.test(text.slice(1 + run.length));
  return (isOptional ? run.replace(/\\?.$/su, '') : run).replace(/\\(.)/gs, '$1');
}

/** Whether a `|` stands outside of groups and classes, or may do so. */
function hasAlternatives(text: string): boolean {
  const bare = text.replace(/\\./gs, '').replace(/\[\^?\]?[^\]]*\]/g, '');
  let depth = 0;
  for (const character of bare) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === '|' && depth <= 0) return true;
  }
  return text.includes('\\Q');
}
