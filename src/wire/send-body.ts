import type { Ownership } from '../core/message.ts';
import { writeChunkStart } from './chunked.ts';
import type { Composer, ByteWriter } from './byte-writer.ts';

/** How a body is put on the wire: as it is, or in the chunked coding. */
export type ContentCoding = 'plain' | 'chunked';

/** A composed body leaves when it has reached this size, so that the writer's buffer never grows. */
const sliceBytes = 32 * 1024;

/** Owned bytes from this size on are handed to the system as they are: a copy would cost more than the call. */
const directBytesMin = 16 * 1024;

/**
 * Sends or composes a body. Returns false when the system has not taken all of it: wait for the transport's
 * `onWritten` before sending more.
 */
export function sendBody(
  writer: ByteWriter,
  composer: Composer,
  coding: ContentCoding,
  bytes: Uint8Array,
  start: number,
  end: number,
  ownership: Ownership,
): boolean {
  if (coding === 'plain' && ownership === 'owned' && end - start >= directBytesMin) {
    writer.flush(composer);
    return composer.transport.write(bytes, start, end, 'owned');
  }
  let room = true;
  for (let at = start; at < end; at += sliceBytes) {
    const stop = Math.min(at + sliceBytes, end);
    writer.claim(composer);
    if (coding === 'chunked') writeChunkStart(writer, stop - at);
    writer.bytes(bytes, at, stop);
    if (coding === 'chunked') writer.text('\r\n');
    if (writer.composed(composer) >= sliceBytes) room = writer.flush(composer);
  }
  return room;
}
