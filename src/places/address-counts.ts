import { assert } from '../core/assert.ts';
import type { AddressPlaces } from '../core/places.ts';
import { noSeat } from './place-table.ts';
import type { SharedWords } from './shared-words.ts';
import { acquire, release } from './word-lock.ts';

/** Addresses whose keys have the same hash stand together; of a hundred tables that are a quarter full one has a bucket that is full. */
export const bucketEntries = 16;

const keyOctetsMax = 48;
const keyWords = keyOctetsMax / 4;
/** A lock that was held for long is likely still held, and whoever comes or goes now is not to pay for it. */
const owedWaitMs = 1;

/** Length, key, total. */
const entryWords = 2 + keyWords;

/** Where the words of the table of addresses lie: a lock per bucket, entries, then for each seat a cell per entry. */
export class AddressLayout {
  readonly seatsMax: number;
  readonly buckets: number;
  readonly entries: number;
  readonly words: number;
  readonly #firstEntry: number;
  readonly #firstCell: number;

  constructor(seatsMax: number, addressesMax: number) {
    this.seatsMax = seatsMax;
    this.buckets = Math.ceil(addressesMax / bucketEntries);
    this.entries = this.buckets * bucketEntries;
    this.#firstEntry = 1 + this.buckets;
    this.#firstCell = this.#firstEntry + this.entries * entryWords;
    this.words = this.#firstCell + seatsMax * this.entries;
  }

  /** Mixed into each hash, so that nobody outside knows whose keys stand together. */
  readonly seed = 0;

  lock(bucket: number): number {
    return 1 + bucket;
  }

  /** In octets; then the key. */
  length(entry: number): number {
    return this.#firstEntry + entry * entryWords;
  }

  key(entry: number, word: number): number {
    return this.length(entry) + 1 + word;
  }

  /** Taken in all workers; 0: the entry is free. */
  total(entry: number): number {
    return this.length(entry) + 1 + keyWords;
  }

  held(seat: number, entry: number): number {
    return this.#firstCell + seat * this.entries + entry;
  }
}

/**
 * How many client connections each address has, in all workers. An entry is there as long as an address has one; its laws are
 * those of `PlaceTable`, with a lock for each bucket.
 */
export class AddressCounts implements AddressPlaces {
  readonly #words: SharedWords;
  readonly #layout: AddressLayout;
  readonly #seat: number;
  readonly #owner: number;
  readonly #key = new Int32Array(keyWords);
  #length = 0;
  /** Given back while their bucket was locked. */
  #owed: string[] = [];

  constructor(words: SharedWords, layout: AddressLayout, seat: number) {
    this.#words = words;
    this.#layout = layout;
    this.#seat = seat;
    this.#owner = seat === noSeat ? layout.seatsMax + 1 : seat + 1;
  }

  tryTake(key: string, max: number, waitMsMax?: number): 'taken' | 'over_limit' | 'table_full' | 'locked' {
    if (this.#owed.length > 0) this.#payBack(owedWaitMs);
    const bucket = this.#bucketOf(key);
    if (!this.#acquire(bucket, waitMsMax)) return 'locked';
    const answer = this.#take(bucket, max);
    this.#release(bucket);
    return answer;
  }

  #take(bucket: number, max: number): 'taken' | 'over_limit' | 'table_full' {
    const known = this.#find(bucket);
    const entry = known ?? this.#findFree(bucket);
    if (entry === null) return 'table_full';
    const total = this.#words.load(this.#layout.total(entry));
    if (total >= max) return 'over_limit';
    if (known === null) this.#writeKey(entry);
    this.#words.store(this.#layout.total(entry), total + 1);
    this.#add(entry, 1);
    return 'taken';
  }

  giveBack(key: string): void {
    this.#owed.push(key);
    // Whoever is owed something has waited in vain already.
    this.#payBack(this.#owed.length === 1 ? undefined : owedWaitMs);
  }

  /** Up to the first that is locked; the rest is tried again with the next connection that comes or goes. */
  #payBack(waitMsMax: number | undefined): void {
    for (let key = this.#owed.shift(); key !== undefined; key = this.#owed.shift()) {
      if (this.#giveBackOne(key, waitMsMax)) continue;
      // At the end, so that the buckets that are not locked have their turn.
      this.#owed.push(key);
      return;
    }
  }

  #giveBackOne(key: string, waitMsMax: number | undefined): boolean {
    const bucket = this.#bucketOf(key);
    if (!this.#acquire(bucket, waitMsMax)) return false;
    const entry = this.#find(bucket);
    if (entry !== null) {
      this.#add(entry, -1);
      this.#words.store(this.#layout.total(entry), this.#words.load(this.#layout.total(entry)) - 1);
    }
    this.#release(bucket);
    assert(entry !== null, 'an address that is given back has been taken');
    return true;
  }

  /** How many connections the address has, in all workers. */
  count(key: string): number {
    const entry = this.#find(this.#bucketOf(key));
    return entry === null ? 0 : this.#words.load(this.#layout.total(entry));
  }

  /** Main's: takes away what the thread at `seat` held, which has ended. False: buckets are left that another one has locked. */
  forget(seat: number): boolean {
    let whole = true;
    for (let bucket = 0; bucket < this.#layout.buckets; bucket++) whole = this.#forgetIn(seat, bucket) && whole;
    return whole;
  }

  #forgetIn(seat: number, bucket: number): boolean {
    const endedHere = this.#words.load(this.#layout.lock(bucket)) === seat + 1;
    if (!endedHere && !this.#hasTraces(seat, bucket)) return true;
    if (!endedHere && !acquire(this.#words, this.#layout.lock(bucket), this.#owner, 1)) return false;
    for (const entry of this.#entriesOf(bucket)) {
      this.#words.store(this.#layout.held(seat, entry), 0);
      let total = 0;
      for (let other = 0; other < this.#layout.seatsMax; other++) {
        total += this.#words.load(this.#layout.held(other, entry));
      }
      this.#words.store(this.#layout.total(entry), total);
    }
    this.#release(bucket);
    return true;
  }

  #hasTraces(seat: number, bucket: number): boolean {
    const first = bucket * bucketEntries;
    for (let entry = first; entry < first + bucketEntries; entry++) {
      if (this.#words.load(this.#layout.held(seat, entry)) !== 0) return true;
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
    const cell = this.#layout.held(this.#seat, entry);
    this.#words.store(cell, this.#words.load(cell) + change);
  }

  /** Lays `key` out in words, and hashes it on the way (FNV-1a, with a seed, and mixed at the end). */
  #bucketOf(key: string): number {
    assert(key.length <= keyOctetsMax, 'a key of an address has at most 48 characters');
    let hash = this.#words.load(this.#layout.seed) ^ 0x811c9dc5;
    this.#length = key.length;
    this.#key.fill(0);
    for (let index = 0; index < key.length; index++) {
      const octet = key.charCodeAt(index) & 0xff;
      hash = Math.imul(hash ^ octet, 0x01000193);
      this.#key[index >> 2] = (this.#key[index >> 2] ?? 0) | (octet << ((index & 3) * 8));
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return ((hash ^ (hash >>> 13)) >>> 0) % this.#layout.buckets;
  }

  #acquire(bucket: number, waitMsMax?: number): boolean {
    return acquire(this.#words, this.#layout.lock(bucket), this.#owner, waitMsMax);
  }

  #release(bucket: number): void {
    release(this.#words, this.#layout.lock(bucket));
  }
}
