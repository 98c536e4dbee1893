import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Complaint } from './complaints.ts';
import { complaintsMax } from './complainer.ts';
import { complain } from './complaints.ts';
import type { Environment } from './expand.ts';
import { expandVariables } from './expand.ts';
import { plainText, quoted } from './objection.ts';
import type { PlaceIndex } from './place-index.ts';
import { PathPlaces, pathText } from './place-index.ts';
import type { SourceText } from './source-text.ts';
import { placeOf, sourceText, wholeFile } from './source-text.ts';
import { complainOfSyntax } from './syntax-complaints.ts';

/** Larger files are no configurations written by people, and take long to read. */
export const fileOctetsMax = 1024 * 1024;

/** How many values may come from aliases: a bomb of nine lines makes billions. */
const aliasedValuesMax = 10_000;

/** Deeper than any key of ours by far; keeps a hostile file from exhausting the stack. */
const depthMax = 64;

export interface ReadDocument {
  /** Plain data; undefined where nothing usable was read. */
  readonly value: unknown;
  readonly places: PlaceIndex;
  readonly complaints: readonly Complaint[];
}

/** YAML text into plain data with the place of every key and value, variables expanded. Never throws. */
export function readDocument(text: string, file: string, environment: Environment): ReadDocument {
  const source = sourceText(text);
  const places = new PathPlaces(source);
  const early = complainOfText(source, file);
  if (early.length > 0) return { value: undefined, places, complaints: early };
  const document = parseSafely(text);
  if (document === null) {
    const complaint = complain(
      file,
      placeOf(source, 0, 1),
      '',
      'the file is nested too deeply to be read',
      'no key of ours lies deeper than eight levels',
    );
    return { value: undefined, places, complaints: [complaint] };
  }
  const syntax = complainOfSyntax(document, source, file);
  if (syntax.fatal) return { value: undefined, places, complaints: syntax.complaints };
  const reader = new TreeReader(source, file, environment, places, document);
  const value = document.contents === null ? undefined : reader.read(document.contents, []);
  return {
    value: reader.exhausted ? undefined : value,
    places,
    complaints: [...syntax.complaints, ...reader.complaints],
  };
}

