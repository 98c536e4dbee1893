import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { lineBytesMax } from './limits.ts';
import { type LineSearch, searchBackwards } from './log-slice.ts';
import { lineFeed } from './line-feed.ts';

/**
 * A ring of lines in memory that one worker writes and the logger reads, without a message, a lock or a copy between them.
 *
 *     TAIL ─▶ written to the log ─▶ HEAD          a new round begins at 0 when the next line does not fit behind HEAD;
 *     └── the worker may overwrite what lies before TAIL      END_OF_ROUND is where the lines of the last round end
 *
 * The worker publishes a line by moving HEAD behind it; it never passes TAIL, which the logger moves when lines are in the
 * file. Lines stay where they are until a later round overwrites them, so that the logger finds recent exchanges in
 * the ring, and lines of a worker that has crashed are not lost.
 *
 * The main thread takes no part in it, so that its heap has nothing to collect (ADR 24).
 */

/** 20,000 successes: seconds of a busy gateway. Untouched pages cost nothing. */
const linesBytesDefault = 8 * 1024 * 1024;
/** Some 1,500 failures. */
const failuresBytesDefault = 2 * 1024 * 1024;

/** The Int32 cells in front of the lines. */
const head = 0;
const endOfRound = 1;
const tail = 2;
/** Lines that did not fit since the start; and how many of them the logger has reported. */
const dropped = 3;
const droppedSeen = 4;
const cellsBytes = 64;

/** As much as one write to the file takes: a tenth of a millisecond for a file in memory. */
const sliceBytesMax = 512 * 1024;
const awake = 0;
const asleep = 1;

/** Memory for one worker. `wakeWord` is the same for all rings of a logger. */
export function createRecordRing(
  wakeWord: SharedArrayBuffer,
  sizes: { readonly linesBytes?: number; readonly failuresBytes?: number } = {},
): RecordRingMemory {
  return {
    lines: new SharedArrayBuffer(cellsBytes + (sizes.linesBytes ?? linesBytesDefault)),
    failures: new SharedArrayBuffer(cellsBytes + (sizes.failuresBytes ?? failuresBytesDefault)),
    wakeWord,
  };
}

