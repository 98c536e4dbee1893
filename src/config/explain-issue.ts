import type * as z from 'zod';
import { certificateForm } from './explain-short-form.ts';
import { alertChannelTypes } from './alert-defaults.ts';
import { suggestForWord } from './explain-word.ts';
import { translate } from './foreign-words.ts';
import { adminRoles } from '../core/admin-roles.ts';
import { decodeDetail } from '../schema/leaves.ts';
import { hashError } from './format/token-hash.ts';
import { editDistance, nearest } from '../core/nearest.ts';
import { suggestNearest } from './nearest.ts';
import { type ErrorDetail, orList, plainText, quoted } from '../schema/error-detail.ts';
import { explainUnsupported } from './unsupported-words.ts';
import { explainInSection, explainReturn } from './words-in-sections.ts';
import { plainKey } from '../core/plain-key.ts';
import type { Path } from '../schema/findings.ts';

/** What is wrong, where in the tree, and whether the key or the value is to be pointed at. */
export interface SchemaError extends ErrorDetail {
  readonly path: Path;
  readonly about: 'unknown key' | 'missing key' | 'value';
  /** The suggestion is to put a number in quotes, as it is written: 007. */
  readonly isTextMeant?: true;
}

type Issue = z.core.$ZodIssue;

const words: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

/** Where keys belong that people look for elsewhere; made from the schema. */
export type KeyLocations = ReadonlyMap<string, readonly string[]>;

/** An issue of zod's, whose path begins below `base`, as findings in our words. `root` is the value at `base`. */
export function explainIssue(issue: Issue, base: Path, root: unknown, locations: KeyLocations): SchemaError[] {
  const path = [...base, ...(issue.path as (string | number)[])];
  const input = valueAt(root, issue.path as Path);
  const decoded = decodeDetail(issue.message);
  if (issue.code === 'unrecognized_keys') {
    const known = decoded === null ? [] : decoded.message.split(' ');
    return issue.keys.map((key) => ({
      path: [...path, key],
      about: 'unknown key',
      ...keyError([...path, key], known, locations, valueAt(input, [key])),
    }));
  }
  if (input === undefined && path.length > 0) return [absenceError(path)];
  const isKeysOfToken = path.length === 3 && typeof input === 'object' && !Array.isArray(input);
  if (decoded === null && isSecretPath(path) && !isKeysOfToken) return [{ path, about: 'value', ...secretError(path) }];
  if (issue.code === 'invalid_union') return explainUnion(issue, path, input, locations);
  if (decoded !== null) return [{ path, about: 'value', ...decoded }];
  return [explainPlain(issue, path, input)];
}

function absenceError(path: Path): SchemaError {
  const key = String(path.at(-1));
  return { path, about: 'missing key', message: `the key ${quoted(key)} is missing`, suggestion: `add "${key}: …"` };
}

const headersError: ErrorDetail = {
  message: 'expected names of headers, each with its value',
  suggestion: 'write "name: value", one below the other; a number in quotes',
};

/** Where a hash or the value of a header is to stand. */
function isSecretPath(path: Path): boolean {
  return (path[0] === 'admin' && path[1] === 'tokens') || (path[0] === 'otlp' && path[1] === 'headers');
}

function secretError(path: Path): ErrorDetail {
  if (path[0] === 'otlp') return headersError;
  if (path.length === 4 && path[3] === 'role')
    return { message: `the role of a token is ${orList(adminRoles)}`, suggestion: null };
  return isSecretPath(path.slice(0, -1))
    ? hashError
    : {
        message: 'expected names, each with the hash of a token',
        suggestion: 'write "name: sha256:…", one below the other',
      };
}

function explainPlain(issue: Issue, path: Path, input: unknown): SchemaError {
  if (issue.code === 'invalid_type') return typeError([issue.expected], input, path);
  if (issue.code === 'too_small' || issue.code === 'too_big')
    return { path, about: 'value', ...sizeError(issue, input, path) };
  if (issue.code === 'invalid_value')
    return { path, about: 'value', ...choiceError(issue.values.map(String), input, path) };
  return { path, about: 'value', message: `${shown(input)} cannot stand here`, suggestion: null };
}

function sizeError(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, input: unknown, path: Path): ErrorDetail {
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  if (issue.origin === 'array')
    return { message: 'the list is empty', suggestion: 'give it at least one entry, or remove the key' };
  const relation = issue.code === 'too_small' ? 'below the least that makes sense' : 'above the most that makes sense';
  return { message: `${shown(input)} is ${relation}, ${String(bound)}`, suggestion: suggestForWord(path, input) };
}

function choiceError(choices: readonly string[], input: unknown, path: Path): ErrorDetail {
  const near = typeof input === 'string' ? suggestNearest(input, choices, 1) : null;
  return {
    message: `expected ${orList(choices)}, found ${found(input)}`,
    suggestion: suggestForWord(path, input) ?? near ?? suggestQuotes(choices, input),
  };
}

