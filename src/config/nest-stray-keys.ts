/** Keys that were not indented below the name that they belong to, which is the commonest mistake in YAML. */
import { isMap, isScalar, isSeq, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { YAMLMap as EmptyMap } from 'yaml';
import { nearest } from '../core/nearest.ts';
import { type ErrorDetail, quoted } from '../schema/error-detail.ts';
import { translate } from './foreign-words.ts';
import { file } from './schema.ts';
import { type AnySchema, definition, entriesOf, objectIn, shapeOf } from '../schema/schema-parts.ts';

type MapPair = Pair<Node, Node | null>;

interface StrayKeys extends ErrorDetail {
  /** The name beside which they stand. */
  readonly at: Node;
}

/**
 * Moves them in `document` to where they were meant, so that the rest is judged as it will be, and says what was wrong. A repeated key
 * is no error of the document then, if it stands once in each entry.
 */
export function nestStrayKeys(document: Document.Parsed, source: string): readonly StrayKeys[] {
  const found: StrayKeys[] = [];
  const moved = new Set<number>();
  nestBelow(document.contents, file, found, moved);
  // The parser points at the white space before the key.
  const isOfEntry = (at: number): boolean => moved.has(at + /^\s*/.exec(source.slice(at))![0].length);
  document.errors = document.errors.filter(({ code, pos }) => code !== 'DUPLICATE_KEY' || !isOfEntry(pos[0]));
  return found;
}

function nestBelow(node: Node | null, schema: AnySchema | null, found: StrayKeys[], moved: Set<number>): void {
  if (schema === null) return;
  if (isMap(node)) {
    nestIn(node, schema, found, moved);
    for (const { key, value } of node.items as MapPair[])
      nestBelow(value, schemaBelow(schema, nameOf(key)), found, moved);
  } else if (isSeq(node)) for (const item of node.items) nestBelow(item as Node, entriesOf(schema), found, moved);
}

function nestIn(map: YAMLMap, schema: AnySchema, found: StrayKeys[], moved: Set<number>): void {
  const pairs = map.items as MapPair[];
  const kept: MapPair[] = [];
  for (let at = 0; at < pairs.length; ) {
    const pair = pairs[at]!;
    kept.push(pair);
    at += 1;
    const target = targetOf(pair, schemaBelow(schema, nameOf(pair.key)));
    if (target === null) continue;
    const strays: MapPair[] = [];
    while (at < pairs.length && isStray(pairs[at]!, schema, target.schema, strays.length > 0))
      strays.push(pairs[at++]!);
    if (strays.length === 0) continue;
    for (const { key } of firstOfEach(strays)) moved.add(key.range?.[0] ?? -1);
    found.push(detailOf(pair.key, strays, target.isEntry));
    target.add(strays);
  }
  map.items = kept;
}

interface Target {
  readonly schema: AnySchema;
  /** Of a list; otherwise they are the value of a key. */
  readonly isEntry: boolean;
  readonly add: (strays: readonly MapPair[]) => void;
}

/** Where strays behind `pair` go: to a key without a value, or into the last entry of a list. */
function targetOf(pair: MapPair, schema: AnySchema | null): Target | null {
  if (schema === null) return null;
  if (isNothing(pair.value)) {
    const add = (strays: readonly MapPair[]): void => void (pair.value = mapOf(strays));
    return isMapOfNames(schema) || objectIn(schema) !== null ? { schema, isEntry: false, add } : null;
  }
  const entries = entriesOf(schema);
  if (!isSeq(pair.value) || pair.value.flow === true || entries === null || objectIn(entries) === null) return null;
  const { items } = pair.value;
  const last: unknown = items.at(-1);
  if (!isNothing(last) && (!isMap(last) || last.flow === true)) return null;
  const add = (strays: readonly MapPair[]): void => {
    if (isMap(last)) last.items.push(...strays);
    else items[items.length - 1] = mapOf(strays);
  };
  return { schema: entries, isEntry: true, add };
}

/** Whether the key cannot stand in `here`, and can stand in `below`; another one did before it: `hasBefore`. */
function isStray({ key, value }: MapPair, here: AnySchema, below: AnySchema, hasBefore: boolean): boolean {
  const name = nameOf(key);
  if (name === null) return false;
  const own = keysOf(here);
  if (!isMapOfNames(here) && own.includes(name)) return false;
  if (isMapOfNames(below)) return isEntry(name, value, own, entriesOf(below));
  const keys = keysOf(below);
  if (!keys.includes(name)) return hasBefore && nearest(name, keys, 1).length > 0;
  // An entry may have the name of a key, and then its value has keys of an entry.
  return !isMapOfNames(here) || !hasKeyOf(value, below) || hasKeyOf(value, shapeOf(objectIn(below)!)[name] ?? below);
}

/** Whether it is an entry of a map of names, and no key of the section that it stands in with another name. */
function isEntry(name: string, value: Node | null, own: readonly string[], entry: AnySchema | null): boolean {
  if (entry !== null && isMap(value)) return hasKeyOf(value, entry);
  if (isScalar(value) && /:\d+$/.test(String(value.value))) return true;
  if (isSeq(value) || nearest(name, own, 1).length > 0) return false;
  // A section by its name elsewhere has a value.
  return isNothing(value) || translate(name, own).here.length === 0;
}

function isNothing(value: unknown): boolean {
  return value === null || (isScalar(value) && value.value === null);
}

function hasKeyOf(value: Node | null, schema: AnySchema): boolean {
  const keys = keysOf(schema);
  return isMap(value) && (value.items as MapPair[]).some(({ key }) => keys.includes(nameOf(key) ?? ''));
}

function keysOf(schema: AnySchema): readonly string[] {
  const section = objectIn(schema);
  return section === null ? [] : Object.keys(shapeOf(section));
}

function schemaBelow(schema: AnySchema, name: string | null): AnySchema | null {
  if (name === null) return null;
  if (isMapOfNames(schema)) return entriesOf(schema);
  const section = objectIn(schema);
  return section !== null && Object.hasOwn(shapeOf(section), name) ? shapeOf(section)[name]! : null;
}

function isMapOfNames(schema: AnySchema): boolean {
  const { type, innerType, in: input } = definition(schema);
  return type === 'record' || [innerType, input].some((inner) => inner !== undefined && isMapOfNames(inner));
}

function nameOf(key: Node | null): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}

