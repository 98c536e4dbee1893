import { type HeadLimits, methodBytesMax } from './limits.ts';

/** What a listener has whose configuration says nothing else. */
export const requestLimits: HeadLimits = {
  headBytesMax: 32 * 1024,
  headersMax: 128,
  targetBytesMax: 16 * 1024,
  methodBytesMax,
};
