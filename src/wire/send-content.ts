import type { Ownership } from '../core/message.ts';
import { writeChunkStart } from './chunked.ts';
import type { Composer, OctetWriter } from './octet-writer.ts';

/** How content is put on the wire: as it is, or in the chunked coding. */
export type ContentCoding = 'plain' | 'chunked';

/** Composed content leaves when it has reached this size, so that the writer's buffer never grows. */
const pieceOctets = 32 * 1024;

/** Owned octets from this size on are handed to the system as they are: a copy would cost more than the call. */
const directOctetsMin = 16 * 1024;

/**
 * Sends or composes content. Returns false when the system has not taken all of it: wait for the transport's
 * `onWritten` before sending more.
 */
export function sendContent(
  writer: OctetWriter,
  composer: Composer,
  coding: ContentCoding,
  octets: Uint8Array,
  start: number,
  end: number,
  ownership: Ownership,
): boolean {
  if (coding === 'plain' && ownership === 'owned' && end - start >= directOctetsMin) {
    writer.flush(composer);
    return composer.transport.write(octets, start, end, 'owned');
  }
  let room = true;
  for (let at = start; at < end; at += pieceOctets) {
    const stop = Math.min(at + pieceOctets, end);
    writer.claim(composer);
    if (coding === 'chunked') writeChunkStart(writer, stop - at);
    writer.octets(octets, at, stop);
    if (coding === 'chunked') writer.text('\r\n');
    if (writer.composed(composer) >= pieceOctets) room = writer.flush(composer);
  }
  return room;
}
