/** `docs/reference.md`, from the schema: every key with its type, default and reason; and what `docs/admin-api.md` says of hidden values. */
import { harmlessHeaders } from '../redact/harmless-headers.ts';
import { hiddenKeys } from './hidden-keys.ts';
import { file } from './schema.ts';
import {
  type AnySchema,
  definition,
  type Hiding,
  entriesOf,
  objectIn,
  shapeOf,
  shownOf,
} from '../schema/schema-parts.ts';

/** `docs/reference.md`. Keys that several sections share stand once, at the first of them; the others refer to it. */
export function referenceDocument(): string {
  const tables = allPaths().map((path) => ({ path, rows: rowsAt(path), same: [] as string[] }));
  const sections: (KeyTable & Partial<Shared>)[] = [];
  for (const table of tables) {
    const shared = sharedWith(table.rows, sections);
    if (shared !== null && shared.keys.length === table.rows.size && shared.keys.length === shared.of.rows.size)
      shared.of.same.push(table.path);
    else sections.push({ ...table, ...shared });
  }
  return `${[introduction, ...sections.map(sectionText)].join('\n\n')}\n`;
}

interface KeyTable {
  readonly path: string;
  /** The row of each key. */
  readonly rows: ReadonlyMap<string, string>;
  /** Paths with the same keys, which have no section. */
  readonly same: string[];
}

interface Shared {
  readonly of: KeyTable;
  readonly keys: readonly string[];
}

/** The table before with which most rows are shared. */
function sharedWith(rows: ReadonlyMap<string, string>, before: readonly KeyTable[]): Shared | null {
  const candidates = before
    .map((of) => ({ of, keys: [...rows].filter(([key, row]) => of.rows.get(key) === row).map(([key]) => key) }))
    .filter(({ keys }) => keys.length > 0)
    .toSorted((one, other) => other.keys.length - one.keys.length);
  return candidates[0] ?? null;
}

const introduction = `<!-- Written by src/config/documents.test.ts (UPDATE_DOCS=1) from the schema. Change it there. -->

# Every key of candor.yaml

[The guide](configuration.md) says how values are written and what to do with these keys. Here stands each key once, with its type and default, what it is for, and
*why this default*. \`*\` is a name of your own, or one of a list. \`candor schema\` has the same for editors.`;

function sectionText({ path, rows, same, of, keys }: KeyTable & Partial<Shared>): string {
  const own = [...rows].filter(([key]) => keys?.includes(key) !== true).map(([, row]) => row);
  const referred = of === undefined ? '' : `As of [\`${of.path}\`](#${anchorOf(of.path)}): ${listed(keys ?? [])}.`;
  return [
    `## ${path === 'file' ? 'The file' : `\`${path}\``}`,
    same.length === 0 ? '' : `Also: ${listed(same)}.`,
    own.join('\n'),
    referred,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const anchorOf = (path: string): string => (path === 'file' ? 'the-file' : path.replaceAll(/[.*]/g, ''));

/** Every key, by its path: `routes.*.timeouts.idle`. */
export function allKeys(): string[] {
  return allPaths().flatMap((path) =>
    [...rowsAt(path).keys()].map((key) => (path === 'file' ? key : `${path}.${key}`)),
  );
}

/** Fills in what stands between `<!-- hidden -->` and `<!-- end -->`: how values of which keys are hidden. */
export function fillHidden(document: string): string {
  const ways = Object.entries(hiddenWays).map(([hiding, what]) => {
    const keys = hiddenKeys().filter((key) => key.hiding === hiding);
    return `| ${what} | ${keys.map(({ path }) => `\`${path}\``).join(', ')} |`;
  });
  const names = harmlessHeaders.map((name) => `\`${name}\``).join(', ');
  const table = ['| what is hidden | of which keys |', '| --- | --- |', ...ways, ''].join('\n');
  const text = `\n${table}\nHeaders whose values are shown: ${names}. Not those that \`log.secret_headers\` names.\n\n`;
  return document.replace(
    /(<!-- hidden -->\n)[^]*?(<!-- end -->)/,
    (_, open: string, close: string) => `${open}${text}${close}`,
  );
}

