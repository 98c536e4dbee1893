import type * as z from 'zod';
import type { ErrorCollector } from './error-collector.ts';
import type { SchemaError, KeyLocations } from './explain-issue.ts';
import { explainIssue } from './explain-issue.ts';
import type { Path } from '../schema/findings.ts';
import type { PositionIndex } from './position-index.ts';
import type { RouteRead } from './route-schema.ts';
import type { ApplicationRead } from './application-schema.ts';
import type { FileRead } from './schema.ts';
import type { ListenerRead } from './listener-schema.ts';
import type { UpstreamRead } from './upstream-schema.ts';
import { route } from './route-schema.ts';
import { application } from './application-schema.ts';
import { file } from './schema.ts';
import { upstream } from './upstream-schema.ts';

type Map_ = Readonly<Record<string, unknown>>;

/** The keys of the file that are read whole. */
type Plain = Omit<FileRead, 'listeners' | 'upstreams' | 'applications' | 'routes'>;

/**
 * The file, as far as it could be read: a part with a mistake is absent, and the rest is there, so that
 * everything that can be said of it is said at once.
 */
export interface Draft {
  /** What stands in the file, whatever it is. */
  readonly raw: Map_;
  readonly plain: Partial<Plain>;
  readonly listeners: ReadonlyMap<string, ListenerRead>;
  readonly upstreams: ReadonlyMap<string, UpstreamRead>;
  readonly applications: ReadonlyMap<string, ApplicationRead>;
  /** By their index in the file. */
  readonly routes: ReadonlyMap<number, RouteRead>;
}

export function readDraft(value: unknown, positions: PositionIndex, collector: ErrorCollector): Draft {
  const reader = new PartReader(positions, collector);
  const raw = isMap(value) ? value : {};
  const { listeners, upstreams, applications, routes, ...others } = raw;
  // `x-…` is for anchors, and has no meaning of its own.
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => !key.startsWith('x-')));
  // Parts with many entries are read entry by entry. Here they only have to be known.
  const stubs = Object.fromEntries(
    Object.keys(raw).flatMap((key) => (key.startsWith('x-') ? [] : [[key, key in rest ? raw[key] : undefined]])),
  );
  const plain: Partial<Record<keyof Plain, unknown>> = {};
  if (isMap(value)) {
    reader.readKeys(stubs);
    for (const key of Object.keys(rest)) {
      const shape: Readonly<Record<string, z.ZodType>> = file.shape;
      const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (schema !== undefined) plain[key as keyof Plain] = reader.read(schema, raw[key], [key]);
    }
  } else if (value !== undefined) reader.read(file, value, []);
  return {
    raw,
    plain: plain as Partial<Plain>,
    listeners: reader.readMap(file.shape.listeners.unwrap().valueType, listeners, 'listeners'),
    upstreams: reader.readMap(upstream, upstreams, 'upstreams'),
    applications: reader.readMap(application, applications, 'applications'),
    routes: reader.readList(route, routes, 'routes'),
  };
}

