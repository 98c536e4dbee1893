import type { DrainSignalSpec } from '../core/upstream-spec.ts';
import { defaults } from './defaults.ts';
import type { DrainSignalRead } from './drain-schema.ts';

/** Nothing where endpoints are not listened to. */
export function buildDrainSignal(read: DrainSignalRead | undefined): { readonly drainSignal?: DrainSignalSpec } {
  if (read === undefined || read === false) return {};
  const { header, value } = read === true ? {} : read;
  return {
    drainSignal: {
      header: (header ?? defaults.drainSignal.header.written).toLowerCase(),
      value: value ?? null,
    },
  };
}
