import type { FieldSink } from '../core/message.ts';

/**
 * A sink that takes whole field lines as HTTP/1 writes them. Code of this room that holds such lines asks for it, and writes
 * names and values to every other sink: so lines are copied between two HTTP/1 connections, and the rooms around them know
 * fields alone.
 */
export abstract class FieldLineSink implements FieldSink {
  abstract field(name: string, value: string): void;
  /** Lines in the bytes [start, end), each with its CR LF, already checked. */
  abstract fieldLines(bytes: Uint8Array, start: number, end: number): void;
}
