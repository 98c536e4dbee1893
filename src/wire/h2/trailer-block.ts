import { fieldFilter } from '../../core/field-names.ts';
import type { Fields } from '../../core/message.ts';
import type { HeaderBlockWriter } from './hpack-encoder.ts';

const nothingDropped = fieldFilter([]);

/** A copy of the block of `trailers`; null: there are none. */
export function trailerBlock(block: HeaderBlockWriter, trailers: Fields | null): Uint8Array | null {
  if (trailers === null) return null;
  block.begin();
  trailers.writeTo(block, nothingDropped);
  return block.length === 0 ? null : new Uint8Array(block.bytes.subarray(0, block.length));
}
