import { Deadline, type Deadlines } from '../../core/deadline.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Random } from '../../core/random.ts';
import type { OutgoingRequest, ResponseHead } from '../../core/message.ts';
import type { AttemptLimits, UpstreamHandler, UpstreamStream } from '../../core/stream.ts';
import { after, type Clock, type Instant, never } from '../../core/time.ts';
import type { AnsweredTargets } from '../../policy/answered-targets.ts';
import type { Disk, DiskTurn } from './worker-disk.ts';
import type { FileRange } from './worker-conditions.ts';
import { codeOf, type OpenFile } from './worker-file.ts';
import { giveBuffer, takeBuffer } from './worker-buffers.ts';
import { partBytes, type PartTimes } from './worker-warm-parts.ts';

/** A part of a body: bytes, or a range of the file. */
export type BodyPart = Uint8Array | FileRange;

/** A file up to this size is read at once, and so is the beginning of a larger one. */
export const firstReadBytes = 128 * 1024;
export interface FilePorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly random: Random;
  readonly answered: AnsweredTargets;
}

/** A client that needs so long for a part gets small ones, since its part stays in memory meanwhile. */
const slowMs = 100;

/** So much the worker reads itself of one file before other connections have their turn: some 0.5 ms. */
const turnBytesMax = 2 * 1024 * 1024;

const capabilities = { protocol: '', multiplexed: false, trailers: false } as const;

/**
 * The response with a file, as an exchange reads it: parts of it are read while the client has room. A file that becomes shorter, or is written
 * to, meanwhile fails: its response is cut before its end.
 */
export class FileStream extends Deadline implements UpstreamStream {
  readonly capabilities = capabilities;
  readonly address = 'file';
  readonly localPort = 0;
  readonly reused = false;
  readonly idleMs = 0;
  readonly requestBegun = true;
  readonly requestSent = true;
  readonly unsentBody = null;
  readonly answerBegun = true;
  readonly #path: string;
  readonly #head: ResponseHead;
  /** Null: the whole body is in memory. */
  readonly #file: OpenFile | null;
  readonly #disk: Disk;
  readonly #ports: FilePorts;
  /** What is not read yet, in order. */
  readonly #parts: BodyPart[];
  /** What is read and not passed on yet. */
  readonly #ready: Uint8Array[];
  #handler: UpstreamHandler | null = null;
  #limits: AttemptLimits = { responseHeadMs: 0, idleMs: 0 };
  #isBegun = false;
  #isPaused = false;
  #isReading = false;
  #isClosed = false;
  #turn: DiskTurn | null = null;
  #bytesRead = 0;
  /** Into which parts are read, one after the other: the exchange has its bytes until it resumes this stream. */
  #buffer: Uint8Array | null = null;
  /** Which parts of the file are in memory; null: only threads read it. */
  #warm: PartTimes | null = null;
  #pausedAt: Instant = never;
  #isSlow = false;
  #turnBytes = 0;

  /** `ready`: the beginning of the body, which is read already. `path`: for messages. */
  constructor(
    path: string,
    head: ResponseHead,
    file: OpenFile | null,
    disk: Disk,
    parts: BodyPart[],
    ready: Uint8Array[],
    ports: FilePorts,
  ) {
    super();
    this.#path = path;
    this.#head = head;
    this.#file = file;
    this.#disk = disk;
    this.#parts = parts;
    this.#ready = ready;
    this.#ports = ports;
    if (file !== null && disk.isLocal && parts.length > 0) this.#warm = disk.warm.of(file.facts);
    if (parts.length === 0) this.#close(); // All of it is read, and was compared with the file.
  }

  send(_: OutgoingRequest, handler: UpstreamHandler, limits: AttemptLimits): void {
    this.#handler = handler;
    this.#limits = limits;
  }

  sendBody(): boolean {
    return true; // A request for a file has no use for a body.
  }

  endBody(): void {}

