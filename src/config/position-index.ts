import type { Node } from 'yaml';
import type { Path } from '../schema/findings.ts';
import type { Fill } from './expand.ts';
import type { SourcePosition, SourceText } from './source-text.ts';
import { positionOf, wholeFile } from './source-text.ts';

/** `routes[0].timeouts.connect`; a key that is no plain word stands in brackets and quotes. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[A-Za-z_][\w-]*$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** Where the values of a document stand, as offsets. */
export interface PathOffsets {
  /** All values that are no lists and no maps. */
  scalars(): Iterable<ScalarPosition>;
  keys(): Iterable<KeyPosition>;
}

/** A value that is no list and no map. */
export interface ScalarPosition {
  /** `routes[0].timeouts.connect` */
  readonly key: string;
  readonly path: Path;
  readonly start: number;
  readonly end: number;
  /** What the variables in it gave; null if there are none. */
  readonly expanded: string | null;
  readonly fills: readonly Fill[];
}

export interface KeyPosition {
  readonly path: Path;
  readonly start: number;
  readonly end: number;
}

/** Where the keys and values of a document stand. */
export interface PositionIndex extends PathOffsets {
  /** The key if there is one, else the value; of the nearest ancestor that is in the file. */
  keyPosition(path: Path): SourcePosition;
  /** The value; a list or map is shown by its key. */
  valuePosition(path: Path): SourcePosition;
  /** How a scalar was written, where its value is not text ("1.10" for 1.1). */
  written(path: Path): string | null;
  /** Whether the value came from a variable, and so has no type of its own. */
  isExpanded(path: Path): boolean;
  /** What variables gave in a scalar. */
  fills(path: Path): readonly Fill[];
  /** Whether something was complained of here already. */
  isBad(path: Path): boolean;
}

interface Entry {
  readonly path: Path;
  key: readonly [number, number] | null;
  value: readonly [number, number] | null;
  collection: boolean;
  written: string | null;
  expanded: string | null;
  fills: readonly Fill[];
  bad: boolean;
}

export class PathPositions implements PositionIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #source: SourceText;

  constructor(source: SourceText) {
    this.#source = source;
  }

  setKey(path: Path, node: Node): void {
    this.#entry(path).key = offsetsOf(node);
  }

  setValue(path: Path, node: Node, collection: boolean): void {
    const entry = this.#entry(path);
    entry.value = offsetsOf(node);
    entry.collection = collection;
  }

  setWritten(path: Path, text: string): void {
    this.#entry(path).written = text;
  }

  setExpanded(path: Path, text: string, fills: readonly Fill[]): void {
    const entry = this.#entry(path);
    entry.expanded = text;
    entry.fills = fills;
  }

  markBad(path: Path): void {
    this.#entry(path).bad = true;
  }

  keyOffsets(path: Path): readonly [number, number] | null {
    return this.#entries.get(pathText(path))?.key ?? null;
  }

  *scalars(): Iterable<ScalarPosition> {
    for (const [key, { path, value, collection, expanded, fills }] of this.#entries)
      if (value !== null && !collection) yield { key, path, start: value[0], end: value[1], expanded, fills };
  }

  *keys(): Iterable<KeyPosition> {
    for (const { path, key } of this.#entries.values()) if (key !== null) yield { path, start: key[0], end: key[1] };
  }

  keyPosition(path: Path): SourcePosition {
    const entry = this.#entries.get(pathText(path));
    const offsets = entry?.key ?? entry?.value ?? null;
    if (offsets !== null) return positionOf(this.#source, offsets[0], offsets[1]);
    return path.length === 0 ? this.#first() : this.keyPosition(path.slice(0, -1));
  }

  valuePosition(path: Path): SourcePosition {
    const entry = this.#entries.get(pathText(path));
    if (entry === undefined || entry.value === null || entry.collection) return this.keyPosition(path);
    return positionOf(this.#source, entry.value[0], entry.value[1]);
  }

  written(path: Path): string | null {
    return this.#entries.get(pathText(path))?.written ?? null;
  }

  isExpanded(path: Path): boolean {
    return (this.#entries.get(pathText(path))?.expanded ?? null) !== null;
  }

  fills(path: Path): readonly Fill[] {
    return this.#entries.get(pathText(path))?.fills ?? [];
  }

  isBad(path: Path): boolean {
    return this.#entries.get(pathText(path))?.bad ?? false;
  }

  #first(): SourcePosition {
    return this.#source.text === '' ? wholeFile : positionOf(this.#source, 0, 1);
  }

  #entry(path: Path): Entry {
    const key = pathText(path);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { path, key: null, value: null, collection: false, written: null, expanded: null, fills: [], bad: false };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

function offsetsOf(node: Node): readonly [number, number] | null {
  const range = node.range;
  return range === null || range === undefined ? null : [range[0], range[1]];
}
