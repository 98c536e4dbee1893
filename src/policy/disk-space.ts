/** Bytes of a file system, as an ordinary user may use them. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const gib = 1024 ** 3;

/** A tenth of a large disk is more than the gateway writes in weeks. */
const lowBytes = gib;
const lowShare = 0.1;

/** It is enough again with half as much more: what is written and deleted in turn is not reported each time. */
const enoughFactor = 1.5;

/** Below this, a disk is nearly full. */
function lowSpaceBytes({ totalBytes }: Pick<DiskSpace, 'totalBytes'>): number {
  return Math.min(lowBytes, totalBytes * lowShare);
}

/** Whether a disk is nearly full, `wasLow`: whether it was at the last look. */
export function isSpaceLow(wasLow: boolean, space: DiskSpace): boolean {
  return space.freeBytes < lowSpaceBytes(space) * (wasLow ? enoughFactor : 1);
}
