import type { Result } from '#failures/result.ts';
import { failWith, succeed } from '#failures/result.ts';
import type { SecretRefusal } from './secret-refusal.ts';
import { secretsMark } from './secret-file.ts';
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

/** The store as it is now: read again where the file is another one, since a command or the process before this one may have changed it. */
export class SecretReader {
  readonly #parts: SecretReaderParts;
  /** As it was read last, and what the file was like then. */
  #read: { readonly mark: string | null; readonly store: SecretStore } | null = null;

  constructor(parts: SecretReaderParts) {
    this.#parts = parts;
  }

  open(): Result<SecretStore, SecretRefusal> {
    const { stateFolder: folder, random, wallTime, credentials } = this.#parts;
    if (folder === null) return failWith(noFolder);
    const mark = secretsMark(folder);
    if (this.#read !== null && this.#read.mark === mark) return succeed(this.#read.store);
    const opened = SecretStore.open({ folder, random, wallTime, credentials });
    if (opened.ok) this.#read = { mark, store: opened.value };
    return opened;
  }

  /** The caller has changed the store. */
  keep(store: SecretStore): void {
    const { stateFolder } = this.#parts;
    if (stateFolder !== null) this.#read = { mark: secretsMark(stateFolder), store };
  }
}