/** YAML reads 1.3 as a number. */
function suggestQuotes(choices: readonly string[], input: unknown): string | null {
  const written = typeof input === 'number' ? String(input) : null;
  const meant = choices.find((choice) => choice === written || choice === `${written}.0`);
  return meant === undefined ? null : `put it in quotes: "${meant}"`;
}

function typeError(expected: readonly string[], input: unknown, path: Path): SchemaError {
  const message = `expected ${orList(wordsFor(expected))}, found ${found(input)}`;
  return { path, about: 'value', message, ...suggestFor(expected, input, suggestForWord(path, input)) };
}

function suggestFor(
  expected: readonly string[],
  input: unknown,
  known: string | null,
): Pick<SchemaError, 'suggestion' | 'isTextMeant'> {
  const suggestion = known ?? suggestType(expected, input);
  const isTextMeant = known === null && suggestion !== null && expected.includes('string') && typeof input === 'number';
  return isTextMeant ? { suggestion, isTextMeant } : { suggestion };
}

function wordsFor(types: readonly string[]): string[] {
  return [...new Set(types.flatMap((type) => (type === 'boolean' ? ['true', 'false'] : [words[type] ?? type])))];
}

const numberWords = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');

function suggestType(expected: readonly string[], input: unknown): string | null {
  if (expected.includes('boolean') && typeof input === 'string') {
    if (/^(?:yes|on|y|1|enabled?)$/i.test(input)) return 'write true';
    if (/^(?:no|off|n|0|disabled?)$/i.test(input)) return 'write false';
    if (/^(?:true|false)$/i.test(input)) return `write ${input.toLowerCase()} without quotes`;
    const [near] = nearest(input, ['true', 'false'], 1);
    if (near !== undefined) return `write ${near}`;
  }
  if (
    expected.some((type) => type === 'number' || type === 'int') &&
    typeof input === 'string' &&
    /^-?\d+$/.test(input)
  )
    return `write ${input} without quotes`;
  const number = numberWords.indexOf(String(input).toLowerCase());
  if (number !== -1 && expected.some((type) => type === 'number' || type === 'int')) return `write ${number}`;
  if (expected.includes('string') && typeof input === 'number') return `put it in quotes: "${input}"`;
  if (expected.includes('string') && typeof input === 'boolean')
    return `write a text; "${input}" in quotes, if this word is meant`;
  if (expected.includes('array') && input !== null && typeof input === 'object') return 'begin each entry with "- "';
  if (expected.includes('object') && expected.length === 1) return 'write "key: value", one below the other or in { }';
  if (expected.includes('array') && typeof input !== 'object') return `write [${plainText(input)}]`;
  return null;
}

/** Several shapes are allowed: the one that was meant is the one whose outermost type fits. */
function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  input: unknown,
  locations: KeyLocations,
): SchemaError[] {
  const branches = issue.errors.map((errors) => errors.flatMap((inner) => flattenUnion(inner)));
  const meant = branches.filter(
    (errors) => !errors.some((error) => error.code === 'invalid_type' && error.path.length === 0),
  );
  const closest = meant.toSorted((a, b) => depth(b) - depth(a))[0];
  const choices = branches
    .flat()
    .flatMap((error) => (error.code === 'invalid_value' && error.path.length === 0 ? error.values.map(String) : []));
  if (closest !== undefined && !closest.every((error) => error.code === 'invalid_value' && error.path.length === 0)) {
    return closest.flatMap((error) => explainIssue(error, path, input, locations));
  }
  const bare = branches
    .flat()
    .map((error) => (error.code === 'invalid_type' ? decodeDetail(error.message) : null))
    .find((said) => said !== null);
  if (bare !== undefined) return [{ path, about: 'value', ...bare }];
  const types = branches
    .flat()
    .flatMap((error) => (error.code === 'invalid_type' && error.path.length === 0 ? [error.expected] : []));
  const wanted = [...new Set([...choices, ...wordsFor(types)])];
  const own = decodeDetail(issue.message);
  if (own !== null) return [{ path, about: 'value', ...own }];
  const near = typeof input === 'string' ? suggestNearest(input, choices, 1) : null;
  return [
    {
      path,
      about: 'value',
      message: `expected ${orList(wanted)}, found ${found(input)}`,
      ...suggestFor(types, input, near ?? suggestForWord(path, input)),
    },
  ];
}

/** A union inside of a union, at the same place, is one choice among more. */
function flattenUnion(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.path.length > 0) return [issue];
  const meant = issue.errors.filter(
    (errors) => !errors.some((error) => error.code === 'invalid_type' && error.path.length === 0),
  );
  return (meant[0] ?? issue.errors.flat()).flatMap((inner) => flattenUnion(inner));
}

