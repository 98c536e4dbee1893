import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isIncludedName, pathOfIncluded, sourceParts } from '../config/included-files.ts';

/** Whether the files of the configuration have another text than the one that was applied. Reads them only where one was written since. */
export class EditedSource {
  /** Null: there is no file. */
  readonly #path: string | null;
  /** Digests of their texts, by their paths; of folders, of the names in them. Null: not known. */
  #applied: ReadonlyMap<string, string> | null = null;
  /** The files as they were looked at last. */
  #seen = '';
  #isEdited = false;

  constructor(path: string | null) {
    this.#path = path;
  }

  /** `text`: of all files; null: not known. */
  noteApplied(text: string | null): void {
    this.#applied = text === null || this.#path === null ? null : digestsOf(text, this.#path);
    this.#seen = '';
  }

  get isEdited(): boolean {
    if (this.#applied === null) return false;
    try {
      const paths = [...this.#applied.keys()];
      const seen = paths.map(stateOf).join('\n');
      if (seen !== this.#seen)
        this.#isEdited = [...this.#applied].some(([path, digest]) => digestOf(contentOf(path)) !== digest);
      this.#seen = seen;
      return this.#isEdited;
    } catch {
      return false;
    }
  }
}

function digestsOf(text: string, path: string): ReadonlyMap<string, string> {
  const [main, ...included] = sourceParts(text);
  const isSelfContained = readsAs(path, text);
  const digests = new Map([[path, digestOf(isSelfContained ? text : main.text)]]);
  if (isSelfContained) return digests;
  const names = new Map<string, string[]>();
  for (const part of included) {
    digests.set(resolve(dirname(path), pathOfIncluded(part)), digestOf(part.text));
    if (part.name === '') continue;
    const folder = resolve(dirname(path), part.include);
    names.set(folder, [...(names.get(folder) ?? []), part.name]);
  }
  for (const [folder, found] of names) digests.set(folder, digestOf(found.join('\n')));
  return digests;
}

/** A file that has the texts of those that it includes. */
function readsAs(path: string, text: string): boolean {
  try {
    return sourceParts(text).length > 1 && readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
}

function stateOf(path: string): string {
  const { mtimeMs, ctimeMs, size, ino } = statSync(path);
  return [mtimeMs, ctimeMs, size, ino].join(' ');
}

/** A folder is its names. */
function contentOf(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
  return readdirSync(path).filter(isIncludedName).toSorted().join('\n');
}

/** Behind the last line of a file another one may follow. */
const digestOf = (text: string): string =>
  createHash('sha256')
    .update(text.replace(/^\ufeff|\n$/g, ''))
    .digest('hex');