function parseSafely(text: string): Document.Parsed | null {
  try {
    return parseDocument(text, { prettyErrors: false });
  } catch (thrown) {
    // The parser descends with the document; only running out of stack is expected of it.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

/** What can be said before it is YAML: empty, or not text. */
function complainOfText(source: SourceText, file: string): Complaint[] {
  // Line by line: one pattern for the whole would try every way to split a line of hashes.
  if (source.text.split('\n').every((line) => /^\s*(?:#|$)/.test(line))) {
    const minimal = 'begin with: upstreams: { app: "127.0.0.1:3000" }';
    return [complain(file, source.text === '' ? wholeFile : placeOf(source, 0, 1), '', 'the file is empty', minimal)];
  }
  const strange = [...source.text.matchAll(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/g)].slice(0, 5);
  return strange.map((match) => {
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return complain(
      file,
      placeOf(source, match.index, match.index + 1),
      '',
      `the control character U+${code} cannot stand in YAML`,
      'remove it; in double quotes it can be written as \\u' + code.toLowerCase(),
    );
  });
}

/** Walks the nodes of one document. Lives for one call of `readDocument`. */
class TreeReader {
  readonly complaints: Complaint[] = [];
  readonly #source: SourceText;
  readonly #file: string;
  readonly #environment: Environment;
  readonly #places: PathPlaces;
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
    places: PathPlaces,
    document: Document.Parsed,
  ) {
    this.#source = source;
    this.#file = file;
    this.#environment = environment;
    this.#places = places;
    this.#document = document;
  }

  read(node: Node, path: readonly (string | number)[]): unknown {
    if (this.exhausted) return undefined;
    if (path.length > depthMax) return this.#object(node, path, 'the file is nested too deeply', null);
    if (this.#aliasDepth > 0 && (this.#aliasedValues += 1) > aliasedValuesMax) {
      this.exhausted = true;
      return this.#object(
        this.#outermost ?? node,
        path,
        `aliases repeat more than ${aliasedValuesMax} values`,
        'write out what is meant',
      );
    }
    this.#places.setValue(path, node, isMap(node) || isSeq(node));
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
      const quotes = alias.source.startsWith('.')
        ? `put it in quotes: "*${alias.source}"`
        : `write &${alias.source} before what is to be repeated`;
      return this.#object(alias, path, `there is no anchor &${alias.source} before this alias`, quotes);
    }
    if (this.#open.has(target))
      return this.#object(alias, path, `the alias *${alias.source} stands inside of what it repeats`, null);
    if (this.#aliasDepth === 0) this.#outermost = alias;
    this.#aliasDepth += 1;
    const value = this.read(target, path);
    this.#aliasDepth -= 1;
    return value;
  }

  #readList(list: YAMLSeq, path: readonly (string | number)[]): unknown[] {
    return list.items.map((item, at) => this.read(item as Node, [...path, at]));
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
      this.#object(pair.key ?? pair.value, path, 'a key is a word, not a list, map or alias', null);
      return;
    }
    const key = keyText(pair.key);
    if (key === '__proto__') {
      this.#object(pair.key, path, `unknown key ${quoted(key)}`, null);
      return;
    }
    const at = [...path, key];
    this.#places.setKey(at, pair.key);
    // A key whose value could not be read is there all the same: it is not missing besides.
    into[key] = pair.value === null ? this.#objectToNothing(pair.key, at) : this.read(pair.value, at);
  }

  /** `<<: *anchor`: the keys of another map, as far as this one does not have them. */
  #merge(pair: Pair<Node, Node | null>, path: readonly (string | number)[], into: Record<string, unknown>): void {
    const sources = isSeq(pair.value) ? (pair.value.items as Node[]) : [pair.value];
    for (const source of sources) {
      const target = isAlias(source) ? source.resolve(this.#document) : source;
      if (!isMap(target) || this.#open.has(target)) {
        this.#object(
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
    if (scalar.value === null) return this.#objectToNothing(scalar, path);
    if (typeof scalar.value !== 'string') {
      this.#places.setWritten(path, scalar.source ?? plainText(scalar.value));
      return typeof scalar.value === 'bigint' ? Number(scalar.value) : scalar.value;
    }
    const { text, expanded, objections } = expandVariables(scalar.value, this.#environment);
    for (const { message, suggestion, offset, length } of objections.slice(
      0,
      Math.max(0, complaintsMax - this.complaints.length),
    )) {
      const place = this.#placeWithin(scalar, scalar.value.slice(offset, offset + length));
      this.complaints.push(complain(this.#file, place, pathText(path), message, suggestion));
    }
    if (expanded) this.#places.setExpanded(path);
    if (objections.length === 0) return text;
    this.#places.markBad(path);
    return undefined;
  }

  /** Where a piece of a scalar's value stands in the file; the scalar's own place where escapes hide it. */
  #placeWithin(scalar: Scalar, piece: string): { line: number; column: number; span: number } {
    const [start, end] = scalar.range ?? [0, 0];
    const found = this.#source.text.slice(start, end).indexOf(piece);
    return found === -1
      ? placeOf(this.#source, start, end)
      : placeOf(this.#source, start + found, start + found + piece.length);
  }

  #objectToNothing(node: Node, path: readonly (string | number)[]): undefined {
    const last = path.at(-1);
    const keyRange = this.#places.keyOffsets(path);
    const place = keyRange === null ? null : placeOf(this.#source, keyRange[0], keyRange[1]);
    const message = typeof last === 'string' ? `the key ${quoted(last)} has no value` : 'there is no value here';
    return this.#object(node, path, message, 'give it a value, or remove it', place);
  }

  #object(
    node: Node | null,
    path: readonly (string | number)[],
    message: string,
    suggestion: string | null,
    place: ReturnType<typeof placeOf> | null = null,
  ): undefined {
    this.#places.markBad(path);
    if (this.complaints.length >= complaintsMax) return undefined;
    const [start, end] = node?.range ?? [0, 1];
    this.complaints.push(
      complain(this.#file, place ?? placeOf(this.#source, start, end), pathText(path), message, suggestion),
    );
    return undefined;
  }
}

function keyText(key: Scalar): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}
