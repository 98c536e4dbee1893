import { type RatePolicy, charged, unitsAt, usedUnits } from './gcra.ts';
import { KeyedHash } from './keyed-hash.ts';
import {
  bucketAt,
  bucketOf,
  bucketsOf,
  evictedAt,
  otherBucket,
  policyAt,
  policyWord,
  seedAt,
  timeAt,
  untrackedAt,
  waysOfBucket,
} from './rate-layout.ts';
import type { SharedWords } from './shared-words.ts';

/** Tags of entries without a key, and of those that a thread is writing. */
export const freeTag = 0;
const busyTag = -1;

/** Another thread has made progress whenever a try fails. */
const triesMax = 1000;

export interface TablePolicy extends RatePolicy {
  /** Its number in the table. */
  readonly number: number;
  /** Hashed with each key. */
  readonly salt: number;
}

/**
 * What keys have used of their rates, in memory that all threads share, without a lock: a thread may end between any two accesses. A key lies in one of
 * two buckets of eight entries, and an entry is a tag of 32 bits and a time of 32 bits: two keys are taken for one if tag and bucket are the same, which for
 * a million keys has a chance of one in a thousand.
 *
 * - A time is changed by compare-and-exchange, and counts if the tag is still that of the key afterwards.
 * - An entry is given to another key by way of `busyTag`: its time has another unit then.
 * - Two threads may enter a key at once. Each looks afterwards, and what it finds twice is made one, with what both have counted.
 */
export class RateTable {
  readonly #words: SharedWords;
  readonly #buckets: number;
  #hash: KeyedHash | null = null;
  readonly #double = new Float64Array(1);
  readonly #halves = new Int32Array(this.#double.buffer);
  // Of the key at hand.
  #tag = 0;
  #low = 0;
  #high = 0;

  constructor(words: SharedWords, bytes: number) {
    this.#words = words;
    this.#buckets = bucketsOf(bytes);
  }

  /** What all workers know of a policy: when entries of it are over. By the main thread, before workers have the policy. */
  setPolicy(number: number, { unitMs, tolerance }: Pick<RatePolicy, 'unitMs' | 'tolerance'>): void {
    this.#double[0] = unitMs;
    const at = policyWord(number);
    this.#words.store(at, this.#halves[0] as number);
    this.#words.store(at + 1, this.#halves[1] as number);
    this.#words.store(at + 2, tolerance);
  }

  /**
   * Counts a request that costs so many others. Returns how many units the key has used then; below 0: it is beyond the limit, nothing is counted, and after so
   * many units it is not.
   */
  take(policy: TablePolicy, key: string, cost: number, nowMs: number): number {
    return this.#check(policy, key, cost, nowMs, true);
  }

  /** What `take` would return. */
  look(policy: TablePolicy, key: string, cost: number, nowMs: number): number {
    return this.#check(policy, key, cost, nowMs, false);
  }

  /** What `take` has counted a moment ago is not counted: something else has refused the request. */
  giveBack(policy: TablePolicy, key: string, cost: number, nowMs: number): void {
    this.#locate(policy.salt, key);
    const at = this.#find();
    if (at >= 0) this.#add(at, -cost * policy.interval, unitsAt(nowMs, policy.unitMs), policy);
  }

