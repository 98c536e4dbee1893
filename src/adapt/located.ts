/** Data of a file with the line of each value, whatever language it is written in. */
export type Located = LocatedScalar | LocatedList | LocatedMap | LocatedComputed;

interface LocatedScalar {
  readonly kind: 'scalar';
  readonly line: number;
  readonly value: string | number | boolean | null;
}

interface LocatedList {
  readonly kind: 'list';
  readonly line: number;
  readonly items: readonly Located[];
}

export interface LocatedMap {
  readonly kind: 'map';
  readonly line: number;
  /** The line of each entry is that of its key. */
  readonly entries: ReadonlyMap<string, Located>;
}

/** Known only when a program runs. */
interface LocatedComputed {
  readonly kind: 'computed';
  readonly line: number;
  readonly text: string;
}

const emptyMap: LocatedMap = { kind: 'map', line: 0, entries: new Map() };

/** A text, number or truth value as text; null for anything else. */
export function textOf(value: Located | undefined): string | null {
  return value?.kind === 'scalar' && value.value !== null ? String(value.value) : null;
}

export function numberOf(value: Located | undefined): number | null {
  const text = textOf(value);
  return text !== null && /^-?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : null;
}

export function isTrue(value: Located | undefined): boolean {
  return textOf(value) === 'true';
}

export function isFalse(value: Located | undefined): boolean {
  return textOf(value) === 'false';
}

export function mapOf(value: Located | undefined): LocatedMap {
  return value?.kind === 'map' ? value : emptyMap;
}

export function itemsOf(value: Located | undefined): readonly Located[] {
  return value?.kind === 'list' ? value.items : value === undefined ? [] : [value];
}

export function textsOf(value: Located | undefined): readonly string[] {
  return itemsOf(value).flatMap((one) => textOf(one) ?? []);
}

/** What stands at `path` below `value`. */
export function inside(value: Located | undefined, ...path: readonly string[]): Located | undefined {
  return path.reduce<Located | undefined>((found, key) => mapOf(found).entries.get(key), value);
}
