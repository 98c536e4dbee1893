import { isDeepStrictEqual } from 'node:util';
import { parse, parseDocument, stringify, visit } from 'yaml';
import { replaceSpans, type Span } from '../redact/span.ts';
import { isMap } from './draft.ts';
import { type ParseContext, parseConfiguration } from './parse.ts';
import { hideInPath } from '../schema/hide-secrets.ts';
import { pathText } from './position-index.ts';
import { hiddenValues } from './review-keys.ts';
import { file } from './schema.ts';
import { type AnySchema, entriesOf, objectIn, shapeOf, shownOf } from '../schema/schema-parts.ts';
import { strictSecurityHeaders } from './security-headers.ts';
import { standInsFor, unreadable } from './stand-ins.ts';

type Settings = Record<string, unknown>;

/** `problem`: why nothing was filled in, a clause; null if the text has the defaults. `hidden`: the keys of values of which `***` is all or a part. */
export interface FilledText {
  readonly text: string;
  readonly problem: string | null;
  readonly hidden: readonly string[];
}

/** A key that the file does not have, with its default. */
interface Candidate {
  readonly at: readonly (string | number)[];
  readonly value: unknown;
  /** It takes the place of a short form, so that no key of it can be left out. */
  readonly isWhole?: boolean;
}

/**
 * The text of a configuration with the defaults that it leaves out, in the keys of the file. The result reads as the same
 * configuration, with no further warning: a default that would change anything is left out, such as one of a route that
 * takes the value of the whole file. So are defaults that depend on the machine. Values of variables and values that are hidden as `***` need not be
 * known: others stand in for them while the text is read, and variables of `context` are not used.
 */
export function withDefaults(text: string, context: ParseContext): FilledText {
  const begin = settingsIn(withReferences(text));
  if (begin === null) return { text, problem: unreadable(firstErrorOf(text, context)).problem, hidden: [] };
  const hiddenKeys = [...hiddenValues(withHidden(begin))].map((path) => hideInPath(pathText(path)));
  const source = stringify(begin);
  const standIns = standInsFor(source, begin, context);
  if (!standIns.ok) return { text, problem: standIns.problem, hidden: hiddenKeys };
  const known = { ...context, environment: standIns.environment, isForComparison: true };
  const meaning = meaningOf(source, known);
  const isSame = (changed: Settings): boolean => meaning !== null && meaningOf(stringify(changed), known) === meaning;
  const filler = new Filler(isSame);
  let settings = begin;
  // What was filled in may have short forms and defaults of its own.
  for (let round = 0; round < roundsMax; round += 1) {
    const before = settings;
    settings = filler.fill(settings, byPattern(shortFormsIn(settings)));
    settings = filler.fill(settings, byPattern(candidatesIn(file, settings, [])));
    if (isDeepStrictEqual(before, settings)) break;
  }
  return { text: stringify(withHidden(settings), { lineWidth: 0 }), problem: null, hidden: hiddenKeys };
}

function firstErrorOf(text: string, context: ParseContext): string {
  const parsing = parseConfiguration(text, context);
  const errors = parsing.ok ? [] : parsing.errors;
  return errors.find(({ severity }) => severity === 'error')?.message ?? 'it is no map';
}

const hidden = '***';
const hiddenReference = /^\$\{CANDOR_HIDDEN_\d+\}$/;

/** With a variable in place of each hidden value: asterisks cannot stand where a URL must. */
function withReferences(source: string): string {
  const spans: Span[] = [];
  visit(parseDocument(source), {
    Scalar: (key, { value, range }) => {
      if (key !== 'key' && value === hidden && range) spans.push({ start: range[0], end: range[1] });
    },
  });
  let count = 0;
  return replaceSpans(source, spans, () => `"\${CANDOR_HIDDEN_${(count += 1)}}"`);
}

/** With what aliases and merges repeat, and without the keys that are for them. Null: the text is no YAML, or no map. */
function settingsIn(source: string): Settings | null {
  const document = parseDocument(source, { merge: true });
  if (document.errors.length > 0) return null;
  try {
    // Each place has values of its own, which defaults are filled into.
    const settings = mapTexts(document.toJS(), (text) => text);
    if (!isMap(settings)) return null;
    return Object.fromEntries(Object.entries(settings).filter(([key]) => !key.startsWith('x-')));
  } catch {
    // An alias of nothing.
    return null;
  }
}

function withHidden(settings: Settings): unknown {
  return mapTexts(settings, (text) => (hiddenReference.test(text) ? hidden : text));
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, change));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, change)]));
}

const roundsMax = 4;

function byPattern(candidates: readonly Candidate[]): Candidate[][] {
  return Object.values(Object.groupBy(candidates, patternOf)) as Candidate[][];
}

/** What a value stands for that is no section: the key of the section in whose place it is. */
const shortForms: Readonly<Record<string, string>> = {
  ...{ 'listeners.*': 'bind', 'upstreams.*': 'endpoints', workers: 'count' },
  ...{ 'applications.*.readiness': 'path', 'upstreams.*.check': 'path' },
};