  flush(): void {
    const handler = this.#handler;
    if (this.#isBegun || handler === null) return;
    this.#isBegun = true;
    handler.onResponse(this.#head);
    this.#pass();
  }

  pauseBody(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#pausedAt = this.#ports.clock.now();
  }

  resumeBody(): void {
    if (this.#isPaused && this.#ports.clock.now() - this.#pausedAt > slowMs) this.#beSlow();
    this.#isPaused = false;
    this.#turnBytes = 0;
    if (this.#isBegun) this.#pass();
  }

  #beSlow(): void {
    this.#isSlow = true;
    if (!this.#isReading && this.#ready.length === 0) this.#giveBuffer();
  }

  keepBody(): void {} // Nothing of a file is kept while more is read: see `routeToSource`.

  cancel(): void {
    this.#handler = null;
    this.#turn?.cancel();
    if (!this.#isReading) this.#close(); // Else the read closes the file when it has ended.
  }

  /** Passes on what is read, and reads on. */
  #pass(): void {
    const handler = this.#handler;
    let isPassed = false;
    while (this.#handler !== null && !this.#isPaused) {
      const bytes = this.#ready.shift() ?? this.#textPart() ?? this.#warmPart();
      if (bytes === null) break;
      isPassed = true;
      this.#turnBytes += bytes.length;
      handler?.onResponseBody(bytes, 0, bytes.length, 'owned');
      // The next one to read a part, of whichever file, gets the memory that is in the caches of the processor.
      if (!this.#isPaused) this.#giveBuffer();
    }
    if (this.#handler === null) return;
    const isWhole = this.#parts.length === 0 && this.#ready.length === 0 && !this.#isReading;
    // While it is paused, its last part may still be on its way to the client.
    if (isWhole && (this.#isClosed || !this.#isPaused)) return this.#end();
    if (isPassed) handler?.onResponseReadDone();
    if (this.#handler !== null && !this.#isPaused && !this.#isReading && this.#ready.length === 0) this.#read();
  }

  #textPart(): Uint8Array | undefined {
    return this.#isReading || !(this.#parts[0] instanceof Uint8Array) ? undefined : (this.#parts.shift() as Uint8Array);
  }

  /** Reads the next part of the file at once, if it is in memory. */
  #warmPart(): Uint8Array | null {
    const range = this.#parts[0];
    if (this.#warm === null || this.#isReading || range === undefined || range instanceof Uint8Array) return null;
    const { clock } = this.#ports;
    const since = clock.now();
    const isInTurn = this.#turnBytes < turnBytesMax;
    if (!isInTurn || !this.#disk.warm.isWarm(this.#warm, partOf(range), since)) return null;
    const bytes = this.#memoryFor(range);
    const failure = this.#fillNow(bytes, range);
    this.#disk.warm.noteRead(since, clock.now());
    if (failure !== null) {
      this.#failWith(failure);
      return null;
    }
    this.#advance(bytes.length);
    return bytes;
  }

  #fillNow(bytes: Uint8Array, range: FileRange): Failure | null {
    const file = this.#file as OpenFile;
    try {
      for (let at = 0; at < bytes.length; ) {
        const count = this.#disk.readNow(file.fd, bytes, at, bytes.length - at, range.start + at);
        if (count === 0) return this.#changed('truncated');
        at += count;
        this.#bytesRead += count;
      }
      const isChanged = this.#isLast(range, bytes.length) && !isUnchanged(file, this.#disk.factsNow(file.fd));
      return isChanged ? this.#changed('rewritten') : null;
    } catch (error) {
      return this.#readFailure(error);
    }
  }

  #readFailure(error: unknown): Failure {
    return fail('file_failed', 'body', { path: this.#path, operation: 'read', errno: codeOf(error) });
  }

  #isLast({ start, end }: FileRange, length: number): boolean {
    return this.#parts.length === 1 && start + length === end;
  }

  #advance(length: number): void {
    const { start, end } = this.#parts[0] as FileRange;
    if (start + length === end) this.#parts.shift();
    else this.#parts[0] = { start: start + length, end };
  }

  #end(): void {
    const handler = this.#handler;
    this.#handler = null;
    try {
      handler?.onResponseEnd(null);
      handler?.onResponseReadDone();
    } finally {
      this.#close();
    }
  }

  /** Reads the next part of the file; the one after it follows once this one is passed on. */
  #read(): void {
    const range = this.#parts[0];
    if (range === undefined || range instanceof Uint8Array) return;
    this.#isReading = true;
    this.at = after(this.#ports.clock.now(), this.#limits.idleMs);
    if (this.index < 0) this.#ports.deadlines.add(this);
    this.#turn = this.#disk.enter((turn) => {
      if (turn === null) this.#afterRead(null);
      else void this.#readPart(range, turn);
    });
  }

  async #readPart(range: FileRange, turn: DiskTurn): Promise<void> {
    const bytes = this.#memoryFor(range);
    try {
      const failure = await this.#fill(bytes, range);
      turn.leave();
      if (failure === null) this.#noteWarm(range.start, range.start + bytes.length);
      this.#afterRead(failure ?? bytes);
    } catch (error) {
      turn.leave();
      this.#afterRead(this.#readFailure(error));
    }
  }

  /** A thread has read these bytes. */
  #noteWarm(start: number, end: number): void {
    const size = this.#file?.facts.size ?? 0;
    const isWhole = start % partBytes === 0 && (end === size || end - start === partBytes);
    if (this.#warm !== null && isWhole)
      this.#disk.warm.note(this.#warm, Math.floor(start / partBytes), this.#ports.clock.now());
  }

  /** For the rest of the part in which the range begins, or less of it. */
  #memoryFor(range: FileRange): Uint8Array {
    const end = Math.min(range.end, (partOf(range) + 1) * partBytes);
    this.#buffer ??= takeBuffer(this.#isSlow);
    return this.#buffer.subarray(0, Math.min(end - range.start, this.#buffer.length));
  }

  async #fill(bytes: Uint8Array, range: FileRange): Promise<Failure | null> {
    const file = this.#file as OpenFile;
    const { fd } = file;
    for (let at = 0; at < bytes.length; ) {
      const count = await this.#disk.calls.read(fd, bytes, at, bytes.length - at, range.start + at);
      if (count === 0) return this.#changed('truncated');
      at += count;
      this.#bytesRead += count;
    }
    if (this.#isLast(range, bytes.length) && !isUnchanged(file, await this.#disk.facts(fd)))
      return this.#changed('rewritten');
    return null;
  }

  #afterRead(read: Uint8Array | Failure | null): void {
    this.#isReading = false;
    this.#turn = null;
    this.at = never;
    if (this.#handler === null || read === null) return this.#close();
    if ('cause' in read) return this.#failWith(read);
    this.#advance(read.length);
    this.#ready.push(read);
    this.#turnBytes = 0;
    this.#passFromRead();
  }

  /** The exchange's code may throw: then the exchange ends, and not the worker. */
  #passFromRead(): void {
    try {
      this.#pass();
    } catch (error) {
      this.#failWith(
        fail('gateway_fault', 'body', { invariant: error instanceof Error ? error.message : String(error) }),
      );
    }
  }

