import type { ConfigurationError } from './configuration-errors.ts';
import { isMap } from './draft.ts';
import type { Environment } from './expand.ts';
import { type ParseContext, parseConfiguration } from './parse.ts';
import type { Path } from '../schema/findings.ts';
import { pathText } from './position-index.ts';
import { file } from './schema.ts';
import { type AnySchema, definition, entriesOf, objectIn, shapeOf } from '../schema/schema-parts.ts';

type Settings = Record<string, unknown>;

/** `problem`: why no values were found with which the text can be read; a clause. */
type StandIns =
  | { readonly ok: true; readonly environment: Environment }
  | { readonly ok: false; readonly problem: string };

interface Reference {
  readonly path: Path;
  readonly names: readonly string[];
  /** Whether the variable is all of the value. */
  readonly isWhole: boolean;
}

/** One file takes a few; each reads the whole text. */
const triesMax = 400;

/**
 * Values with which a configuration can be read whose variables are not known: those of `context` are not used. Each begins as a number, and
 * becomes a duration, a size, an address and so on as long as there is an error where it stands.
 */
export function standInsFor(text: string, settings: Settings, context: ParseContext): StandIns {
  const references = referencesIn(settings, []);
  const names = [...new Set(references.flatMap((one) => one.names))];
  const candidates = new Map(names.map((name, index) => [name, candidatesOf(name, index + 1, references, settings)]));
  const chosen = new Map(names.map((name) => [name, 0]));
  let problem = '';
  for (let tries = 0; tries < triesMax; tries += 1) {
    const environment = Object.fromEntries(names.map((name) => [name, candidates.get(name)?.[chosen.get(name) ?? 0]]));
    const parsing = parseConfiguration(text, { ...context, environment });
    if (parsing.ok) return { ok: true, environment };
    const errors = parsing.errors.filter(({ severity }) => severity === 'error');
    const wrong = references.filter(({ path }) => errors.some((error) => isWithin(pathText(path), error.path)));
    // An error that stands elsewhere remains whatever the variables are.
    const [other] = errors.filter((error) => !wrong.some(({ path }) => isWithin(pathText(path), error.path)));
    if (other !== undefined) return unreadable(other.message);
    problem = problemOf(wrong, errors);
    const moved = new Set<string>();
    const isOver = wrong.some((one) => !one.names.some((name) => moved.has(name)) && !advance(one, moved));
    if (isOver) break;
  }
  return { ok: false, problem };

  /** To the next combination; false if there is none. */
  function advance(reference: Reference, moved: Set<string>): boolean {
    for (const name of reference.names) {
      const next = (chosen.get(name) ?? 0) + 1;
      moved.add(name);
      const isLast = next >= (candidates.get(name)?.length ?? 0);
      chosen.set(name, isLast ? 0 : next);
      if (!isLast) return true;
    }
    return false;
  }
}

export function unreadable(message: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: `this version of candor cannot read it: ${message}` };
}

/** Errors of a section, and of a key that is not known, are not of the value. */
function problemOf(wrong: readonly Reference[], errors: readonly ConfigurationError[]): string {
  const found = wrong
    .filter(({ path }) => schemaAt(file, path) !== null)
    .map(({ path }) => pathText(path))
    .filter((key) => errors.some(({ path }) => path === key));
  if (found.length === 0) return unreadable(errors[0]?.message ?? '').problem;
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  const shown = `${found.slice(0, 3).join(', ')}${more}`;
  const values = found.length === 1 ? 'value' : 'values';
  return `candor does not know the ${values} of ${shown}, and none of those that it tried can stand there`;
}

/** `error` may stand at a section that the value is in. */
function isWithin(path: string, error: string): boolean {
  return path === error || (error !== '' && (path.startsWith(`${error}.`) || path.startsWith(`${error}[`)));
}

/** What is written for a variable without a default. */
const reference = /\$\$\{|\$\{([A-Za-z_]\w*)\}/g;

function referencesIn(value: unknown, path: Path): Reference[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => referencesIn(one, [...path, index]));
  if (isMap(value)) return Object.entries(value).flatMap(([key, one]) => referencesIn(one, [...path, key]));
  if (typeof value !== 'string') return [];
  const found = [...value.matchAll(reference)].flatMap(([whole, name]) =>
    name === undefined ? [] : [{ whole, name }],
  );
  const isWhole = found.length === 1 && found[0]?.whole === value;
  return found.length === 0 ? [] : [{ path, names: [...new Set(found.map(({ name }) => name))], isWhole }];
}

/** A different number for each variable: no two listeners may have the same address. */
function candidatesOf(
  name: string,
  number: number,
  references: readonly Reference[],
  settings: Settings,
): readonly string[] {
  const whole = references.filter((one) => one.isWhole && one.names.includes(name));
  const targets = [settings['upstreams'], settings['applications']].flatMap((one) =>
    Object.keys(isMap(one) ? one : {}),
  );
  return [
    ...[`${number}`, `${number}s`, `${number}MiB`, `http://127.0.0.1:${number}`, `https://a${number}.example/a`],
    ...[`127.0.0.1:${number}`, `127.0.0.1`, `127.0.0.1/32`, `a${number}.example`, `a${number}`, `/a${number}`],
    ...['true', `${number % 100}%`, `a${number}@a.example`, `sha256:${String(number % 10).repeat(64)}`],
    ...targets,
    ...whole.flatMap(({ path }) => wordsOf(schemaAt(file, path))),
  ];
}

function schemaAt(schema: AnySchema, path: Path): AnySchema | null {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const section = typeof key === 'string' ? objectIn(schema) : null;
  const inner = (section === null ? null : shapeOf(section)[key]) ?? entriesOf(schema);
  return inner === null ? null : schemaAt(inner, rest);
}

/** The words that may stand where a schema is. */
function wordsOf(schema: AnySchema | null): string[] {
  if (schema === null) return [];
  const { innerType, options = [], in: input, values = [], entries = {} } = definition(schema);
  const inner = [innerType ?? null, input ?? null, ...options].flatMap(wordsOf);
  return [...values.map(String), ...Object.values(entries), ...inner];
}
