/** Which values of a configuration people do not see who did not write it. The schema marks them (`hide` in `schema-parts.ts`). */
import { camelKey } from '#failures/json-case.ts';
import { nearest } from '../core/nearest.ts';
import { isSecretName } from '../redact/secret-name.ts';
import type { Path } from '../schema/findings.ts';
import { file } from './schema.ts';
import { type AnySchema, definition, type Hiding, shownOf } from '../schema/schema-parts.ts';

const collections: ReadonlySet<string> = new Set(['object', 'record', 'array']);

const switchWords = [
  'on',
  'off',
  'yes',
  'no',
  'true',
  'false',
  'none',
  'enabled',
  'disabled',
  'default',
  'always',
  'never',
];

function literalsOf(schema: AnySchema): readonly unknown[] {
  const { values, entries } = definition(schema);
  return values ?? Object.values(entries ?? {});
}

/** A place of the schema, with everything that may stand there. There is one for each key, made when it is first asked for. */
class SchemaNode {
  readonly #schemas: readonly AnySchema[];
  readonly #marked: Hiding | null;
  readonly #children = new Map<string, SchemaNode>();
  #hasMarks: boolean | null = null;

  /** No schemas: the file can have no such key. */
  constructor(schemas: readonly AnySchema[], marked: Hiding | null) {
    this.#schemas = schemas;
    this.#marked = marked;
  }

  static of(schema: AnySchema | null, inherited: Hiding | null): SchemaNode {
    if (schema === null) return unknownNode;
    const { schemas, marked } = flattened(schema);
    return new SchemaNode(schemas, marked ?? inherited);
  }

  get isMapOfNames(): boolean {
    return this.#schemas.some((schema) => definition(schema).type === 'record');
  }

  child(part: string | number): SchemaNode {
    const name = typeof part === 'number' ? '[]' : part;
    const key = this.#keyed(name);
    // Entries of maps and lists that the schema does not name are all alike.
    const id = key === null && typeof part === 'string' ? '*' : name;
    let child = this.#children.get(id);
    if (child === undefined) {
      child = key === null ? this.#unnamed(part) : SchemaNode.of(key, null);
      this.#children.set(id, child);
    }
    return child;
  }

  /** Of a value that is no list and no map; null: it is shown. */
  hidingOf(value: unknown, key: string): HidingAt['hiding'] {
    if (this.#marked !== null) return this.#marked;
    // Where a section was to stand, the value may have been meant for a key of it that is hidden.
    return this.#mayStand(value) || !this.hasMarks || this.#isNoSecret(value, key) ? null : 'misplaced';
  }

  /** Of the value of a key that may not stand here. */
  hidingOfUnknown(key: string): HidingAt['hiding'] {
    const named = this.entries().filter(([name]) => name !== '*');
    const [meant] = nearest(
      key,
      named.map(([name]) => name),
      1,
    );
    const isSecret = isSecretName(key) || named.some(([name, node]) => name === meant && node.hasMarks);
    return isSecret ? 'value' : hidingOfName(key);
  }

  /** A port, and a word that is nearly one that may stand here, or nearly a key: of a section that is not all secret. */
  #isNoSecret(value: unknown, key: string): boolean {
    if (hidingOfName(key) !== null) return false;
    if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 65_535;
    if (typeof value !== 'string' || !/^[A-Za-z][A-Za-z_-]{0,23}$/.test(value) || isSecretName(value)) return false;
    const literals = this.#schemas.flatMap((schema) => literalsOf(schema).map(String));
    const keys = this.entries().map(([name]) => name);
    return knownNames().has(value) || nearest(value, [...literals, ...keys, ...switchWords], 1).length > 0;
  }

  #mayStand(value: unknown): boolean {
    return this.#schemas.some((schema) => {
      const { type } = definition(schema);
      if (type === 'literal' || type === 'enum') return literalsOf(schema).includes(value);
      return type !== 'boolean' && !collections.has(type);
    });
  }

  get hasMarks(): boolean {
    this.#hasMarks ??= this.#marked !== null || this.entries().some(([, inner]) => inner.hasMarks);
    return this.#hasMarks;
  }

  /** What the schema names below, with `*` for names that the file chooses and entries of lists. */
  entries(): readonly (readonly [key: string, node: SchemaNode, schema: AnySchema])[] {
    return this.#schemas.flatMap((schema) => {
      const { shape = {}, element, valueType } = definition(schema);
      const named = Object.entries(shape).map(([key, inner]) => [key, SchemaNode.of(inner, null), inner] as const);
      const entry = element ?? valueType;
      return entry === undefined ? named : [...named, ['*', SchemaNode.of(entry, this.#marked), entry] as const];
    });
  }

  #keyed(name: string): AnySchema | null {
    for (const schema of this.#schemas) {
      const { shape = {} } = definition(schema);
      if (Object.hasOwn(shape, name)) return shape[name] ?? null;
    }
    return null;
  }

  /** A list of words in place of a section that has a command is one. */
  #unnamed(part: string | number): SchemaNode {
    const entry = this.#entry(part);
    if (entry === null && typeof part === 'number' && this.#marked === 'command') return new SchemaNode([], 'command');
    return SchemaNode.of(entry, this.#marked);
  }

  #entry(part: string | number): AnySchema | null {
    for (const schema of this.#schemas) {
      const { element, valueType } = definition(schema);
      const entry = typeof part === 'number' ? element : valueType;
      if (entry !== undefined) return entry;
    }
    return null;
  }
}

const unknownNode = new SchemaNode([], 'value');