export function isMap(value: unknown): value is Map_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class PartReader {
  readonly #positions: PositionIndex;
  readonly #collector: ErrorCollector;

  constructor(positions: PositionIndex, collector: ErrorCollector) {
    this.#positions = positions;
    this.#collector = collector;
  }

  /** The value that the schema makes of it; undefined after complaining. */
  read<T>(schema: z.ZodType<T>, value: unknown, path: Path): T | undefined {
    const first = schema.safeParse(value, { reportInput: false });
    if (first.success) return first.data;
    const typed = this.#giveTypes(value, first.error.issues, path);
    const second = typed === value ? first : schema.safeParse(typed);
    if (second.success) return second.data;
    this.#report(second.error.issues.flatMap((issue) => explainIssue(issue, path, typed, keyLocations())));
    return undefined;
  }

  /** Complains of keys that the file cannot have. */
  readKeys(value: Map_): void {
    const result = file.safeParse(Object.fromEntries(Object.keys(value).map((key) => [key, undefined])));
    if (result.success) return;
    this.#report(result.error.issues.flatMap((issue) => explainIssue(issue, [], value, keyLocations())));
  }

  /** A key that is there under another name is not missing besides. */
  #report(findings: readonly SchemaError[]): void {
    const renamed = (missing: SchemaError): boolean =>
      findings.some(
        ({ about, path, suggestion }) =>
          about === 'unknown key' &&
          path.length === missing.path.length &&
          suggestion?.includes(JSON.stringify(missing.path.at(-1))) === true,
      );
    for (const finding of findings)
      if (finding.about !== 'missing key' || !renamed(finding)) this.#collector.addSchemaError(finding);
  }

  readMap<T>(schema: z.ZodType<T>, value: unknown, key: string): Map<string, T> {
    const entries = new Map<string, T>();
    if (value === undefined) return entries;
    if (!isMap(value)) {
      this.#collector.errorAtValue(
        [key],
        `expected names, each with its ${key.slice(0, -1)}, found ${Array.isArray(value) ? 'a list' : 'a single value'}`,
        `write "${key}:" and below it "name: …"`,
      );
      return entries;
    }
    for (const [name, entry] of Object.entries(value)) {
      const read = this.read(schema, entry, [key, name]);
      if (read !== undefined) entries.set(name, read);
    }
    return entries;
  }

  readList<T>(schema: z.ZodType<T>, value: unknown, key: string): Map<number, T> {
    const entries = new Map<number, T>();
    if (value === undefined) return entries;
    if (!Array.isArray(value)) {
      this.#collector.errorAtValue(
        [key],
        `expected a list, found ${isMap(value) ? 'a map of keys and values' : 'a single value'}`,
        'begin each entry with "- "',
      );
      return entries;
    }
    for (const [at, entry] of value.entries()) {
      const read = entry === undefined ? undefined : this.read(schema, entry, [key, at]);
      if (read !== undefined) entries.set(at, read);
    }
    return entries;
  }

  /** Values from variables take the type that their place wants: `instances: ${COUNT}`. */
  #giveTypes(value: unknown, issues: readonly z.core.$ZodIssue[], base: Path): unknown {
    let typed = value;
    for (const issue of issues.flatMap((one) => wantedTypes(one))) {
      if (!this.#positions.isExpanded([...base, ...issue.path])) continue;
      typed = replaceAt(typed, issue.path, (text) => withType(text, issue.expected));
    }
    return typed;
  }
}

interface WantedType {
  readonly path: Path;
  readonly expected: string;
}

function wantedTypes(issue: z.core.$ZodIssue, base: Path = []): WantedType[] {
  const path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap((inner) => wantedTypes(inner, path));
  return issue.code === 'invalid_type' ? [{ path, expected: issue.expected }] : [];
}

function withType(text: unknown, expected: string): unknown {
  if (typeof text !== 'string') return text;
  if (expected === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if ((expected === 'number' || expected === 'int') && /^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  return text;
}

function replaceAt(value: unknown, path: Path, change: (value: unknown) => unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item, at) => (at === first ? replaceAt(item, rest, change) : item));
  return isMap(value) ? { ...value, [first]: replaceAt(value[first], rest, change) } : value;
}

let locations: KeyLocations | null = null;

/** Where each key of the schema belongs: `connect` in `timeouts`. Made once, when a key is first not known. */
function keyLocations(): KeyLocations {
  locations ??= collectKeyLocations();
  return locations;
}

function collectKeyLocations(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (key: string, home: string): void => {
    const homes = found.get(key) ?? [];
    if (!homes.includes(home)) found.set(key, [...homes, home]);
  };
  const walk = (schema: z.core.$ZodType, home: string): void => {
    const definition = schema._zod.def as unknown as Readonly<Record<string, unknown>> & { type: string };
    if (definition.type === 'optional') walk(definition['innerType'] as z.core.$ZodType, home);
    if (definition.type === 'union')
      for (const option of definition['options'] as z.core.$ZodType[]) walk(option, home);
    if (definition.type === 'array') walk(definition['element'] as z.core.$ZodType, home);
    if (definition.type === 'record') walk(definition['valueType'] as z.core.$ZodType, home);
    if (definition.type !== 'object') return;
    for (const [key, inner] of Object.entries(definition['shape'] as Record<string, z.core.$ZodType>)) {
      add(key, home === '' ? 'at the outermost level, without indentation' : `in "${home}"`);
      walk(inner, key);
    }
  };
  walk(file, '');
  return found;
}
