import { join } from 'node:path';
import type { KeptIncident } from '../core/live-incident.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile } from '../deploy/read-own-file.ts';
import { writeWholeLater } from '../deploy/write-whole.ts';

const version = 1;

/** A hundred incidents with all their names have about a tenth of it. */
const bytesMax = 8 * 1024 * 1024;

/** The newest are kept. */
const keptMax = 100;

/** Keeps incidents beyond the end of the process. */
export interface IncidentStorage {
  /** The oldest first. Never throws: a file that cannot be used is as none. */
  read(): readonly KeptIncident[];
  /** Adds incidents, or replaces those with the same key; those of other processes stay. Never rejects; resolves when the disk has all that came before, too. */
  write(incidents: readonly KeptIncident[]): Promise<void>;
}

/** A file in the state folder. During an upgrade two processes write it, seldom: each reads it again before it writes. */
export class IncidentFile implements IncidentStorage {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'incidents.json');
  }

  read(): readonly KeptIncident[] {
    const found = readOwnFile(this.#path, bytesMax);
    if (found.kind !== 'text') return [];
    try {
      const content = JSON.parse(found.text) as { version?: unknown; incidents?: unknown };
      const isUsable = content.version === version && Array.isArray(content.incidents);
      return isUsable ? (content.incidents as readonly unknown[]).filter(isKept) : [];
    } catch {
      return [];
    }
  }

  write(incidents: readonly KeptIncident[]): Promise<void> {
    this.#writing = this.#writing.then(() => (incidents.length === 0 ? undefined : this.#write(incidents)));
    return this.#writing;
  }

  async #write(incidents: readonly KeptIncident[]): Promise<void> {
    const byKey = new Map(this.read().map((incident) => [incident.key, incident]));
    for (const incident of incidents) byKey.set(incident.key, incident);
    const kept = [...byKey.values()].sort((a, b) => a.openedAt - b.openedAt).slice(-keptMax);
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      await writeWholeLater(this.#path, `${JSON.stringify({ version, incidents: kept })}\n`);
    } catch {
      // The next change writes them all again.
    }
  }
}

const texts = ['key', 'upstream', 'family', 'shape', 'whose'] as const;
const numbers = [
  'id',
  'startedAt',
  'firstRequestAt',
  'openedAt',
  'lastAt',
  'requests',
  'failed',
  'attemptsFailed',
] as const;
const lists = ['upstreams', 'causes', 'routes', 'endpoints', 'suspects', 'additions'] as const;

function isKept(value: unknown): value is KeptIncident {
  if (typeof value !== 'object' || value === null) return false;
  const incident = value as Record<string, unknown>;
  return (
    texts.every((name) => typeof incident[name] === 'string') &&
    numbers.every((name) => Number.isFinite(incident[name])) &&
    lists.every((name) => Array.isArray(incident[name]) && incident[name].every(isObject)) &&
    Array.isArray(incident['findings']) &&
    isObject(incident['rate'])
  );
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
