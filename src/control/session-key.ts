import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile } from '../deploy/read-own-file.ts';
import { writeSynced } from '../deploy/write-whole.ts';

const fileName = 'session-key';
const keyBytes = 32;
const fileBytesMax = 1024;

/**
 * The key that signs the cookies of sticky sessions, where the configuration names none. It is kept in the state folder, so that sessions outlive restarts and upgrades; without a
 * folder that can be used each process has its own. It is created when a configuration first needs it.
 */
export class SessionKey {
  readonly #random: Random;
  #key: string | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Undefined if no upstream needs it. */
  for({ upstreams, stateFolder }: Pick<Configuration, 'upstreams' | 'stateFolder'>): string | undefined {
    if (!upstreams.some(({ sticky }) => sticky?.key === null)) return undefined;
    this.#key ??= stateFolder === null ? this.#create() : this.#keptIn(stateFolder);
    return this.#key;
  }

  #create(): string {
    const key = new Uint8Array(keyBytes);
    this.#random.fill(key);
    return Buffer.from(key).toString('base64url');
  }

  /** Of two processes that create a key at the same time, the second takes that of the first. */
  #keptIn(folder: string): string {
    const fresh = this.#create();
    const path = join(folder, fileName);
    try {
      if (makePrivateFolder(folder) !== null) return fresh;
      return readKey(path) ?? create(path, fresh);
    } catch {
      return fresh;
    }
  }
}

function create(path: string, key: string): string {
  const beside = `${path}.${process.pid}`;
  writeSynced(beside, `${key}\n`);
  try {
    linkSync(beside, path);
    return key;
  } catch {
    return readKey(path) ?? key;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Null if there is no file. What is no key stays where it is, and is not used. */
function readKey(path: string): string | null {
  const found = readOwnFile(path, fileBytesMax);
  if (found.kind === 'none') return null;
  const key = found.kind === 'text' ? found.text.trim() : '';
  if (!/^[\w-]{43}$/.test(key)) throw new Error(`${path} has no key`);
  return key;
}