/** Everything that may stand where `schema` is, and the mark of it or of one of them. */
function flattened(schema: AnySchema): { readonly schemas: readonly AnySchema[]; readonly marked: Hiding | null } {
  const { type, innerType, in: input, options } = definition(schema);
  const own = shownOf(schema).hiding ?? null;
  const inner =
    type === 'optional' ? [innerType!] : type === 'pipe' ? [input!] : type === 'union' ? (options ?? []) : null;
  if (inner === null) return { schemas: [schema], marked: own };
  const parts = inner.map(flattened);
  const marked = parts.find((part) => part.marked !== null)?.marked ?? null;
  return { schemas: parts.flatMap(({ schemas }) => schemas), marked: own ?? marked };
}

const root = SchemaNode.of(file, null);

/** How a value that is no list and no map is hidden; `name`: the last name in its path that the file chose, such as that of a header. */
interface HidingAt {
  /** `misplaced`: it stands where the file can have no such value. */
  readonly hiding: Hiding | 'misplaced' | null;
  readonly name: string;
  /** Whether the schema knows all keys of the path. */
  readonly isKnown: boolean;
}

/** `listeners: { password: … }`: with a name that marks a secret, all is hidden but addresses and paths. */
function isSecretEntry([section = '', name, ...deeper]: Path, value: unknown): boolean {
  const isEntry = typeof name === 'string' && deeper.every((part) => typeof part === 'number');
  if (!isEntry || !isSecretName(name) || !root.child(section).isMapOfNames) return false;
  const isPort = (section === 'listeners' || section === 'upstreams') && Number(value) <= 65_535;
  if (isPort) return false;
  if (typeof value !== 'string') return typeof value !== 'object';
  return !/:\d{1,5}(?:$|\/)|^\w+:\/|^[./]/.test(value);
}

export function hidingAt(path: Path, value: unknown): HidingAt {
  // The reader replaces the entry by what it includes.
  if (path.length === 3 && path[0] === 'routes' && path[2] === 'include')
    return { hiding: null, name: '', isKnown: true };
  let node = root;
  let name = '';
  for (const [at, part] of path.entries()) {
    if (typeof part === 'string' && node.isMapOfNames) name = part;
    const inner = node.child(part);
    if (inner === unknownNode) {
      const isDeeper = at < path.length - 1 || typeof part === 'number';
      return { hiding: isDeeper ? hidingBelowUnknown(path) : node.hidingOfUnknown(part), name, isKnown: false };
    }
    node = inner;
  }
  const key = path.findLast((part) => typeof part === 'string') ?? '';
  const hiding = node.hidingOf(value, key);
  const isByName = (hiding === null || (hiding === 'command' && path.length === 2)) && isSecretEntry(path, value);
  return { hiding: isByName ? 'misplaced' : hiding, name, isKnown: true };
}

/** A switch, a size and the like are shown of a key that has a secret nowhere. */
function hidingBelowUnknown(path: Path): 'value' | 'misplaced' {
  const last = path.at(-1);
  return typeof last === 'string' && hidingOfName(last) === null ? 'misplaced' : 'value';
}

let hidings: ReadonlyMap<string, ReadonlySet<Hiding>> | null = null;

/** Of the value of a key, wherever it stands. `misplaced`: the schema has no such key. */
export function hidingOfName(name: string): 'value' | 'query' | 'misplaced' | null {
  if (hidings === null) {
    const found = new Map<string, Set<Hiding>>();
    for (const { path, hiding } of hiddenKeys()) {
      const key = path.replaceAll('.*', '').split('.').at(-1) ?? '';
      found.set(key, (found.get(key) ?? new Set()).add(hiding));
    }
    hidings = found;
  }
  const own = hidings.get(name);
  if (isSecretName(name) || (own !== undefined && [...own].some((hiding) => hiding !== 'query'))) return 'value';
  if (own !== undefined) return 'query';
  return knownNames().has(name) ? null : 'misplaced';
}

export interface HiddenKey {
  /** `applications.*.environment` */
  readonly path: string;
  readonly hiding: Hiding;
  /** Its key in `Configuration`. */
  readonly built: string;
}

/** Every key with a mark, in the order of the schema. */
export function hiddenKeys(): readonly HiddenKey[] {
  const found = new Map<string, HiddenKey>();
  const walk = (schema: AnySchema, path: readonly string[]): void => {
    const { hiding, built } = shownOf(schema);
    const key = path.findLast((part) => part !== '*') ?? '';
    const text = path.join('.');
    const { type } = definition(schema);
    if (hiding !== undefined && type !== 'optional' && type !== 'object' && !found.has(text))
      found.set(text, { path: text, hiding, built: built ?? camelKey(key) });
    const { innerType, in: input, options = [], element, valueType, shape = {} } = definition(schema);
    for (const inner of [innerType, input, ...options]) if (inner !== undefined) walk(inner, path);
    const entry = element ?? valueType;
    if (entry !== undefined) walk(entry, [...path, '*']);
    for (const [name, inner] of Object.entries(shape)) walk(inner, [...path, name]);
  };
  walk(file, []);
  return [...found.values()];
}

let names: ReadonlySet<string> | null = null;

/** Of all keys, wherever they may stand. */
export function knownNames(): ReadonlySet<string> {
  if (names !== null) return names;
  const found = new Set<string>();
  const walk = (schema: AnySchema): void => {
    const { innerType, in: input, options = [], element, valueType, shape = {} } = definition(schema);
    for (const name of Object.keys(shape)) found.add(name);
    for (const inner of [innerType, input, element, valueType, ...options, ...Object.values(shape)])
      if (inner !== undefined) walk(inner);
  };
  walk(file);
  names = found;
  return found;
}
