import { jsonOf } from '../record/json-text.ts';

/** A top-level member of a status, or an element of one. */
interface StatusText {
  readonly json: string;
  /** Without ages: they grow although nothing changes. */
  readonly compared: string;
}

interface StatusPart extends StatusText {
  /** By their ids, in their order; null: it is no list of objects with an id each. */
  readonly elements: ReadonlyMap<string | number, StatusText> | null;
}

/** The top-level members of a status. */
export type StatusParts = ReadonlyMap<string, StatusPart>;

/** What has changed, each as one JSON object; null: nothing has. */
interface StatusChanges {
  /** Members that are sent whole. */
  readonly members: string | null;
  /** Of other members the elements that have changed, in lists. */
  readonly elements: string | null;
}

/** In a string the quotes of a key would be escaped. */
const ages = /"(?:since_s|uptime_s|seconds)":\d+(?:\.\d+)?/g;

export function partsOf(status: object): StatusParts {
  return new Map(Object.entries(status).map(([key, value]) => [key, partOf(key, value)]));
}

function partOf(key: string, value: unknown): StatusPart {
  const ids = Array.isArray(value) ? value.map(idOf) : [];
  if (ids.length === 0 || ids.includes(null) || new Set(ids).size < ids.length) return memberOf(key, value);
  const texts = (value as unknown[]).map(textOf);
  const listOf = (all: readonly string[]): string => `[${all.join(',')}]`;
  return {
    json: listOf(texts.map(({ json }) => json)),
    compared: listOf(texts.map(({ compared }) => compared)),
    elements: new Map(texts.map((text, index) => [ids[index] as string | number, text])),
  };
}

/** Its own key may be that of an age. */
function memberOf(key: string, value: unknown): StatusPart {
  const json = jsonOf(value);
  return { json, compared: `"${key}":${json}`.replace(ages, ''), elements: null };
}

function textOf(value: unknown): StatusText {
  const json = jsonOf(value);
  return { json, compared: json.replace(ages, '') };
}

function idOf(value: unknown): string | number | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

/** `byElement`: of a list with the same ids as before only the elements that differ. */
export function changesSince(sent: StatusParts, parts: StatusParts, byElement: boolean): StatusChanges {
  const members: string[] = [];
  const elements: string[] = [];
  for (const [key, part] of parts) {
    const before = sent.get(key);
    if (before?.compared === part.compared) continue;
    const changed = byElement && before !== undefined ? changedElements(before, part) : null;
    if (changed === null) members.push(`${JSON.stringify(key)}:${part.json}`);
    else elements.push(`${JSON.stringify(key)}:[${changed.join(',')}]`);
  }
  return { members: objectOf(members), elements: objectOf(elements) };
}

function objectOf(members: readonly string[]): string | null {
  return members.length === 0 ? null : `{${members.join(',')}}`;
}

/** Null: elements have come, gone or moved. */
function changedElements({ elements: before }: StatusPart, { elements }: StatusPart): readonly string[] | null {
  if (before === null || elements === null || before.size !== elements.size) return null;
  const ids = before.keys();
  const changed: string[] = [];
  for (const [id, { json, compared }] of elements) {
    if (ids.next().value !== id) return null;
    if (before.get(id)?.compared !== compared) changed.push(json);
  }
  return changed;
}
