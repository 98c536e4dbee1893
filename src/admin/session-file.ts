import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type AdminRole, adminRoles } from '../core/admin-roles.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWhole } from '../deploy/own-file.ts';

const version = 1;

/** 256 sessions are a tenth of this. */
const bytesMax = 1024 * 1024;

/** A session as the file has it. No key is a secret: those of browsers and of tokens cannot be computed from their digests. */
export interface KeptSession {
  readonly id: string;
  readonly token: { readonly name: string; readonly hash: string } | null;
  readonly role: AdminRole;
  /** Milliseconds since the Unix epoch. */
  readonly endsAt: number;
  readonly parent: string | null;
}

/** Keeps sessions beyond the end of the process. */
export interface SessionStorage {
  /** What another process has left or changed; null: nothing since the last call of either method. Never throws. */
  readChanged(): readonly KeptSession[] | null;
  /** Never throws. */
  write(sessions: readonly KeptSession[]): void;
}

/** A file in the state folder, 0600, which the process and its successor share. */
export class SessionFile implements SessionStorage {
  readonly #folder: string;
  readonly #path: string;
  #known = 'not read';

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, 'sessions.json');
  }

  readChanged(): readonly KeptSession[] | null {
    const identity = this.#identity();
    if (identity === this.#known) return null;
    this.#known = identity;
    const found = readOwnFile(this.#path, bytesMax);
    return found.kind === 'text' ? sessionsIn(found.text) : [];
  }

  write(sessions: readonly KeptSession[]): void {
    try {
      if (makePrivateFolder(this.#folder) !== null) return;
      writeWhole(this.#path, `${JSON.stringify({ version, sessions })}\n`);
    } catch {
      // The memory has them, and the next change writes them all again.
    }
    this.#known = this.#identity();
  }

  /** Each writer makes a new file. */
  #identity(): string {
    try {
      const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
      return `${ino} ${mtimeNs} ${size}`;
    } catch {
      return 'none';
    }
  }
}

function sessionsIn(text: string): readonly KeptSession[] {
  try {
    const content = JSON.parse(text) as { version?: unknown; sessions?: unknown } | null;
    if (content?.version !== version || !Array.isArray(content.sessions)) return [];
    return (content.sessions as readonly unknown[]).filter(isKept);
  } catch {
    return [];
  }
}

function isKept(value: unknown): value is KeptSession {
  if (typeof value !== 'object' || value === null) return false;
  const { id, token, role, endsAt, parent } = value as Readonly<Record<string, unknown>>;
  return (
    typeof id === 'string' &&
    (token === null || isToken(token)) &&
    adminRoles.includes(role as AdminRole) &&
    Number.isSafeInteger(endsAt) &&
    (parent === null || typeof parent === 'string')
  );
}

function isToken(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, hash } = value as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof hash === 'string';
}
