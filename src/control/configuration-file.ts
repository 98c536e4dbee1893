import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { KeptConfiguration, UnshownValue } from '../core/kept-configuration.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';

const version = 1;

/** As much as is kept (`configuration-history.ts`) in JSON, which doubles some characters. */
const bytesMax = 16 * 1024 * 1024;

/** Of the text that `candor configuration restore` writes back. */
export const originalPath = (stateFolder: string, id: number): string =>
  join(stateFolder, 'configurations', `${id}.yaml`);

/** Keeps configurations beyond the end of the process. */
export interface ConfigurationStorage {
  /** The oldest first. Never throws: a file that cannot be used is as none. */
  read(): readonly KeptConfiguration[];
  /** Keeps the text of one as it stands in its file, secrets included, and removes those of others than `kept`. Never throws. */
  keepOriginal(id: number, text: string, kept: readonly number[]): void;
  /** Never throws; the last call wins. */
  write(kept: readonly KeptConfiguration[]): void;
  /** Resolves when everything is written. */
  written(): Promise<void>;
}

/** A file in the state folder, 0600. */
export class ConfigurationFile implements ConfigurationStorage {
  readonly #folder: string;
  /** One write at a time. */
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'configurations.json');
  }

  read(): readonly KeptConfiguration[] {
    const found = readOwnFile(this.#path, bytesMax);
    if (found.kind !== 'text') return [];
    try {
      const content = JSON.parse(found.text) as { version?: unknown; configurations?: unknown } | null;
      if (content?.version !== version || !Array.isArray(content.configurations)) return [];
      return (content.configurations as readonly unknown[]).filter(isKept);
    } catch {
      return [];
    }
  }

  write(kept: readonly KeptConfiguration[]): void {
    this.#writing = this.#writing.then(() => this.#write(kept));
  }

  keepOriginal(id: number, text: string, kept: readonly number[]): void {
    this.#writing = this.#writing.then(() => this.#keepOriginal(id, text, kept));
  }

  async #keepOriginal(id: number, text: string, kept: readonly number[]): Promise<void> {
    const path = originalPath(this.#folder, id);
    const folder = dirname(path);
    try {
      if (makePrivateFolder(this.#folder) !== null || makePrivateFolder(folder) !== null) return;
      await writeWholeLater(path, text);
      const wanted = new Set(kept.map((one) => basename(originalPath(folder, one))));
      for (const name of await readdir(folder)) if (!wanted.has(name)) await rm(join(folder, name), { force: true });
    } catch {
      // It cannot be gone back to; what the gateway runs is not concerned.
    }
  }

  written(): Promise<void> {
    return this.#writing;
  }

  async #write(configurations: readonly KeptConfiguration[]): Promise<void> {
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      await writeWholeLater(this.#path, `${JSON.stringify({ version, configurations })}\n`);
    } catch {
      // The memory has them, and the next change writes them all again.
    }
  }
}

const checks: Readonly<Record<keyof KeptConfiguration, (value: unknown) => boolean>> = {
  id: isCount,
  outcome: (value) => value === 'applied' || value === 'refused',
  at: isCount,
  actor: isText,
  times: isCount,
  lastAt: isCount,
  lastActor: isText,
  revision: (value) => value === null || isCount(value),
  epoch: isText,
  contentHash: isTextOrNull,
  source: isTextOrNull,
  text: isTextOrNull,
  unshown: isUnshown,
  warnings: isTexts,
  changed: isTexts,
  errors: isTexts,
};

function isKept(value: unknown): value is KeptConfiguration {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Readonly<Record<string, unknown>>;
  return Object.entries(checks).every(([key, check]) => check(entry[key]));
}

function isUnshown(value: unknown): boolean {
  if (value === null) return true;
  if (!Array.isArray(value)) return false;
  return (value as readonly (Partial<UnshownValue> | null)[]).every(
    (one) => isText(one?.key) && isText(one?.hash) && isCount(one?.version),
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
