import { assert } from '../core/assert.ts';
import type { AddressSemaphores } from '../core/semaphores.ts';
import { noWorker } from './semaphore-table.ts';
import { type SharedWords, acquireLock, releaseLock } from './shared-words.ts';

/** Entries in one hash bucket. Of a hundred tables that are a quarter full, one has a full bucket. */
export const bucketEntries = 16;

const keyBytesMax = 48;
const keyWords = keyBytesMax / 4;
/** A lock that was held for long is likely still held. The connection that opens or closes now must not wait for it. */
const pendingReleaseWaitMs = 1;

/** Length, key, total. */
const entryWords = 2 + keyWords;

/** Where the words of the address table lie: a lock per bucket, the entries, then for each worker a cell per entry. */
export class AddressLayout {
  readonly workersMax: number;
  readonly buckets: number;
  readonly entries: number;
  readonly words: number;
  readonly #firstEntry: number;
  readonly #firstCell: number;

  constructor(workersMax: number, addressesMax: number) {
    this.workersMax = workersMax;
    this.buckets = Math.ceil(addressesMax / bucketEntries);
    this.entries = this.buckets * bucketEntries;
    this.#firstEntry = 1 + this.buckets;
    this.#firstCell = this.#firstEntry + this.entries * entryWords;
    this.words = this.#firstCell + workersMax * this.entries;
  }

  /** Mixed into each hash, so that a client cannot choose addresses that share a bucket. */
  readonly seed = 0;

  lock(bucket: number): number {
    return 1 + bucket;
  }

  /** In bytes; then the key. */
  length(entry: number): number {
    return this.#firstEntry + entry * entryWords;
  }

  key(entry: number, word: number): number {
    return this.length(entry) + 1 + word;
  }

  /** Connections in all workers; 0 if the entry is free. */
  total(entry: number): number {
    return this.length(entry) + 1 + keyWords;
  }

  held(workerIndex: number, entry: number): number {
    return this.#firstCell + workerIndex * this.entries + entry;
  }
}

/**
 * How many client connections each address has, in all workers. An entry exists while its address has connections. It follows
 * the rules of `SemaphoreTable`, with a lock for each bucket.
 */
export class AddressCounts implements AddressSemaphores {
  readonly #words: SharedWords;
  readonly #layout: AddressLayout;
  readonly #workerIndex: number;
  readonly #owner: number;
  readonly #key = new Int32Array(keyWords);
  #length = 0;
  /** Keys released while their bucket was locked. */
  #pendingReleases: string[] = [];

  constructor(words: SharedWords, layout: AddressLayout, workerIndex: number) {
    this.#words = words;
    this.#layout = layout;
    this.#workerIndex = workerIndex;
    this.#owner = workerIndex === noWorker ? layout.workersMax + 1 : workerIndex + 1;
  }