/** Each with its section; those of upstreams themselves come before those in them. */
function shortFormsIn(value: unknown, at: readonly (string | number)[] = []): Candidate[] {
  if (at.at(-1) === 'security_headers' && value === 'strict')
    return [{ at, value: strictSecurityHeaders, isWhole: true }];
  const key = shortForms[patternOf({ at })];
  if (key !== undefined && !isMap(value)) return [{ at, value: { [key]: value }, isWhole: true }];
  if (Array.isArray(value)) return value.flatMap((one, index) => shortFormsIn(one, [...at, index]));
  return isMap(value) ? Object.entries(value).flatMap(([name, one]) => shortFormsIn(one, [...at, name])) : [];
}

/** Null: the text cannot be read. */
function meaningOf(text: string, context: ParseContext): string | null {
  const parsing = parseConfiguration(text, context);
  if (!parsing.ok) return null;
  const { configuration, warnings } = parsing;
  // Some name a line.
  const warned = warnings.map(({ message }) => message.replaceAll(/\d+/g, '0'));
  return JSON.stringify([configuration, warned], (_key, value: unknown) =>
    // JSON has no infinity: a limit that is off is not one that is absent.
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

/** Puts candidates into settings where that keeps their meaning. */
class Filler {
  readonly #isSame: (changed: Settings) => boolean;
  /** Patterns that did not keep the meaning. */
  readonly #refused = new Set<string>();

  constructor(isSame: (changed: Settings) => boolean) {
    this.#isSame = isSame;
  }

  /** With each group of candidates that keeps the meaning: all at once, or else by halves. */
  fill(settings: Settings, candidates: readonly Candidate[][]): Settings {
    const groups = candidates.filter(([first]) => first !== undefined && !this.#refused.has(patternOf(first)));
    const [first] = groups;
    if (first === undefined) return settings;
    const changed = structuredClone(settings);
    for (const { at, value } of groups.flat()) put(changed, at, value);
    if (this.#isSame(changed)) return changed;
    if (groups.length === 1) return this.#fillKeys(settings, first);
    const middle = Math.ceil(groups.length / 2);
    return this.fill(this.fill(settings, groups.slice(0, middle)), groups.slice(middle));
  }

  /** No key of a section can be there that changes the meaning by being there, such as one that switches something on. */
  #fillKeys(settings: Settings, group: readonly Candidate[]): Settings {
    for (const candidate of group) this.#refused.add(patternOf(candidate));
    const keys = keysOf(group);
    if (keys.length < 2) return this.fill(settings, keys);
    const changed = structuredClone(settings);
    for (const { at } of group) put(changed, at, {});
    return this.#isSame(changed) ? this.fill(settings, keys) : settings;
  }
}

/** The keys of a section that does not keep the meaning as a whole. */
function keysOf(group: readonly Candidate[]): Candidate[][] {
  const inner = group.flatMap(({ at, value, isWhole }) =>
    isMap(value) && isWhole !== true
      ? Object.entries(value).map(([key, one]) => ({ key, at: [...at, key], value: one }))
      : [],
  );
  return Object.values(Object.groupBy(inner, ({ key }) => key)) as Candidate[][];
}

function put(settings: Settings, at: readonly (string | number)[], value: unknown): void {
  let inner: Record<string | number, unknown> = settings;
  for (const part of at.slice(0, -1)) inner = (inner[part] ??= {}) as Record<string | number, unknown>;
  inner[at.at(-1) ?? ''] = value;
}

/** Names of entries and numbers of a list do not matter. */
function patternOf({ at }: Pick<Candidate, 'at'>): string {
  return at.map((part, index) => (typeof part === 'number' || named.has(String(at[index - 1])) ? '*' : part)).join('.');
}

const named: ReadonlySet<string> = new Set(['listeners', 'upstreams', 'applications']);

function candidatesIn(schema: AnySchema, value: unknown, at: readonly (string | number)[]): Candidate[] {
  const entries = entriesOf(schema);
  if (Array.isArray(value))
    return entries === null ? [] : value.flatMap((one, index) => candidatesIn(entries, one, [...at, index]));
  if (!isMap(value)) return [];
  const section = objectIn(schema);
  if (section === null)
    return entries === null
      ? []
      : Object.entries(value).flatMap(([name, one]) => candidatesIn(entries, one, [...at, name]));
  return Object.entries(shapeOf(section)).flatMap(([key, inner]) => {
    const inSection = [...at, key];
    if (Object.hasOwn(value, key)) return candidatesIn(inner, value[key], inSection);
    const otherwise = defaultOf(inner);
    return otherwise === undefined ? [] : [{ at: inSection, value: otherwise }];
  });
}

/** Undefined: it has none, or one in words. */
function defaultOf(schema: AnySchema): unknown {
  const { absent, otherwise } = shownOf(schema);
  if (absent !== undefined) return parse(absent);
  const section = otherwise === undefined ? objectIn(schema) : null;
  if (section === null) return undefined;
  const known = Object.entries(shapeOf(section)).flatMap(([key, inner]) => {
    const value = defaultOf(inner);
    return value === undefined ? [] : [[key, value] as const];
  });
  return known.length === 0 ? undefined : Object.fromEntries(known);
}