function firstOfEach(pairs: readonly MapPair[]): readonly MapPair[] {
  return pairs.filter((pair, at) => pairs.findIndex(({ key }) => nameOf(key) === nameOf(pair.key)) === at);
}

function mapOf(pairs: readonly MapPair[]): YAMLMap {
  const map = new EmptyMap();
  map.items = [...pairs];
  const last = pairs.at(-1)!;
  const end = (last.value ?? last.key).range?.[1] ?? 0;
  map.range = [pairs[0]!.key.range?.[0] ?? 0, end, end];
  return map;
}

/** Names in a sentence. */
const namesMax = 4;

function detailOf(at: Node, strays: readonly MapPair[], isEntryOfList: boolean): StrayKeys {
  const names = firstOfEach(strays).map(({ key }) => quoted(nameOf(key)));
  const shown = names.slice(0, names.length > namesMax ? namesMax - 1 : namesMax);
  const last = names.length > namesMax ? `${names.length - shown.length} more` : shown.pop()!;
  const list = shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
  const [stand, them] = names.length === 1 ? ['stands', 'it'] : ['stand', 'them'];
  const name = quoted(nameOf(at));
  return isEntryOfList
    ? {
        at,
        message: `${list} ${stand} beside ${name}, and not in its last entry`,
        suggestion: `indent ${them} as far as the first key of that entry, behind its "- "`,
      }
    : {
        at,
        message: `${list} ${stand} beside ${name}, and not below it`,
        suggestion: `indent ${them} by two spaces more than ${name}`,
      };
}
