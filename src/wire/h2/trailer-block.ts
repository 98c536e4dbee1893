import { headerFilter } from '../../core/header-names.ts';
import type { MessageHeaders } from '../../core/message.ts';
import type { HeaderBlockWriter } from './hpack-encoder.ts';

const nothingDropped = headerFilter([]);

/** A copy of the block of `trailers`; null: there are none. */
export function trailerBlock(block: HeaderBlockWriter, trailers: MessageHeaders | null): Uint8Array | null {
  if (trailers === null) return null;
  block.begin();
  trailers.writeTo(block, nothingDropped);
  return block.length === 0 ? null : new Uint8Array(block.bytes.subarray(0, block.length));
}
