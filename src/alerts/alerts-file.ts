import { join } from 'node:path';
import type { Alert } from '../core/alert.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../deploy/own-file.ts';
import type { OpenAlert } from './alert-ledger.ts';
import type { QueuedAlert } from './alert-queue.ts';

/** What outlives the process: messages that were not delivered, and what each target was told. */
export interface AlertsContent {
  readonly targets: Readonly<
    Record<string, { readonly open: Readonly<Record<string, OpenAlert>>; readonly queue: readonly QueuedAlert[] }>
  >;
}

export interface AlertStorage {
  /** Never throws: a file that cannot be used is as none. */
  read(): AlertsContent;
  /** Never rejects: where the disk is full, what waits is in memory still. */
  write(content: AlertsContent): Promise<void>;
}

const version = 1;
const bytesMax = 16 * 1024 * 1024;

/** A file in the state folder. One of another version is as none. */
export class AlertsFile implements AlertStorage {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'alerts.json');
  }

  read(): AlertsContent {
    const found = readOwnFile(this.#path, bytesMax);
    if (found.kind !== 'text') return { targets: {} };
    try {
      const content = JSON.parse(found.text) as { version?: unknown; targets?: unknown };
      if (content.version !== version || !isTargets(content.targets)) return { targets: {} };
      const targets = Object.entries(content.targets).map(([id, { open, queue }]) => [
        id,
        { open: openIn(open), queue },
      ]);
      return { targets: Object.fromEntries(targets) as AlertsContent['targets'] };
    } catch {
      return { targets: {} };
    }
  }

  async write(content: AlertsContent): Promise<void> {
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      await writeWholeLater(this.#path, `${JSON.stringify({ version, ...content })}\n`);
    } catch {
      // The next change is written again.
    }
  }
}

function isTargets(value: unknown): value is AlertsContent['targets'] {
  if (!isRecord(value)) return false;
  return Object.values(value).every(
    (target) =>
      isRecord(target) && isRecord(target['open']) && Array.isArray(target['queue']) && target['queue'].every(isQueued),
  );
}

function openIn(open: Readonly<Record<string, unknown>>): Record<string, OpenAlert> {
  const found: Record<string, OpenAlert> = {};
  for (const [key, kept] of Object.entries(open)) {
    if (!isRecord(kept) || typeof kept['at'] !== 'number' || typeof kept['severity'] !== 'string') continue;
    if (!Array.isArray(kept['steps'])) continue;
    const { alert, held, ...others } = kept;
    found[key] = {
      ...others,
      ...(isAlert(alert) ? { alert } : {}),
      ...(isHeld(held) ? { held } : {}),
    } as unknown as OpenAlert;
  }
  return found;
}

function isHeld(value: unknown): boolean {
  if (!isRecord(value) || typeof value['goesOn'] !== 'boolean') return false;
  return value['end'] === null || isAlert(value['end']);
}

function isQueued(value: unknown): value is QueuedAlert {
  if (!isRecord(value) || typeof value['dueAt'] !== 'number' || typeof value['attempts'] !== 'number') return false;
  return isAlert(value['alert']);
}

const texts = ['id', 'key', 'kind', 'change', 'severity', 'deployment', 'member', 'subject', 'title', 'text'] as const;

function isAlert(value: unknown): value is Alert {
  return (
    isRecord(value) &&
    texts.every((name) => typeof value[name] === 'string') &&
    typeof value['at'] === 'number' &&
    Array.isArray(value['evidence']) &&
    Array.isArray(value['routes'])
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Writes the file after changes: one write at a time, and one more for all changes during it. */
export class AlertsWriter {
  readonly #storage: AlertStorage;
  readonly #content: () => AlertsContent;
  #isDirty = false;
  #writing: Promise<void> | null = null;

  constructor(storage: AlertStorage, content: () => AlertsContent) {
    this.#storage = storage;
    this.#content = content;
  }

  changed(): void {
    this.#isDirty = true;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    while (this.#isDirty) {
      // Changes of the same turn are written together.
      await Promise.resolve();
      this.#isDirty = false;
      await this.#storage.write(this.#content());
    }
    this.#writing = null;
  }

  async close(): Promise<void> {
    this.changed();
    await this.#writing;
  }
}
