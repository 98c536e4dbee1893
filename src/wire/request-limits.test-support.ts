import { type HeadLimits, methodOctetsMax } from './limits.ts';

/** What a listener has whose configuration says nothing else. */
export const requestLimits: HeadLimits = {
  headOctetsMax: 32 * 1024,
  fieldsMax: 128,
  targetOctetsMax: 16 * 1024,
  methodOctetsMax,
};
