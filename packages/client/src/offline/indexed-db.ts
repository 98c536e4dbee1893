import type { Foreign } from '../adapters/foreign.ts';

/** The part of IndexedDB that the queue uses, for programs whose types are not those of a browser. */
export interface IdbFactory {
  open(name: string, version: number): IdbOpenRequest;
}

interface IdbRequest<T> {
  result: T;
  error: unknown;
  onsuccess: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

interface IdbOpenRequest extends IdbRequest<IdbDatabase> {
  onupgradeneeded: ((event: never) => unknown) | null;
}

export interface IdbDatabase {
  createObjectStore(name: string, options: { keyPath: string; autoIncrement: boolean }): unknown;
  transaction(names: string, mode: 'readonly' | 'readwrite'): IdbTransaction;
  close(): void;
  onversionchange: ((event: never) => unknown) | null;
}

interface IdbTransaction {
  objectStore(name: string): IdbStore;
  readonly error: unknown;
  abort(): void;
  oncomplete: ((event: never) => unknown) | null;
  onabort: ((event: never) => unknown) | null;
}

export interface IdbStore {
  add(value: Foreign): IdbRequest<Foreign>;
  put(value: Foreign): IdbRequest<Foreign>;
  delete(key: Foreign): IdbRequest<Foreign>;
  getAll(): IdbRequest<Foreign[]>;
}
