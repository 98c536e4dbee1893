import type { Random } from '../../core/random.ts';
import { after, type Clock } from '../../core/time.ts';
import type { FeatureState } from '../../core/feature.ts';
import { keptKey } from '../../deploy/kept-key.ts';
import { ratePolicy } from '../../limits/gcra.ts';
import { rateEntriesUsual, rateTableBytes, seedAt } from '../../limits/rate-layout.ts';
import { RateTable } from '../../limits/rate-table.ts';
import { SharedWords } from '../../limits/shared-words.ts';
import { type RateLimitSpec, ratesMax } from './settings.ts';

interface RateMemoryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly stateFolder: string | null;
  /** Entries of the table; absent: a million keys have ample room. */
  readonly entries?: number;
}

/** How the use of keys travels to the next process. */
const version = 1;
const entryBytes = 16;
/** A process that takes over has other things to do meanwhile. */
const sliceEntries = 10_000;
const sliceEveryMs = 5;

interface ExportHead {
  readonly seed: readonly [number, number];
  /** From when on what is used is refilled; null: it comes later than the rest, and there it is refilled. */
  readonly atWallMs: number | null;
  /** By number. */
  readonly rates: readonly (readonly [number: number, rate: string])[];
}

/** The memory in which all workers count: which rate has which number in it, and what goes to the next process. */
export class RateMemory {
  readonly memory: SharedArrayBuffer;
  readonly table: RateTable;
  readonly entries: number;
  readonly #words: SharedWords;
  readonly #ports: RateMemoryPorts;
  /** Those that were asked for last stand last. */
  readonly #numbers = new Map<string, number>();
  #swept = 0;
  readonly #busy = new Set<number>();
  /** The table as the next process knows it; null: it has got nothing. */
  #reported: RateTable | null = null;

  constructor(ports: RateMemoryPorts) {
    this.#ports = ports;
    this.entries = ports.entries ?? rateEntriesUsual;
    this.memory = new SharedArrayBuffer(rateTableBytes(this.entries));
    this.#words = new SharedWords(this.memory);
    this.table = new RateTable(this.#words, this.memory.byteLength);
    // Kept, so that the next process finds the entries of this one where they are.
    const key = Buffer.from(keptKey(ports.stateFolder, 'rate-limit-key', ports.random), 'base64url');
    this.#seed(key.readInt32LE(0), key.readInt32LE(4));
  }

  #seed(low: number, high: number): void {
    this.#words.store(seedAt, low);
    this.#words.store(seedAt + 1, high);
  }

  /** The number of a rate. One that was not asked for in a long time gives its own to another. */
  numberOf({ rate, burst }: Pick<RateLimitSpec, 'rate' | 'burst'>): number {
    if (rate === null) return 0;
    return this.#numberOf(`${rate.requests} ${rate.periodMs} ${burst}`);
  }

  #numberOf(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) {
      this.#numbers.delete(key);
      this.#numbers.set(key, known);
      return known;
    }
    const [oldest = key] = this.#numbers.keys();
    const number = this.#numbers.size < ratesMax ? this.#numbers.size + 1 : (this.#numbers.get(oldest) as number);
    if (this.#numbers.size >= ratesMax) this.#numbers.delete(oldest);
    this.#numbers.set(key, number);
    this.table.setPolicy(number, policyOf(key));
    return number;
  }

  /** Frees what is over in a part of the table. All of it has had its turn after `turns` calls. */
  sweep(turns: number): void {
    const count = Math.ceil(this.table.buckets / turns);
    this.#swept = this.table.sweep(this.#swept, count, this.#ports.clock.now(), this.#busy);
  }

  export(): FeatureState | null {
    this.#reported = null;
    return this.#export();
  }

  /** What was used since the last `export` or `exportMore`. */
  exportMore(): FeatureState | null {
    return this.#export();
  }

  #export(): FeatureState | null {
    const { clock } = this.#ports;
    const reported = this.#reported;
    // First, so that what workers count meanwhile is told twice rather than never.
    const copy = this.memory.slice();
    const nowMs = clock.now();
    let bytes = Buffer.allocUnsafe(1024 * entryBytes);
    let length = 0;
    this.table.each(nowMs, (tag, bucket, number, usedInAll, at) => {
      const used = usedInAll - (reported?.usedAt(at, tag, number, nowMs) ?? 0);
      if (used <= 0) return;
      if (length === bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
      bytes.writeInt32LE(tag, length);
      bytes.writeInt32LE(bucket, length + 4);
      bytes.writeInt32LE(number, length + 8);
      bytes.writeInt32LE(used, length + 12);
      length += entryBytes;
    });
    this.#reported = new RateTable(new SharedWords(copy), copy.byteLength);
    if (length === 0) return null;
    const head: ExportHead = {
      seed: [this.#words.load(seedAt), this.#words.load(seedAt + 1)],
      atWallMs: reported === null ? clock.wallTime() : null,
      rates: [...this.#numbers].map(([rate, number]) => [number, rate]),
    };
    const text = Buffer.from(JSON.stringify(head));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(text.length);
    return { version, bytes: Buffer.concat([size, text, bytes.subarray(0, length)]) };
  }

  import(state: FeatureState): void {
    if (state.version !== version) return;
    const bytes = Buffer.from(state.bytes.buffer, state.bytes.byteOffset, state.bytes.byteLength);
    const begin = 4 + bytes.readUInt32LE(0);
    const head = JSON.parse(bytes.toString('utf8', 4, begin)) as ExportHead;
    const { clock } = this.#ports;
    const nowMs = clock.now();
    // Entries lie where the hash with this seed says. A process that has counted already keeps its own.
    if (!this.#hasSeed(head.seed)) {
      if (this.#isUsed(nowMs)) return;
      this.#seed(...head.seed);
    }
    const passedMs = head.atWallMs === null ? 0 : Math.max(0, clock.wallTime() - head.atWallMs);
    const rates = new Map(
      head.rates.map(([number, rate]) => [
        number,
        { number: this.#numberOf(rate), refilled: Math.floor(passedMs / policyOf(rate).unitMs) },
      ]),
    );
    let at = begin;
    // What is used is told from the moment at which it came, also in a later slice.
    const slice = (): void => {
      const end = Math.min(bytes.length, at + sliceEntries * entryBytes);
      for (; at + entryBytes <= end; at += entryBytes) {
        const rate = rates.get(bytes.readInt32LE(at + 8));
        const bucket = bytes.readInt32LE(at + 4);
        if (rate === undefined || bucket >= this.table.buckets) continue;
        const used = bytes.readInt32LE(at + 12) - rate.refilled;
        if (used > 0) this.table.put(bytes.readInt32LE(at), bucket, rate.number, used, nowMs);
      }
      if (at + entryBytes <= bytes.length) clock.schedule(after(clock.now(), sliceEveryMs), slice, null);
    };
    slice();
  }

  #hasSeed([low, high]: ExportHead['seed']): boolean {
    return this.#words.load(seedAt) === low && this.#words.load(seedAt + 1) === high;
  }

  #isUsed(nowMs: number): boolean {
    let isUsed = false;
    this.table.each(nowMs, () => (isUsed = true));
    return isUsed;
  }
}

function policyOf(key: string): ReturnType<typeof ratePolicy> {
  const [requests = 1, periodMs = 1, burst = 1] = key.split(' ').map(Number);
  return ratePolicy(requests, periodMs, burst);
}
