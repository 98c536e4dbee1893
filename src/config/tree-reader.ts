import { normalize } from 'node:path';
import {
  type Alias,
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
  isAlias,
  isMap,
  isScalar,
  isSeq,
} from 'yaml';
import { type ConfigurationError, configurationError } from './configuration-errors.ts';
import { errorsMax } from './error-collector.ts';
import { exampleAt } from './explain-feature-form.ts';
import { type Environment, expandVariables } from './expand.ts';
import { type ErrorDetail, plainText, quoted } from '../schema/error-detail.ts';
import type { SourcePart } from './included-files.ts';
import { isPort } from './nearest.ts';
import { type PathPositions, pathText } from './position-index.ts';
import { type SourceText, positionOf } from './source-text.ts';

/** How many values may come from aliases: a bomb of nine lines makes billions. */
const aliasedValuesMax = 10_000;

/** Deeper than any key of ours by far; keeps a hostile file from exhausting the stack. */
const depthMax = 64;

/** Why an included file is not read, or what is strange about it. */
export interface IncludeError extends ErrorDetail {
  readonly severity: ConfigurationError['severity'];
}

/** Walks the nodes of one document. Lives for one call of `readDocument`. */
export class TreeReader {
  readonly errors: ConfigurationError[];
  /** Null within an included file, which includes no other. */
  included: IncludedDocuments | null = null;
  readonly #source: SourceText;
  readonly #file: string;
  readonly #environment: Environment;
  readonly #positions: PathPositions;
  readonly #document: Document.Parsed;
  readonly #open = new Set<Node>();
  #aliasDepth = 0;
  #aliasedValues = 0;
  /** The alias that the reader is in, the outermost of them. */
  #outermost: Alias | null = null;
  /** Whether aliases repeated so much that reading was given up. */
  exhausted = false;

  constructor(
    source: SourceText,
    file: string,
    environment: Environment,
    positions: PathPositions,
    document: Document.Parsed,
    errors: ConfigurationError[] = [],
  ) {
    this.errors = errors;
    this.#source = source;
    this.#file = file;
    this.#environment = environment;
    this.#positions = positions;
    this.#document = document;
  }

  rejectKey(key: Node, message: string, suggestion: string | null): void {
    if (this.errors.length >= errorsMax) return;
    const [start, end] = key.range ?? [0, 1];
    const position = positionOf(this.#source, start, end);
    this.errors.push(configurationError(this.#file, position, '', message, suggestion));
  }

  read(node: Node, path: readonly (string | number)[]): unknown {
    if (this.exhausted) return undefined;
    if (path.length > depthMax) return this.#reject(node, path, 'the file is nested too deeply', null);
    if (this.#aliasDepth > 0 && (this.#aliasedValues += 1) > aliasedValuesMax) {
      this.exhausted = true;
      return this.#reject(
        this.#outermost ?? node,
        path,
        `aliases repeat more than ${aliasedValuesMax} values`,
        'write out what is meant',
      );
    }
    this.#positions.setValue(path, node, isMap(node) || isSeq(node));
    if (isAlias(node)) return this.#readAlias(node, path);
    if (isScalar(node)) return this.#readScalar(node, path);
    this.#open.add(node);
    const value = isMap(node) ? this.#readMap(node, path) : isSeq(node) ? this.#readList(node, path) : undefined;
    this.#open.delete(node);
    return value;
  }

  #readAlias(alias: Alias, path: readonly (string | number)[]): unknown {
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      const scope = this.included === null ? ' of this file' : '';
      const quotes = /^\*+$/.test(alias.source)
        ? 'put the value back that `candor configuration show` hid, or write the asterisks in quotes'
        : alias.source.startsWith('.')
          ? `put it in quotes: "*${alias.source}"`
          : `write &${alias.source} before the value that *${alias.source} is to repeat`;
      return this.#reject(alias, path, `there is no anchor &${alias.source}${scope} before this alias`, quotes);
    }
    if (this.#open.has(target))
      return this.#reject(alias, path, `the alias *${alias.source} stands inside of what it repeats`, null);
    if (this.#aliasDepth === 0) this.#outermost = alias;
    this.#aliasDepth += 1;
    const value = this.read(target, path);
    this.#aliasDepth -= 1;
    return value;
  }

  #readList(list: YAMLSeq, path: readonly (string | number)[]): unknown[] {
    if (path.length === 1 && path[0] === 'routes') {
      const routes: unknown[] = [];
      this.#readRoutes(list, routes);
      return routes;
    }
    return list.items.map((item, at) => this.read(item as Node, [...path, at]));
  }

  /** Included routes stand where their files are named. */
  #readRoutes(list: YAMLSeq, into: unknown[]): void {
    for (const item of list.items as Node[]) {
      const include = isMap(item) ? (item.items as Pair<Node, Node | null>[]).find(isInclude) : undefined;
      if (include === undefined) into.push(this.read(item, ['routes', into.length]));
      else this.#include(item as YAMLMap, include, into);
    }
  }