  #changed(change: 'truncated' | 'rewritten'): Failure {
    const evidence = {
      path: this.#path,
      change,
      bytesExpected: this.#file?.facts.size ?? 0,
      bytesRead: this.#bytesRead,
    };
    return fail('file_changed', 'body', evidence);
  }

  #failWith(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    if (!this.#isReading) this.#close();
    handler?.onAttemptFailed(failure);
  }

  /** The disk has taken too long. The read goes on in its thread, and closes the file. */
  onExpired(): void {
    if (this.#handler === null || !this.#isReading) return;
    const { idleMs: limitMs } = this.#limits;
    const failure = fail('file_timeout', 'body', {
      ...{ path: this.#path, operation: 'read', limitMs, bytesRead: this.#bytesRead },
    });
    this.#turn?.cancel();
    this.#failWith(failure);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ports.deadlines.remove(this);
    if (this.#file !== null) this.#disk.close(this.#file.fd, this.#file.facts.isLinked);
    this.#giveBuffer();
  }

  /** While the stream is paused, its bytes may still be on their way to the client. */
  #giveBuffer(): void {
    if (this.#buffer !== null) giveBuffer(this.#buffer, !this.#isPaused);
    this.#buffer = null;
  }
}

const partOf = ({ start }: FileRange): number => Math.floor(start / partBytes);

/** Compares what was known of a file before it was read with what is after. */
export function isUnchanged({ facts }: OpenFile, { size, mtimeNs }: OpenFile['facts']): boolean {
  return facts.size === size && facts.mtimeNs === mtimeNs;
}