/** An objection from our own reading, or one further inside, says more than one about the whole. */
function depth(errors: readonly Issue[]): number {
  return Math.max(
    ...errors.map(
      (error) => error.path.length * 2 + (error.code === 'custom' || error.code === 'unrecognized_keys' ? 1 : 0),
    ),
  );
}

function keyError(path: Path, known: readonly string[], locations: KeyLocations, value: unknown): ErrorDetail {
  const key = String(path.at(-1));
  const message = `unknown key ${quoted(key)}`;
  const close = nearest(key, known, 1)[0];
  const { here, elsewhere } = translate(key, known, String(path.at(-2)));
  const isSame = close !== undefined && plainKey(close) === plainKey(key);
  if (isTlsOfListener(path) && (close === 'certificates' || here.includes('certificates')))
    return { message, suggestion: `write ${certificateForm}` };
  if (path.length === 2 && path[0] === 'alerts' && alertChannelTypes.some((type) => type === key))
    return { message: `${message} in this place`, suggestion: `write ${targetForm(key)}` };
  const inSection = isSame ? null : (explainInSection(path) ?? explainReturn(key, value, known));
  if (inSection !== null) return { message, suggestion: inSection };
  // Before a guess by its letters: a word that is known elsewhere is no typing mistake.
  const unsupported = isSame || here.length > 0 ? null : explainUnsupported(key, path, known);
  if (unsupported !== null) return { message, suggestion: unsupported };
  if (close !== undefined && (isSame || editDistance(key, close) === 1))
    return { message, suggestion: `did you mean ${quoted(close)}?` };
  const names = here.length > 0 || close === undefined ? [...new Set(here)].slice(0, 3) : [close];
  if (names.length > 0) return { message, suggestion: `did you mean ${orList(names.map(quoted))}?` };
  if (elsewhere.length > 0) return { message, suggestion: suggestElsewhere(elsewhere, locations) };
  const homes = locations.get(key);
  if (homes === undefined) return { message, suggestion: `known here: ${known.join(', ')}` };
  if (isOfAllClients(path, homes)) return { message: `${message} in this place`, suggestion: clientOfFile(key) };
  const around = `in ${quoted(String(path[0]))}`;
  const suggestion =
    path.length >= 4 && homes.includes(around)
      ? `it belongs beside ${quoted(String(path[2]))}, not into it`
      : `it belongs ${orList(homes)}${whereSectionStands(homes, known, locations)}`;
  return { message: `${message} in this place`, suggestion };
}

const outermost = 'at the outermost level, without indentation';

/** Of the only section that has a key, where it is none of this place: written here it would be refused too. */
function whereSectionStands(homes: readonly string[], known: readonly string[], locations: KeyLocations): string {
  const section = homes.length === 1 ? /^in "(.*)"$/.exec(homes[0]!)?.[1] : undefined;
  if (section === undefined || known.includes(section)) return '';
  const around = locations.get(section) ?? [];
  return around.length === 1 ? ` ${around[0] === outermost ? 'at the outermost level' : around[0]!}` : '';
}

/** Keys of `client` have no form for a single route, listener or upstream. */
function isOfAllClients(path: Path, homes: readonly string[]): boolean {
  return path[0] !== 'client' && homes.length === 1 && homes[0] === 'in "client"';
}

function clientOfFile(key: string): string {
  return `there is no such limit for a single part yet: "client: { ${key}: … }" at the outermost level holds for all`;
}

function isTlsOfListener(path: Path): boolean {
  return path.length === 4 && path[0] === 'listeners' && path[2] === 'tls';
}

/** The kind of a target stands in it, and the target has a name of its own. */
function targetForm(type: string): string {
  const values: Readonly<Record<string, string>> = {
    command: '{ run: […] }',
    smtp: '{ server: …, from: …, to: … }',
    pagerduty: '{ routing_key: … }',
  };
  return `targets: { ops: { ${type}: ${values[type] ?? '{ url: … }'} } }`;
}

/** A key of a section that this place does not have is named with the places that have it. */
function suggestElsewhere(names: readonly string[], locations: KeyLocations): string {
  const meant = `did you mean ${orList(names.map(quoted))}?`;
  const [section, ...others] = [...new Set(names.map((name) => name.split('.')[0]!))];
  const homes = section === undefined || others.length > 0 ? undefined : locations.get(section);
  return homes === undefined ? meant : `${meant} "${section}" belongs ${orList(homes)}`;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The value as it is shown in a sentence about it. */
function shown(value: unknown): string {
  return typeof value === 'string'
    ? quoted(value)
    : Array.isArray(value)
      ? 'the list'
      : typeof value === 'object'
        ? 'the map'
        : plainText(value);
}

function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map of keys and values' : plainText(value);
}
