import { Deadline, type Deadlines } from '../../core/deadline.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Random } from '../../core/random.ts';
import type { OutgoingRequest, ResponseHead } from '../../core/message.ts';
import type { AttemptLimits, UpstreamHandler, UpstreamStream } from '../../core/stream.ts';
import { after, type Clock, never } from '../../core/time.ts';
import type { Disk, DiskTurn } from './worker-disk.ts';
import type { FileRange } from './worker-conditions.ts';
import { codeOf, type OpenFile } from './worker-file.ts';

/** A part of a body: bytes, or a range of the file. */
export type BodyPart = Uint8Array | FileRange;

/** A file up to this size is read at once, and so is the beginning of a larger one. */
export const firstReadBytes = 128 * 1024;
/** More than this of one file is never in memory twice: one part waits for the client, the next is read. */
const readBytes = Number(process.env['READ_KB'] ?? 256) * 1024;

/** Memory that is touched for the first time costs more than the reading: a few buffers are used again. */
const freeBuffers: Uint8Array[] = [];
const freeBuffersMax = 8;

export interface FilePorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly random: Random;
}

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
  /** Into which large parts are read, one after the other; its bytes are lent to the exchange. */
  #buffer: Uint8Array | null = null;

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
    this.#isPaused = true;
  }

  resumeBody(): void {
    this.#isPaused = false;
    if (this.#isBegun) this.#pass();
  }

  keepBody(): void {} // Each part has memory of its own.

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
      const bytes = this.#ready.shift() ?? this.#textPart();
      if (bytes === undefined) break;
      isPassed = true;
      handler?.onResponseBody(bytes, 0, bytes.length, 'owned');
    }
    if (this.#handler === null) return;
    // While it is paused, the part in the buffer may still be on its way to the client.
    const isWhole = this.#parts.length === 0 && this.#ready.length === 0 && !this.#isReading;
    if (isWhole && !(this.#isPaused && this.#buffer !== null)) return this.#end();
    if (isPassed) handler?.onResponseReadDone();
    if (this.#handler !== null && !this.#isPaused && !this.#isReading && this.#ready.length === 0) this.#read();
  }

  #textPart(): Uint8Array | undefined {
    return this.#isReading || !(this.#parts[0] instanceof Uint8Array) ? undefined : (this.#parts.shift() as Uint8Array);
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

  async #readPart({ start, end }: FileRange, turn: DiskTurn): Promise<void> {
    this.#buffer ??= freeBuffers.pop() ?? new Uint8Array(readBytes);
    const bytes = this.#buffer.subarray(0, Math.min(end - start, readBytes));
    try {
      const failure = await this.#fill(bytes, start, end);
      turn.leave();
      this.#afterRead(failure ?? bytes);
    } catch (error) {
      turn.leave();
      const evidence = { path: this.#path, operation: 'read', errno: codeOf(error) } as const;
      this.#afterRead(fail('file_failed', 'body', evidence));
    }
  }

  async #fill(bytes: Uint8Array, start: number, end: number): Promise<Failure | null> {
    const file = this.#file as OpenFile;
    const { fd } = file;
    for (let at = 0; at < bytes.length; ) {
      const count = await this.#disk.calls.read(fd, bytes, at, bytes.length - at, start + at);
      if (count === 0) return this.#changed('truncated');
      at += count;
      this.#bytesRead += count;
    }
    const isLast = this.#parts.length === 1 && start + bytes.length === end;
    if (isLast && !isUnchanged(file, await this.#disk.facts(fd))) return this.#changed('rewritten');
    return null;
  }

  #afterRead(read: Uint8Array | Failure | null): void {
    this.#isReading = false;
    this.#turn = null;
    this.at = never;
    if (this.#handler === null || read === null) return this.#close();
    if ('cause' in read) return this.#failWith(read);
    const range = this.#parts[0] as FileRange;
    const start = range.start + read.length;
    if (start === range.end) this.#parts.shift();
    else this.#parts[0] = { start, end: range.end };
    this.#ready.push(read);
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
    if (this.#buffer !== null && !this.#isPaused && freeBuffers.length < freeBuffersMax) freeBuffers.push(this.#buffer);
    this.#buffer = null;
  }
}

/** Compares what was known of a file before it was read with what is after. */
export function isUnchanged({ facts }: OpenFile, { size, mtimeNs }: OpenFile['facts']): boolean {
  return facts.size === size && facts.mtimeNs === mtimeNs;
}