  #include(entry: YAMLMap, { key, value }: Pair<Node, Node | null>, into: unknown[]): void {
    const path = ['routes', into.length, 'include'];
    this.#positions.setKey(path, key);
    if (this.included === null)
      return this.#reject(
        key,
        path,
        'an included file cannot include another one',
        'name that one in the configuration itself',
      );
    const [other] = (entry.items as Pair<Node, Node | null>[]).filter((pair) => !isInclude(pair));
    if (other !== undefined)
      return this.#reject(
        other.key,
        path,
        'an entry with "include" has no other keys',
        'write them into the included routes',
      );
    const written = value === null ? undefined : this.read(value, path);
    if (typeof written !== 'string' || written === '') {
      if (written !== undefined || value === null)
        this.#reject(value ?? key, path, 'a file or folder is expected here', 'for example "include: ./routes.d"');
      return;
    }
    const include = includeKey(written);
    this.included.wanted.push(include);
    const error = this.included.unread.get(include);
    if (error !== undefined) this.#reject(value, path, error.message, error.suggestion, null, error.severity);
    for (const [part, document] of this.included.documents)
      if (part.include === include) this.#readIncluded(document, into);
  }

  #readIncluded(document: Document.Parsed, routes: unknown[]): void {
    const reader = new TreeReader(this.#source, this.#file, this.#environment, this.#positions, document, this.errors);
    const { contents } = document;
    if (isSeq(contents)) reader.#readRoutes(contents, routes);
    else if (isMap(contents)) reader.#readIncludedMap(contents, routes, this.included as IncludedDocuments);
    else if (contents !== null && !(isScalar(contents) && contents.value === null))
      reader.#reject(
        contents,
        [],
        'an included file has a list of routes, or "routes", "upstreams" and "applications"',
        null,
      );
    this.exhausted ||= reader.exhausted;
  }

  #readIncludedMap(map: YAMLMap, routes: unknown[], included: IncludedDocuments): void {
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const name = isScalar(pair.key) ? keyText(pair.key) : '';
      if (name === 'routes' && isSeq(pair.value)) this.#readRoutes(pair.value, routes);
      else if ((name === 'upstreams' || name === 'applications') && isMap(pair.value))
        included.maps.push({ section: name, map: pair.value, reader: this });
      else if (name.startsWith('x-')) this.#readPair(pair, [`included ${included.anchors++}`], {});
      else if (name === 'routes' || name === 'upstreams' || name === 'applications')
        this.#reject(pair.key, [name], `${quoted(name)} has another form here than in a configuration`, null);
      else
        this.#reject(
          pair.key,
          [],
          `${quoted(name)} cannot stand in an included file`,
          'write it into the configuration itself; an included file has "routes", "upstreams" and "applications"',
        );
    }
  }

  /** Upstreams and applications of included files are those of all. `value`: what was read of the configuration. */
  readIncludedMaps(value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const root = value as Record<string, unknown>;
    for (const { section, map, reader } of this.included?.maps ?? []) {
      const into = (root[section] ??= {});
      if (typeof into !== 'object' || into === null || Array.isArray(into)) continue;
      for (const pair of map.items as Pair<Node, Node | null>[]) {
        const name = isScalar(pair.key) ? keyText(pair.key) : '';
        if (Object.hasOwn(into, name))
          reader.#reject(
            pair.key,
            [],
            `${quoted(name)} is in ${quoted(section)} of another file already`,
            'give one of them another name',
          );
        else reader.#readPair(pair, [section], into as Record<string, unknown>);
      }
    }
  }

  #readMap(map: YAMLMap, path: readonly (string | number)[]): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      if (isScalar(pair.key) && pair.key.value === '<<' && pair.key.type === 'PLAIN') this.#merge(pair, path, value);
      else this.#readPair(pair, path, value);
    }
    return value;
  }

  #readPair(pair: Pair<Node, Node | null>, path: readonly (string | number)[], into: Record<string, unknown>): void {
    if (!isScalar(pair.key)) {
      this.#reject(pair.key ?? pair.value, path, 'a key is a word, not a list, map or alias', null);
      return;
    }
    const key = keyText(pair.key);
    if (key === '__proto__') {
      this.#reject(pair.key, path, `unknown key ${quoted(key)}`, null);
      return;
    }
    const at = [...path, key];
    this.#positions.setKey(at, pair.key);
    // A key whose value could not be read is there all the same: it is not missing besides.
    into[key] = pair.value === null ? this.#rejectNothing(pair.key, at) : this.read(pair.value, at);
  }

  /** `<<: *anchor`: the keys of another map, as far as this one does not have them. */
  #merge(pair: Pair<Node, Node | null>, path: readonly (string | number)[], into: Record<string, unknown>): void {
    const sources = isSeq(pair.value) ? (pair.value.items as Node[]) : [pair.value];
    for (const source of sources) {
      const target = isAlias(source) ? source.resolve(this.#document) : source;
      if (isAlias(source) && target === undefined) {
        this.#readAlias(source, path);
        continue;
      }
      if (!isMap(target) || this.#open.has(target)) {
        this.#reject(
          source ?? pair.key,
          path,
          '"<<" merges maps, and this is none',
          'write <<: *name, where &name stands at a map',
        );
        continue;
      }
      this.#aliasDepth += 1;
      this.#open.add(target);
      for (const inner of target.items as Pair<Node, Node | null>[]) {
        if (isScalar(inner.key) && !Object.hasOwn(into, keyText(inner.key))) this.#readPair(inner, path, into);
      }
      this.#open.delete(target);
      this.#aliasDepth -= 1;
    }
  }

  #readScalar(scalar: Scalar, path: readonly (string | number)[]): unknown {
    if (scalar.value === null) return this.#rejectNothing(scalar, path);
    if (typeof scalar.value !== 'string') {
      this.#positions.setWritten(path, scalar.source ?? plainText(scalar.value));
      return typeof scalar.value === 'bigint' ? Number(scalar.value) : scalar.value;
    }
    const { text, expanded, fills, errors } = expandVariables(
      scalar.value,
      this.#environment,
      isOfProgram(path) ? 'application' : null,
    );
    for (const { message, suggestion, offset, length } of errors.slice(
      0,
      Math.max(0, errorsMax - this.errors.length),
    )) {
      const position = this.#positionWithin(scalar, scalar.value.slice(offset, offset + length));
      this.errors.push(configurationError(this.#file, position, pathText(path), message, suggestion));
    }
    if (expanded) this.#positions.setExpanded(path, text, fills);
    if (errors.length === 0) return text;
    this.#positions.markBad(path);
    return undefined;
  }

  /** Where a piece of a scalar's value stands in the file; the scalar's own place where escapes hide it. */
  #positionWithin(scalar: Scalar, part: string): { line: number; column: number; span: number } {
    const [start, end] = scalar.range ?? [0, 0];
    const found = this.#source.text.slice(start, end).indexOf(part);
    return found === -1
      ? positionOf(this.#source, start, end)
      : positionOf(this.#source, start + found, start + found + part.length);
  }

  #rejectNothing(node: Node, path: readonly (string | number)[]): undefined {
    const last = path.at(-1);
    const keyRange = this.#positions.keyOffsets(path);
    const position = keyRange === null ? null : positionOf(this.#source, keyRange[0], keyRange[1]);
    const message = typeof last === 'string' ? `the key ${quoted(last)} has no value` : 'there is no value here';
    const example = exampleAt(path);
    // What stands for the port of an instance is a map to YAML.
    const suggestion =
      typeof last === 'string' && isPort(last) && isOfProgram(path)
        ? 'put it in quotes: "{port}"'
        : `give it a value${example === null ? '' : `, such as ${example}`}, or remove it`;
    return this.#reject(node, path, message, suggestion, position);
  }

  #reject(
    node: Node | null,
    path: readonly (string | number)[],
    message: string,
    suggestion: string | null,
    position: ReturnType<typeof positionOf> | null = null,
    severity: ConfigurationError['severity'] = 'error',
  ): undefined {
    this.#positions.markBad(path);
    if (this.errors.length >= errorsMax) return undefined;
    const [start, end] = node?.range ?? [0, 1];
    this.errors.push(
      configurationError(
        this.#file,
        position ?? positionOf(this.#source, start, end),
        pathText(path),
        message,
        suggestion,
        severity,
      ),
    );
    return undefined;
  }
}

/** The included files of one configuration, and what is read of them. */
export class IncludedDocuments {
  readonly documents: readonly (readonly [SourcePart, Document.Parsed])[];
  readonly unread: ReadonlyMap<string, IncludeError>;
  /** What `include` names, in the order of the file. */
  readonly wanted: string[] = [];
  readonly maps: { section: 'upstreams' | 'applications'; map: YAMLMap; reader: TreeReader }[] = [];
  anchors = 0;

  constructor(
    documents: readonly (readonly [SourcePart, Document.Parsed])[],
    unread: ReadonlyMap<string, IncludeError>,
  ) {
    this.documents = documents;
    this.unread = unread;
  }
}

function isInclude({ key }: Pair<Node, Node | null>): boolean {
  return isScalar(key) && key.value === 'include';
}

/** How `include` is spelt in the text of all files: 'routes.d' for './routes.d/'. */
function includeKey(written: string): string {
  return normalize(written).replace(/(?<=.)\/+$/, '');
}

/** Whether it is for a program that Candor runs: in the command of an application, or in its variables. */
function isOfProgram([section, , key]: readonly (string | number)[]): boolean {
  return section === 'applications' && (key === 'command' || key === 'environment');
}

function keyText(key: Scalar): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}