export function createWakeWord(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** How many lines did not fit into a ring since it was made. */
export function droppedIn({ lines }: RecordRingMemory): number {
  return Atomics.load(new Int32Array(lines, 0, cellsBytes / 4), dropped);
}

/** The worker's side. A worker that replaces a lost one continues in the same ring. */
export class RecordRingWriter {
  readonly #cells: Int32Array;
  readonly #bytes: Buffer;
  readonly #wakeWord: Int32Array;
  readonly #failures: FailuresWriter;
  #head: number;
  /** Up to here the ring is known to be free behind HEAD. */
  #limit = 0;

  constructor({ lines, failures, wakeWord }: RecordRingMemory) {
    this.#cells = new Int32Array(lines, 0, cellsBytes / 4);
    this.#bytes = Buffer.from(lines, cellsBytes);
    this.#wakeWord = new Int32Array(wakeWord);
    this.#failures = new FailuresWriter(failures);
    this.#head = Atomics.load(this.#cells, head);
  }

  /** Lines that did not fit since the ring was made. */
  get dropped(): number {
    return Atomics.load(this.#cells, dropped);
  }

  /**
   * Reserves room for a line of at most `bytesMax` bytes. The caller writes it from `reservedAt` on, then commits it. Null if
   * the logger does not keep up. A reservation that is not committed has no effect.
   */
  reserve(bytesMax: number): Buffer | null {
    return this.#head + bytesMax <= this.#limit || this.#makeRoom(bytesMax) ? this.#bytes : null;
  }

  get reservedAt(): number {
    return this.#head;
  }

  /** Commits the reserved line, which ends at `end`: from now on the logger sees it. */
  commit(end: number): void {
    this.#head = end;
    Atomics.store(this.#cells, head, end);
    // Ordered after the store of HEAD: the logger looks at HEAD once more after it has set the word.
    if (Atomics.load(this.#wakeWord, 0) === asleep) this.#wake();
  }

  /**
   * Appends a line of ASCII that ends with LF; a failed one is kept apart from successes too. Returns its bytes; 0 if it did
   * not fit, which is counted; a failure can still be found then.
   */
  append(line: string, failed: boolean): number {
    const { length } = line;
    if (failed) this.#failures.append(line);
    if (length > lineBytesMax || this.reserve(length) === null) {
      Atomics.add(this.#cells, dropped, 1);
      return 0;
    }
    this.#bytes.write(line, this.#head, 'latin1');
    this.commit(this.#head + length);
    return length;
  }

  /** Keeps a line that was committed apart from successes too. */
  keepFailure(line: Uint8Array): void {
    this.#failures.append(line);
  }

  /** As `append`, of a line that has been written as bytes, with a beginning in ASCII. */
  appendBytes(beginning: string, line: Uint8Array): void {
    const length = beginning.length + line.length;
    if (length > lineBytesMax || this.reserve(length) === null) {
      Atomics.add(this.#cells, dropped, 1);
      return;
    }
    this.#bytes.write(beginning, this.#head, 'latin1');
    this.#bytes.set(line, this.#head + beginning.length);
    this.commit(this.#head + length);
  }

  #makeRoom(bytesMax: number): boolean {
    const limit = Atomics.load(this.#cells, tail);
    if (limit > this.#head) {
      // One byte stays free: HEAD on TAIL means that all lines are written.
      this.#limit = limit - 1;
      return this.#head + bytesMax <= this.#limit;
    }
    this.#limit = this.#bytes.length;
    if (this.#head + bytesMax <= this.#limit) return true;
    if (bytesMax >= limit) return false;
    Atomics.store(this.#cells, endOfRound, this.#head);
    this.#head = 0;
    this.#limit = limit - 1;
    Atomics.store(this.#cells, head, 0);
    return true;
  }

  #wake(): void {
    if (Atomics.compareExchange(this.#wakeWord, 0, asleep, awake) === asleep) Atomics.notify(this.#wakeWord, 0);
  }
}

/** Overwrites its oldest lines, whether or not the logger has seen them: they are in the other ring too. */
class FailuresWriter {
  readonly #cells: Int32Array;
  readonly #bytes: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory, 0, cellsBytes / 4);
    this.#bytes = Buffer.from(memory, cellsBytes);
  }

  /** A line of ASCII, or its bytes. */
  append(line: string | Uint8Array): void {
    let at = Atomics.load(this.#cells, head);
    if (line.length > this.#bytes.length) return;
    if (at + line.length > this.#bytes.length) {
      Atomics.store(this.#cells, endOfRound, at);
      at = 0;
      Atomics.store(this.#cells, head, 0);
    }
    if (typeof line === 'string') this.#bytes.write(line, at, 'latin1');
    else this.#bytes.set(line, at);
    Atomics.store(this.#cells, head, at + line.length);
  }
}

/** Whole lines in the ring. They stay there until the slice is released. */
export interface RingSlice {
  readonly bytes: Buffer;
}

class OutstandingSlice implements RingSlice {
  readonly bytes: Buffer;
  /** Where TAIL is once this slice and those before it are released: 0 at the end of a round. */
  tailAfter: number;
  isReleased = false;

  constructor(bytes: Buffer, end: number) {
    this.bytes = bytes;
    this.tailAfter = end;
  }
}

/** The logger's side. */
export class RecordRingReader {
  readonly #cells: Int32Array;
  readonly #bytes: Buffer;
  readonly #failures: Int32Array;
  readonly #failureBytes: Buffer;
  /** Lines before this were taken. */
  #taken: number;
  /** Taken and not at TAIL yet, in the order of the lines. */
  readonly #outstanding: OutstandingSlice[] = [];

  constructor({ lines, failures }: RecordRingMemory) {
    this.#cells = new Int32Array(lines, 0, cellsBytes / 4);
    this.#bytes = Buffer.from(lines, cellsBytes);
    this.#failures = new Int32Array(failures, 0, cellsBytes / 4);
    this.#failureBytes = Buffer.from(failures, cellsBytes);
    this.#taken = Atomics.load(this.#cells, tail);
  }

  get hasLines(): boolean {
    return Atomics.load(this.#cells, head) !== this.#taken;
  }

  /** Lines that were committed since the last call, in slices. Release each, in any order. */
  take(): readonly RingSlice[] {
    const until = Atomics.load(this.#cells, head);
    const slices: RingSlice[] = [];
    if (until < this.#taken) {
      // HEAD was moved to 0 after END_OF_ROUND had been stored.
      this.#addSlices(slices, Atomics.load(this.#cells, endOfRound));
      this.#taken = 0;
      const last = this.#outstanding.at(-1);
      if (last === undefined) Atomics.store(this.#cells, tail, 0);
      else last.tailAfter = 0;
    }
    this.#addSlices(slices, until);
    this.#taken = until;
    return slices;
  }

  /** Whether slices are taken and not released. */
  get isBusy(): boolean {
    return this.#outstanding.length > 0;
  }

  /** The lines from `#taken` to `until`, in slices of `sliceBytesMax`; a longer line has one of its own. */
  #addSlices(slices: RingSlice[], until: number): void {
    for (let from = this.#taken; from < until; ) {
      const end = until - from <= sliceBytesMax ? until : endOfLine(this.#bytes, from, from + sliceBytesMax);
      const slice = new OutstandingSlice(this.#bytes.subarray(from, end), end);
      this.#outstanding.push(slice);
      slices.push(slice);
      from = end;
    }
  }

  /** The lines of the slice are not needed any more. The worker may overwrite them once all slices before it are released too. */
  release(slice: RingSlice): void {
    (slice as OutstandingSlice).isReleased = true;
    let tailNow: number | null = null;
    while (this.#outstanding[0]?.isReleased === true) tailNow = this.#outstanding.shift()?.tailAfter ?? null;
    if (tailNow !== null) Atomics.store(this.#cells, tail, tailNow);
  }

  /** How many lines did not fit since the last call. */
  takeDropped(): number {
    const now = Atomics.load(this.#cells, dropped);
    return now - Atomics.exchange(this.#cells, droppedSeen, now);
  }

  /** The failed exchange that `search` accepts, else any that it accepts; the newest first. Null if there is none. */
  findLast<T>(search: LineSearch<T>): T | null {
    return findLastIn(this.#failures, this.#failureBytes, search) ?? findLastIn(this.#cells, this.#bytes, search);
  }
}

/** The end of the last line that ends at `until` or before, or of the line that begins at `from`, if it is longer. */
function endOfLine(bytes: Buffer, from: number, until: number): number {
  const last = bytes.lastIndexOf(lineFeed, until - 1);
  return (last >= from ? last : bytes.indexOf(lineFeed, until)) + 1;
}

/**
 * The worker goes on writing meanwhile. Behind HEAD it may be composing a line over those of the last round, so the search leaves out as much
 * as it may overwrite until the search has ended; if it has overwritten more, the result does not count.
 */
function findLastIn<T>(cells: Int32Array, bytes: Buffer, search: LineSearch<T>): T | null {
  const margin = Math.min(lineBytesMax, bytes.length >> 3);
  const before = Atomics.load(cells, head);
  const newest = searchBackwards(bytes.subarray(0, before), search);
  const older =
    newest ?? searchBackwards(linesBehind(bytes, before + 2 * margin, Atomics.load(cells, endOfRound)), search);
  const after = Atomics.load(cells, head);
  return after >= before && after - before <= margin ? older : null;
}

/** The whole lines that begin after `from`. */
function linesBehind(bytes: Buffer, from: number, to: number): Buffer {
  const lineEnd = from < to ? bytes.indexOf(lineFeed, from) : -1;
  return lineEnd === -1 || lineEnd >= to ? bytes.subarray(0, 0) : bytes.subarray(lineEnd + 1, to);
}

/** Waits in the logger for the first line after a time without any. */
export class WakeWord {
  readonly #word: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#word = new Int32Array(memory);
  }

  /** From now on the next committed line wakes the logger. Look for lines once more before `wait`. */
  fallAsleep(): void {
    Atomics.store(this.#word, 0, asleep);
  }

  /** Ends a `wait`, or makes the next one end at once. */
  wake(): void {
    if (Atomics.exchange(this.#word, 0, awake) === asleep) Atomics.notify(this.#word, 0);
  }

  /** Resolves when a worker has committed a line since `fallAsleep`. Keeps no event loop alive. */
  async wait(): Promise<void> {
    const waited = Atomics.waitAsync(this.#word, 0, asleep);
    if (waited.async) await waited.value;
  }
}