  tryAcquire(key: string, max: number, waitMsMax?: number): 'acquired' | 'over_limit' | 'table_full' | 'busy' {
    if (this.#pendingReleases.length > 0) this.#releasePending(pendingReleaseWaitMs);
    const bucket = this.#bucketOf(key);
    if (!this.#lock(bucket, waitMsMax)) return 'busy';
    const answer = this.#tryAcquire(bucket, max);
    this.#unlock(bucket);
    return answer;
  }

  #tryAcquire(bucket: number, max: number): 'acquired' | 'over_limit' | 'table_full' {
    const known = this.#find(bucket);
    const entry = known ?? this.#findFree(bucket);
    if (entry === null) return 'table_full';
    const total = this.#words.load(this.#layout.total(entry));
    if (total >= max) return 'over_limit';
    if (known === null) this.#writeKey(entry);
    this.#words.store(this.#layout.total(entry), total + 1);
    this.#add(entry, 1);
    return 'acquired';
  }

  release(key: string): void {
    this.#pendingReleases.push(key);
    // If earlier releases are pending, their bucket was locked a moment ago: wait less.
    this.#releasePending(this.#pendingReleases.length === 1 ? undefined : pendingReleaseWaitMs);
  }

  /** Releases pending keys until it meets a locked bucket. The rest is tried again with the next connection that opens or closes. */
  #releasePending(waitMsMax: number | undefined): void {
    for (let key = this.#pendingReleases.shift(); key !== undefined; key = this.#pendingReleases.shift()) {
      if (this.#releaseOne(key, waitMsMax)) continue;
      // At the end, so that keys of other buckets come first next time.
      this.#pendingReleases.push(key);
      return;
    }
  }

  #releaseOne(key: string, waitMsMax: number | undefined): boolean {
    const bucket = this.#bucketOf(key);
    if (!this.#lock(bucket, waitMsMax)) return false;
    const entry = this.#find(bucket);
    if (entry !== null) {
      this.#add(entry, -1);
      this.#words.store(this.#layout.total(entry), this.#words.load(this.#layout.total(entry)) - 1);
    }
    this.#unlock(bucket);
    assert(entry !== null, 'only an acquired address is released');
    return true;
  }

  /** How many connections the address has, in all workers. */
  count(key: string): number {
    const entry = this.#find(this.#bucketOf(key));
    return entry === null ? 0 : this.#words.load(this.#layout.total(entry));
  }

  /** Clears what a worker held whose thread has ended; called by the main thread. False if another thread holds the lock of a bucket. */
  forget(workerIndex: number): boolean {
    let whole = true;
    for (let bucket = 0; bucket < this.#layout.buckets; bucket++) whole = this.#forgetIn(workerIndex, bucket) && whole;
    return whole;
  }

  #forgetIn(workerIndex: number, bucket: number): boolean {
    const endedHere = this.#words.load(this.#layout.lock(bucket)) === workerIndex + 1;
    if (!endedHere && !this.#hasTraces(workerIndex, bucket)) return true;
    if (!endedHere && !acquireLock(this.#words, this.#layout.lock(bucket), this.#owner, 1)) return false;
    for (const entry of this.#entriesOf(bucket)) {
      this.#words.store(this.#layout.held(workerIndex, entry), 0);
      let total = 0;
      for (let other = 0; other < this.#layout.workersMax; other++) {
        total += this.#words.load(this.#layout.held(other, entry));
      }
      this.#words.store(this.#layout.total(entry), total);
    }
    this.#unlock(bucket);
    return true;
  }

  #hasTraces(workerIndex: number, bucket: number): boolean {
    const first = bucket * bucketEntries;
    for (let entry = first; entry < first + bucketEntries; entry++) {
      if (this.#words.load(this.#layout.held(workerIndex, entry)) !== 0) return true;
    }
    return false;
  }

  *#entriesOf(bucket: number): Generator<number> {
    for (let entry = bucket * bucketEntries; entry < (bucket + 1) * bucketEntries; entry++) yield entry;
  }

  #find(bucket: number): number | null {
    const first = bucket * bucketEntries;
    for (let entry = first; entry < first + bucketEntries; entry++) if (this.#isKeyOf(entry)) return entry;
    return null;
  }

  #isKeyOf(entry: number): boolean {
    if (this.#words.load(this.#layout.total(entry)) === 0) return false;
    if (this.#words.load(this.#layout.length(entry)) !== this.#length) return false;
    for (let word = 0; word * 4 < this.#length; word++) {
      if (this.#words.load(this.#layout.key(entry, word)) !== this.#key[word]) return false;
    }
    return true;
  }

  #findFree(bucket: number): number | null {
    const first = bucket * bucketEntries;
    for (let entry = first; entry < first + bucketEntries; entry++) {
      if (this.#words.load(this.#layout.total(entry)) === 0) return entry;
    }
    return null;
  }

  #writeKey(entry: number): void {
    this.#words.store(this.#layout.length(entry), this.#length);
    for (let word = 0; word * 4 < this.#length; word++) {
      this.#words.store(this.#layout.key(entry, word), this.#key[word] ?? 0);
    }
  }

  #add(entry: number, change: number): void {
    const cell = this.#layout.held(this.#workerIndex, entry);
    this.#words.store(cell, this.#words.load(cell) + change);
  }

  /** Writes `key` into words and hashes it (FNV-1a with a seed, mixed at the end). */
  #bucketOf(key: string): number {
    assert(key.length <= keyBytesMax, 'a key of an address has at most 48 characters');
    let hash = this.#words.load(this.#layout.seed) ^ 0x811c9dc5;
    this.#length = key.length;
    this.#key.fill(0);
    for (let index = 0; index < key.length; index++) {
      const byte = key.charCodeAt(index) & 0xff;
      hash = Math.imul(hash ^ byte, 0x01000193);
      this.#key[index >> 2] = (this.#key[index >> 2] ?? 0) | (byte << ((index & 3) * 8));
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return ((hash ^ (hash >>> 13)) >>> 0) % this.#layout.buckets;
  }

  #lock(bucket: number, waitMsMax?: number): boolean {
    return acquireLock(this.#words, this.#layout.lock(bucket), this.#owner, waitMsMax);
  }

  #unlock(bucket: number): void {
    releaseLock(this.#words, this.#layout.lock(bucket));
  }
}
