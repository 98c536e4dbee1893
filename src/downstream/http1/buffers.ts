import type { ByteWriter } from '../../wire/byte-writer.ts';
import type { HeadStorage } from '../../wire/head-storage.ts';

/** What all HTTP/1 connections of a thread share. */
export interface Http1Buffers {
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
}
