import type { Result } from '#failures/result.ts';
import { failWith, succeed } from '#failures/result.ts';
import type { SecretRefusal } from './secret-refusal.ts';
import { markOf, secretsPath } from './secret-file.ts';
import { secretKeyPath } from './secret-keys.ts';
import { SecretStore, type SecretStoreParts } from './secret-store.ts';

interface SecretReaderParts extends Omit<SecretStoreParts, 'folder'> {
  /** The state folder; null: there is none. */
  readonly stateFolder: string | null;
}

const noFolder: SecretRefusal = {
  kind: 'system',
  reason: 'The gateway has no state folder, in which secrets are kept.',
  step: 'Remove `state: none` from the configuration and restart the gateway.',
};

/** A store, and what its files were like when it was read. */
interface ReadStore {
  readonly file: string | null;
  readonly key: string | null;
  readonly store: SecretStore;
}

/** The store as it is now: read again where the file is another one, since a command or the process before this one may have changed it. */
export class SecretReader {
  readonly #parts: SecretReaderParts;
  #read: ReadStore | null = null;

  constructor(parts: SecretReaderParts) {
    this.#parts = parts;
  }

  /** For programs: a key that was read once opens the secrets until they change. */
  open(): Result<SecretStore, SecretRefusal> {
    return this.#open(false);
  }

  /** For people: fails where the file of the key is gone or damaged, since the next process could not read what is encrypted with it. */
  openWithKey(): Result<SecretStore, SecretRefusal> {
    return this.#open(true);
  }

  #open(looksAtKey: boolean): Result<SecretStore, SecretRefusal> {
    const { stateFolder: folder, random, wallTime, credentials } = this.#parts;
    if (folder === null) return failWith(noFolder);
    const marks = marksIn(folder);
    const known = this.#read;
    if (known !== null && known.file === marks.file && (!looksAtKey || known.key === marks.key))
      return succeed(known.store);
    const opened = SecretStore.open({ folder, random, wallTime, credentials });
    if (opened.ok) this.#read = { ...marks, store: opened.value };
    return opened;
  }

  /** The caller has changed the store. */
  keep(store: SecretStore): void {
    const { stateFolder } = this.#parts;
    if (stateFolder !== null) this.#read = { ...marksIn(stateFolder), store };
  }
}

function marksIn(folder: string): Omit<ReadStore, 'store'> {
  return { file: markOf(secretsPath(folder)), key: markOf(secretKeyPath(folder)) };
}
