import { constants, openSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { stdin } from 'node:process';
import type { Readable } from 'node:stream';
import type { LogSource } from './log-source.ts';
import { type LogEnd, ByteDecoder, type ByteSink } from '../../record/byte-decoder.ts';
import type { ReadingStop } from './reading-stop.ts';

export interface LogReading {
  /** `read`: bytes of the file. */
  readonly end:
    | LogEnd
    | { readonly kind: 'stopped'; readonly read: number }
    | { readonly kind: 'unreadable'; readonly why: string };
  readonly hasZeros: boolean;
}

/** Callbacks while a log is read. */
export interface LogReader {
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
