import { unparsedBytesMax } from '../../core/unparsed-bytes.ts';
import { frameHeaderBytes, frameTypes } from './protocol.ts';

/** Header blocks hold credentials in a form in which they are not recognized: of such a frame only its header is kept. */
const { headers, continuation, pushPromise } = frameTypes;
const ofHeaderBlocks: ReadonlySet<number> = new Set([headers, continuation, pushPromise]);

/** As much of the frame at `frame` as may be kept. Bytes up to `end` are there. */
export function refusedPart(bytes: Uint8Array, frame: number, end: number): Uint8Array {
  const bytesMax = ofHeaderBlocks.has(bytes[frame + 3] ?? 0) ? frameHeaderBytes : unparsedBytesMax;
  return Uint8Array.from(bytes.subarray(frame, Math.min(end, frame + bytesMax)));
}