const hiddenWays: Readonly<Record<Hiding, string>> = {
  value: 'all of it',
  header: 'the values of headers, but those of the headers below',
  name: 'values whose names mark secrets',
  path: 'of a URL, what follows the host',
  query: 'values in the query',
  command: 'words that are values of options and variables whose names mark secrets, or have the form of a secret',
  hash: 'everything but a hash and a role',
  secret_name: 'what cannot be the name of a secret',
  file: 'the content of the file; its path is shown',
};

/** Every map of keys in the schema. */
function allPaths(): string[] {
  const paths: string[] = [];
  const walkedEntries = new Set<AnySchema>();
  const walk = (schema: AnySchema, path: string): void => {
    const object = objectIn(schema);
    if (object !== null) {
      if (!paths.includes(path)) paths.push(path);
      for (const [key, inner] of Object.entries(shapeOf(object))) walk(inner, path === 'file' ? key : `${path}.${key}`);
    }
    const entries = entriesOf(schema);
    // The list of endpoints may stand in place of an upstream, too.
    if (entries === null || walkedEntries.has(entries)) return;
    walkedEntries.add(entries);
    walk(entries, `${path}.*`);
  };
  walk(file, 'file');
  return paths;
}

function rowsAt(path: string): Map<string, string> {
  const object = objectIn(schemaAt(path));
  if (object === null) throw new Error(`there are no keys at ${path}`);
  const rows = Object.entries(shapeOf(object)).map(([key, schema]): [string, string] => {
    const shown = shownOf(schema);
    const fallback =
      definition(schema).type === 'optional'
        ? shown.otherwise === undefined
          ? ''
          : `, default ${inCell(shown.otherwise)}`
        : ', **needed**';
    const description = (shown.description ?? '').replace(` Default: ${shown.otherwise}.`, '');
    const what = [description, shown.why === undefined ? '' : `*${shown.why}*`].join(' ').trim();
    return [key, `- **\`${key}\`** (${typeText(schema)}${fallback}): ${what}`];
  });
  return new Map(rows);
}

function inCell(written: string): string {
  return / /.test(written) && !/^[{[]/.test(written) ? written : `\`${written}\``;
}

function schemaAt(path: string): AnySchema {
  let schema: AnySchema = file;
  for (const part of path === 'file' ? [] : path.split('.')) {
    const object = objectIn(schema);
    const next = part === '*' ? entriesOf(schema) : object === null ? null : (shapeOf(object)[part] ?? null);
    if (next === null) throw new Error(`there is no ${part} of ${path}`);
    schema = next;
  }
  return schema;
}

/** "duration", "text or a list", "`tcp`, `none` or keys". */
function typeText(schema: AnySchema): string {
  const words = [...new Set(typeWords(schema))];
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function typeWords(schema: AnySchema): string[] {
  const part = definition(schema);
  const kind = shownOf(schema).kind;
  switch (part.type) {
    case 'optional':
      return typeWords(part.innerType!);
    case 'pipe':
      return typeWords(part.in!);
    case 'union':
      return part.options!.flatMap((option) => typeWords(option));
    case 'string':
      return kind?.split(', ') ?? ['text'];
    case 'number':
      return ['number'];
    case 'boolean':
      return ['`true`', '`false`'];
    case 'literal':
      return part.values!.map((value) => `\`${String(value)}\``);
    case 'enum':
      return Object.values(part.entries!).map((value) => `\`${value}\``);
    case 'array':
      return [`list of ${plural(typeText(part.element!))}`];
    case 'record':
      return [`names with ${plural(typeText(part.valueType!))}`];
    default:
      return ['keys'];
  }
}

function plural(words: string): string {
  return words.replace(/\b(address|network|host|path|method|header name)\b/g, (word) =>
    word === 'address' ? 'addresses' : `${word}s`,
  );
}