  #check(policy: TablePolicy, key: string, cost: number, nowMs: number, counts: boolean): number {
    this.#locate(policy.salt, key);
    const units = cost * policy.interval;
    const now = unitsAt(nowMs, policy.unitMs);
    for (let tries = 0; tries < triesMax; tries++) {
      let at = this.#find();
      if (at < 0) {
        if (!counts) return Math.min(units, policy.tolerance);
        at = this.#enter(policy, units, nowMs);
        if (at === untracked) return units;
        if (at < 0) continue;
      }
      const tag = this.#tag;
      const time = this.#words.load(at + timeAt);
      if (this.#words.load(at) !== tag) continue;
      const next = charged(time, now, units, policy);
      if (next === null) return policy.tolerance - units - usedUnits(time, now, policy);
      if (!counts) return (next - now) | 0;
      if (this.#words.swapIf(at + timeAt, time, next) && this.#words.load(at) === tag) return (next - now) | 0;
    }
    // So many threads want this one key that it is beyond any limit.
    return -1;
  }

  /** Main thread and tests: entries evicted while their keys had used something, and requests that found no room. */
  get counts(): { readonly evicted: number; readonly untracked: number } {
    return { evicted: this.#words.load(evictedAt) >>> 0, untracked: this.#words.load(untrackedAt) >>> 0 };
  }

  /** A name for a key that must not be shown, of 16 digits. */
  digest(salt: number, key: string): string {
    const hash = this.#hashOf(salt, key);
    const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return digits(hash.low) + digits(hash.high);
  }

  #hashOf(salt: number, key: string): KeyedHash {
    // Read late: a process that takes over may get the seed of the one before.
    const hash = (this.#hash ??= new KeyedHash(this.#words.load(seedAt), this.#words.load(seedAt + 1)));
    hash.of(salt, key);
    return hash;
  }

  #locate(salt: number, key: string): void {
    const { low, high } = this.#hashOf(salt, key);
    this.#tag = low === freeTag || low === busyTag ? 1 : low;
    const bucket = high & (this.#buckets - 1);
    const other = otherBucket(bucket, this.#tag, this.#buckets);
    this.#low = bucketAt(Math.min(bucket, other));
    this.#high = bucketAt(Math.max(bucket, other));
  }

  #find(): number {
    for (let at = this.#low; at < this.#low + waysOfBucket; at++) if (this.#words.peek(at) === this.#tag) return at;
    for (let at = this.#high; at < this.#high + waysOfBucket; at++) if (this.#words.peek(at) === this.#tag) return at;
    return -1;
  }

  /** Makes an entry for the key at hand. Returns where it is; `again`: look once more; `untracked`: all others have used more of their limits. */
  #enter(policy: TablePolicy, units: number, nowMs: number): number {
    const free = this.#free();
    const { at, share, room } = free < 0 ? this.#emptiestOfBoth(nowMs) : { at: free, share: 0, room: 1 };
    // A flood of keys must not free one that has used its limit.
    if (room === 0 && share > units / policy.tolerance) {
      this.#words.bump(untrackedAt);
      return untracked;
    }
    const before = this.#words.load(at);
    if (before === busyTag || !this.#words.swapIf(at, before, busyTag)) return again;
    // It may have been used since it was looked at.
    if (room > 0 && before !== freeTag && this.#shareOf(at, nowMs) > 0) {
      this.#words.store(at, before);
      this.#merge(before, at, nowMs);
      return again;
    }
    if (room === 0) this.#words.bump(evictedAt);
    this.#words.store(at + timeAt, unitsAt(nowMs, policy.unitMs));
    this.#words.store(at + policyAt, policy.number);
    this.#words.store(at, this.#tag);
    this.#merge(this.#tag, at, nowMs);
    return again;
  }

  /** A free entry, in the bucket that has more of them; below 0: there is none. */
  #free(): number {
    let [inLow, inHigh, low, high] = [-1, -1, 0, 0];
    for (let way = 0; way < waysOfBucket; way++) {
      if (this.#words.peek(this.#low + way) === freeTag) {
        inLow = this.#low + way;
        low++;
      }
      if (this.#words.peek(this.#high + way) !== freeTag) continue;
      inHigh = this.#high + way;
      high++;
    }
    return high > low ? inHigh : inLow;
  }

  #emptiestOfBoth(nowMs: number): { readonly at: number; readonly share: number; readonly room: number } {
    const [low, high] = [this.#emptiest(this.#low, nowMs), this.#emptiest(this.#high, nowMs)];
    return high.room > low.room || (high.room === low.room && high.share < low.share) ? high : low;
  }

  /** The entry of a bucket with the least in it, and how many have nothing. */
  #emptiest(bucket: number, nowMs: number): { readonly at: number; readonly share: number; readonly room: number } {
    const best = { at: bucket, share: Infinity, room: 0 };
    for (let at = bucket; at < bucket + waysOfBucket; at++) {
      const tag = this.#words.peek(at);
      const share = tag === busyTag ? Infinity : tag === freeTag ? -1 : this.#shareOf(at, nowMs);
      if (share <= 0) best.room++;
      if (share >= best.share) continue;
      best.share = share;
      best.at = at;
    }
    return best;
  }

  /** How much of its limit the key of an entry has used. */
  #shareOf(at: number, nowMs: number): number {
    const policy = this.#policyOf(at);
    return usedUnits(this.#words.load(at + timeAt), unitsAt(nowMs, policy.unitMs), policy) / policy.tolerance;
  }

  #policyOf(at: number): Pick<RatePolicy, 'unitMs' | 'tolerance'> {
    const word = policyWord(this.#words.peek(at + policyAt));
    this.#halves[0] = this.#words.peek(word);
    this.#halves[1] = this.#words.peek(word + 1);
    return { unitMs: (this.#double[0] as number) || 1, tolerance: this.#words.peek(word + 2) || 1 };
  }

  /** Makes one entry of those that have this tag and lie where `near` may: the first, which gets what the others have used. */
  #merge(tag: number, near: number, nowMs: number): void {
    const bucket = bucketOf(near);
    const other = otherBucket(bucket, tag, this.#buckets);
    let kept = -1;
    for (const first of [bucketAt(Math.min(bucket, other)), bucketAt(Math.max(bucket, other))])
      for (let at = first; at < first + waysOfBucket; at++) {
        if (this.#words.load(at) !== tag) continue;
        if (kept < 0) kept = at;
        else if (this.#words.swapIf(at, tag, busyTag)) {
          const { unitMs, tolerance } = this.#policyOf(at);
          const now = unitsAt(nowMs, unitMs);
          const used = usedUnits(this.#words.load(at + timeAt), now, { unitMs, tolerance });
          this.#words.store(at, freeTag);
          if (used > 0) this.#add(kept, used, now, { unitMs, tolerance });
        }
      }
  }

  #add(at: number, units: number, now: number, policy: Pick<RatePolicy, 'unitMs' | 'tolerance'>): void {
    for (let tries = 0; tries < triesMax; tries++) {
      const time = this.#words.load(at + timeAt);
      const used = Math.max(0, Math.min(policy.tolerance, usedUnits(time, now, policy) + units));
      if (this.#words.swapIf(at + timeAt, time, (now + used) | 0)) return;
    }
  }

  // For the main thread: what outlives a process, and what a thread that has ended has left.

  /** Calls `visit` for each key that has used something: its tag, a bucket, its policy and the units. */
  each(nowMs: number, visit: (tag: number, bucket: number, policy: number, used: number, at: number) => void): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++)
      for (let at = bucketAt(bucket); at < bucketAt(bucket) + waysOfBucket; at++) {
        const tag = this.#words.peek(at);
        if (tag === freeTag || tag === busyTag) continue;
        const policy = this.#policyOf(at);
        const used = usedUnits(this.#words.peek(at + timeAt), unitsAt(nowMs, policy.unitMs), policy);
        if (used > 0) visit(tag, bucket, this.#words.peek(at + policyAt), used, at);
      }
  }

  /** What the entry there has used, as `each` would tell it; 0: it is another one now. */
  usedAt(at: number, tag: number, policy: number, nowMs: number): number {
    if (this.#words.peek(at) !== tag || this.#words.peek(at + policyAt) !== policy) return 0;
    const of = this.#policyOf(at);
    return usedUnits(this.#words.peek(at + timeAt), unitsAt(nowMs, of.unitMs), of);
  }

  /** Enters what another table had. */
  put(tag: number, bucket: number, policy: number, used: number, nowMs: number): void {
    const word = policyWord(policy);
    this.#halves[0] = this.#words.peek(word);
    this.#halves[1] = this.#words.peek(word + 1);
    const unitMs = this.#double[0] as number;
    const tolerance = this.#words.peek(word + 2);
    this.#tag = tag;
    const other = otherBucket(bucket, tag, this.#buckets);
    this.#low = bucketAt(Math.min(bucket, other));
    this.#high = bucketAt(Math.max(bucket, other));
    const given = { unitMs, tolerance, interval: used, number: policy, salt: 0 };
    for (let tries = 0; tries < triesMax; tries++) {
      const at = this.#find();
      if (at >= 0) return this.#add(at, used, unitsAt(nowMs, unitMs), given);
      if (this.#enter(given, used, nowMs) === untracked) return;
    }
  }

  /**
   * Frees the entries of some buckets, from `bucket` on, that are over, before their times wrap, and those that have been in writing since the last time, as
   * `busyBefore` has them: their thread has ended. Returns the bucket to go on with.
   */
  sweep(bucket: number, count: number, nowMs: number, busyBefore: Set<number>): number {
    for (let next = 0; next < count; next++) {
      const first = bucketAt((bucket + next) & (this.#buckets - 1));
      for (let at = first; at < first + waysOfBucket; at++) {
        const tag = this.#words.load(at);
        if (tag === freeTag) continue;
        if (tag !== busyTag) {
          busyBefore.delete(at);
          this.#freeIfOver(at, tag, nowMs);
        } else if (busyBefore.delete(at)) this.#words.swapIf(at, busyTag, freeTag);
        else busyBefore.add(at);
      }
    }
    return (bucket + count) & (this.#buckets - 1);
  }

  #freeIfOver(at: number, tag: number, nowMs: number): void {
    if (this.#shareOf(at, nowMs) > 0 || !this.#words.swapIf(at, tag, busyTag)) return;
    const isOver = this.#shareOf(at, nowMs) === 0;
    this.#words.store(at, isOver ? freeTag : tag);
    if (!isOver) this.#merge(tag, at, nowMs);
  }

  get buckets(): number {
    return this.#buckets;
  }
}

const again = -1;
const untracked = -2;
