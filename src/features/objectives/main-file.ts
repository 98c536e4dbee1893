import { join } from 'node:path';
import { makePrivateFolder } from '../../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../../deploy/own-file.ts';
import type { KeptCounts } from '../../policy/slo-burn.ts';

const version = 1;
/** An objective takes up to some 15 KiB. */
const bytesMax = 32 * 1024 * 1024;

/** Keeps the counts of objectives beyond the end of the process. */
export interface SloStorage {
  /** Never throws: a file that cannot be used is as none. */
  read(): Readonly<Record<string, KeptCounts>>;
  /** Never rejects. */
  write(counts: Readonly<Record<string, KeptCounts>>): Promise<void>;
}

/** A file in the state folder. */
export class SloFile implements SloStorage {
  readonly #folder: string;
  /** One write at a time. */
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'slo.json');
  }

  read(): Readonly<Record<string, KeptCounts>> {
    const found = readOwnFile(this.#path, bytesMax);
    if (found.kind !== 'text') return {};
    try {
      const body = JSON.parse(found.text) as { version?: unknown; objectives?: unknown } | null;
      if (body?.version !== version || typeof body.objectives !== 'object' || body.objectives === null) return {};
      return Object.fromEntries(
        Object.entries(body.objectives).filter((entry): entry is [string, KeptCounts] => isKept(entry[1])),
      );
    } catch {
      return {};
    }
  }

  write(objectives: Readonly<Record<string, KeptCounts>>): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(objectives));
    return this.#writing;
  }

  async #write(objectives: Readonly<Record<string, KeptCounts>>): Promise<void> {
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      await writeWholeLater(this.#path, `${JSON.stringify({ version, objectives })}\n`);
    } catch {
      // Written again in five minutes.
    }
  }
}

function isKept(value: unknown): boolean {
  const { since, levels } = (value ?? {}) as { since?: unknown; levels?: unknown };
  return (
    Number.isFinite(since) &&
    Array.isArray(levels) &&
    levels.every((level) => Array.isArray(level) && level.every(isBucket))
  );
}

function isBucket(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((number) => Number.isFinite(number) && (number as number) >= 0)
  );
}
