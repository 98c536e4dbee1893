import type { IdbDatabase, IdbFactory, IdbStore } from './indexed-db.ts';

/** A call as it lies in the store. Nothing that proves who the caller is is stored: `headers` of the queue adds it to each attempt. */
export interface StoredCall {
  /** Ascending in the order in which the calls were queued. */
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: ArrayBuffer | null;
  readonly credentials: 'omit' | 'same-origin' | 'include';
  /** The value of Idempotency-Key, the same for all attempts. */
  readonly idempotencyKey: string;
  /** Milliseconds since the Unix epoch. */
  readonly queuedAt: number;
  /** Attempts that have ended. */
  readonly attempts: number;
  /** An attempt has begun. Where the page has gone before it ended, it may have been executed. */
  readonly isSending: boolean;
}

interface StoreLimits {
  readonly callsMax: number;
  /** Of all bodies together. */
  readonly bytesMax: number;
}

/** The queue is full: the call was not stored. What is in it stays. */
export class OfflineQueueFullError extends Error {
  override readonly name = 'OfflineQueueFullError';
}

const storeName = 'calls';

/** The calls in IndexedDB, which outlive the page. Each operation is one transaction: it is done when it resolves. */
export class CallStore {
  readonly #factory: IdbFactory;
  readonly #name: string;
  #database: Promise<IdbDatabase> | null = null;

  constructor(factory: IdbFactory, name: string) {
    this.#factory = factory;
    this.#name = name;
  }

  /** In order. */
  list(): Promise<readonly StoredCall[]> {
    return this.#run('readonly', (store, done) => {
      const all = store.getAll();
      all.onsuccess = () => done(all.result as StoredCall[]);
    });
  }

  /** Rejects with OfflineQueueFullError where a limit would be exceeded. Two pages cannot exceed it together. */
  add(call: Omit<StoredCall, 'id'>, { callsMax, bytesMax }: StoreLimits): Promise<StoredCall> {
    return this.#run('readwrite', (store, done, fail) => {
      const all = store.getAll();
      all.onsuccess = () => {
        const calls = all.result as StoredCall[];
        const bytes = [...calls, call].reduce((sum, { body }) => sum + (body?.byteLength ?? 0), 0);
        if (calls.length >= callsMax) return fail(new OfflineQueueFullError(`${calls.length} calls wait already`));
        if (bytes > bytesMax)
          return fail(new OfflineQueueFullError(`the bodies would take ${bytes} of ${bytesMax} bytes`));
        const added = store.add(call);
        added.onsuccess = () => done({ ...call, id: added.result as number });
      };
    });
  }

  put(call: StoredCall): Promise<void> {
    return this.#run('readwrite', (store, done) => {
      store.put(call);
      done();
    });
  }

  delete(id: number): Promise<void> {
    return this.#run('readwrite', (store, done) => {
      store.delete(id);
      done();
    });
  }

  close(): void {
    void this.#database?.then(
      (database) => database.close(),
      () => undefined,
    );
    this.#database = null;
  }

  async #run<T>(
    mode: 'readonly' | 'readwrite',
    use: (store: IdbStore, done: (value: T) => void, fail: (error: Error) => void) => void,
  ): Promise<T> {
    const transaction = (await this.#open()).transaction(storeName, mode);
    return new Promise((resolve, reject) => {
      let value: T;
      let failure: unknown = null;
      transaction.oncomplete = () => (failure === null ? resolve(value) : reject(failure as Error));
      transaction.onabort = () => reject((failure ?? transaction.error ?? new Error('the store was closed')) as Error);
      use(
        transaction.objectStore(storeName),
        (result) => {
          value = result;
        },
        (error) => {
          failure = error;
          transaction.abort();
        },
      );
    });
  }

  #open(): Promise<IdbDatabase> {
    this.#database ??= new Promise<IdbDatabase>((resolve, reject) => {
      const opening = this.#factory.open(this.#name, 1);
      opening.onupgradeneeded = () =>
        opening.result.createObjectStore(storeName, { keyPath: 'id', autoIncrement: true });
      opening.onerror = () => reject(opening.error as Error);
      opening.onsuccess = () => {
        const database = opening.result;
        // Another page wants a newer version, or the site's data are being deleted.
        database.onversionchange = () => {
          database.close();
          this.#database = null;
        };
        resolve(database);
      };
    });
    // A failed opening is tried again by the next call.
    this.#database.catch(() => {
      this.#database = null;
    });
    return this.#database;
  }
}
