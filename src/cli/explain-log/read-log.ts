import { constants, openSync, statSync, accessSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { stdin } from 'node:process';
import type { Readable } from 'node:stream';
import { type LogEnd, ByteDecoder, type ByteSink } from '../../record/byte-decoder.ts';
import { resolve } from 'node:path';
import { harmless } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import { CommandFailure, exitCodes } from '../command-failure.ts';

export interface LogReading {
  /** `read`: bytes of the file. */
  readonly end:
    | LogEnd
    | { readonly kind: 'stopped'; readonly read: number }
    | { readonly kind: 'unreadable'; readonly why: string };
  readonly hasZeros: boolean;
}

/** Callbacks while a log is read. */
interface LogReader {
  /** Receives the text of the log, unpacked, in slices of any size. */
  readonly take: ByteSink;
  /** Receives how many bytes of the file have been read. */
  onRead(bytes: number): void;
}

/** A megabyte at a time: few turns of the event loop, and little memory. */
const readBytes = 1024 * 1024;

/** Reads a log from its beginning to its end, slice by slice. */
export async function readLog(source: LogSource, reader: LogReader, stop: ReadingStop): Promise<LogReading> {
  const decoder = new ByteDecoder(reader.take);
  const ended = (end: LogReading['end']): LogReading => ({ end, hasZeros: decoder.hasZeros });
  let read = 0;
  try {
    for await (const slice of slicesOf(source.path, stop)) {
      await decoder.push(slice);
      read += slice.length;
      reader.onRead(read);
      if (stop.isStopped) return ended({ kind: 'stopped', read });
      if (decoder.ended !== null) break;
    }
  } catch (error) {
    await decoder.end();
    return ended(stop.isStopped ? { kind: 'stopped', read } : { kind: 'unreadable', why: (error as Error).message });
  }
  return ended(await decoder.end());
}

/** Waits while a pipe or a device has no data: a blocking read could not be ended, not even by a signal. */
const withoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Reads a file, a pipe or a device (`null`: standard input) in slices. A slice may use the same memory as the one before. */
export function slicesOf(path: string | null, stop: Pick<ReadingStop, 'stopped'>): AsyncGenerator<Uint8Array> {
  if (path === null) return slicesOfStream(stdin, stop);
  if (!statSync(path).isFIFO()) return slicesOfFile(path);
  return slicesOfStream(new Socket({ fd: openSync(path, withoutWaiting), readable: true, writable: false }), stop);
}

/** Each slice uses the same memory as the one before. */
async function* slicesOfFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, withoutWaiting);
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, readBytes, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The next slice may never come: stopping does not wait for it. */
async function* slicesOfStream(stream: Readable, stop: Pick<ReadingStop, 'stopped'>): AsyncGenerator<Uint8Array> {
  void stop.stopped.then(() => stream.destroy());
  yield* stream as AsyncIterable<Uint8Array>;
}

/** Where a log is read from. */
export interface LogSource {
  /** The name as it was written on the command line. */
  readonly name: string;
  /** Null: standard input. */
  readonly path: string | null;
  /** Bytes of the file; null for a pipe, whose length is unknown. */
  readonly bytes: number | null;
}

/** Whether a file of that name exists. A pasted line is not the name of a file. */
export function isThere(name: string, { directory }: ProcessContext): boolean {
  try {
    return statSync(resolve(directory, name), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Longer than a file name may be, or with bytes that no file name has.
    return false;
  }
}

/** Whether the argument was probably meant as a file name although no such file exists. */
export function isLikeFileName(name: string): boolean {
  return /^(?=[^\s{]+$)(?:.*\/|.*\.(?:log|gz|zst|xz|bz2|txt|json|jsonl|har|err|out)(?:[.-]?\d+)?$)/.test(name);
}

/** Says in a sentence why a log cannot be read, before reading starts. */
export function findLog(name: string, context: ProcessContext): LogSource {
  if (name === '-') return { name: 'standard input', path: null, bytes: null };
  const path = resolve(context.directory, name);
  const said = harmless(name);
  if (!isThere(name, context)) throw unreadable(`there is no file ${said}; name a log that exists`);
  const found = statSync(path);
  if (found.isDirectory()) throw unreadable(`${said} is a folder; name the files in it`);
  if (found.isSocket()) throw unreadable(`${said} is a socket, not a log`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw unreadable(`${said} cannot be read by this user`);
  }
  return { name, path, bytes: found.isFile() ? found.size : null };
}

function unreadable(why: string): CommandFailure {
  return new CommandFailure('usage', `Nothing was read: ${why}.`);
}

/** The first SIGINT or SIGTERM ends the reading, and the part that was read is summed up. A second SIGINT exits at once. */
export class ReadingStop {
  isStopped = false;
  readonly stopped: Promise<void>;
  readonly #forget: readonly (() => void)[];

  constructor(context: ProcessContext) {
    let resolveStopped = (): void => {};
    this.stopped = new Promise((resolve) => {
      resolveStopped = resolve;
    });
    const stop = (code: number): void => {
      if (this.isStopped) context.exit(code);
      this.isStopped = true;
      resolveStopped();
    };
    this.#forget = [
      context.onSignal('SIGINT', () => stop(exitCodes.interrupted)),
      context.onSignal('SIGTERM', () => stop(exitCodes.terminated)),
    ];
  }

  forget(): void {
    for (const forget of this.#forget) forget();
  }
}

/** Enough lines to see how a log writes its times. */
const beginningBytes = 128 * 1024;

/** The first lines of a file, unpacked. Empty for a pipe, which can be read only once, and for a file that cannot be read. */
export async function beginningOf({ path, bytes }: LogSource): Promise<string> {
  if (path === null || bytes === null) return '';
  const parts: Uint8Array[] = [];
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.min(beginningBytes, bytes));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      const decoder = new ByteDecoder((part) => {
        parts.push(Uint8Array.from(part));
        return null;
      });
      await decoder.push(buffer.subarray(0, bytesRead));
      await decoder.end();
    } finally {
      await file.close();
    }
  } catch {
    // Reading it says why.
  }
  return Buffer.concat(parts).subarray(0, beginningBytes).toString('latin1');
}

/**
 * Lets several logs be read as one: only the log whose next lines are the earliest goes on, so that lines about one failure
 * come near each other, and little has to be remembered.
 */
export class ReadingOrder {
  readonly #reached: (number | null)[];
  readonly #waiting = new Map<number, () => void>();

  /** Logs have not been reached before their first lines are read. */
  constructor(logs: number) {
    this.#reached = Array.from({ length: logs }, () => Number.NEGATIVE_INFINITY);
  }

  /** Resolves when no other log has earlier lines. Null if that is so already. */
  turn(log: number): Promise<void> | null {
    if (this.#earliest() === log) return null;
    return new Promise((resolve) => this.#waiting.set(log, resolve));
  }

  /** The log has been read up to that time. Lines without a time do not wait for others. */
  advance(log: number, reachedMs: number | null): void {
    if (reachedMs !== null) this.#reached[log] = reachedMs;
    this.#wake();
  }

  end(log: number): void {
    this.#reached[log] = null;
    this.#wake();
  }

  #wake(): void {
    const earliest = this.#earliest();
    const resolve = this.#waiting.get(earliest);
    this.#waiting.delete(earliest);
    resolve?.();
  }

  /** -1 if all have ended. */
  #earliest(): number {
    let earliest = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [log, reached] of this.#reached.entries()) {
      if (reached === null || (reached >= least && earliest >= 0)) continue;
      earliest = log;
      least = reached;
    }
    return earliest;
  }
}
