import { join } from 'node:path';
import type { KeptConfiguration, UnshownValue } from '../core/kept-configuration.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';

const version = 1;

/** As much as is kept (`configuration-history.ts`) in JSON, which doubles some characters. */
const bytesMax = 16 * 1024 * 1024;

/** Keeps configurations beyond the end of the process. */
export interface ConfigurationStorage {
  /** The oldest first. Never throws: a file that cannot be used is as none. */
  read(): readonly KeptConfiguration[];
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
