import { descriptorsAdvice } from './descriptor-need.ts';

/** Why the store of exchanges cannot be written or read. */
export type StoreFault =
  | 'full'
  | 'corrupt'
  | 'removed'
  | 'other_version'
  | 'locked'
  | 'not_permitted'
  | 'descriptors_exhausted'
  | 'io'
  | 'other';

/** Within a sentence: why. */
export const storeFaultTexts: Readonly<Record<StoreFault, string>> = {
  full: 'the disk is full',
  corrupt: 'a file was damaged',
  removed: 'a file was removed or replaced by another program',
  other_version: 'a file has the form of another version of Candor',
  locked: 'another program has locked a file',
  not_permitted: 'its folder cannot be written',
  descriptors_exhausted: 'this process may open no further file, because too many are open (ulimit -n)',
  io: 'the disk reports an error',
  other: 'SQLite reports an error',
};

/** Of one file, in place of which another one is used at once: the store goes on. */
export const faultsOfOneFile: ReadonlySet<StoreFault | null> = new Set(['corrupt', 'removed', 'other_version']);

/** A store that fails: the evidence of the event `store_failing`. */
export interface StoreFaultFacts {
  /** The folder of the store. */
  readonly path: string;
  readonly fault: StoreFault | null;
  /** How many descriptors the process may have, and how many its configuration may need; null: not known, or another fault. */
  readonly limit: number | null;
  readonly needed: number | null;
}

/** What to do, without a full stop. `path`: the folder, or the nearest one above it that is there. */
export function storeFaultStep({ path, fault, limit, needed }: StoreFaultFacts): string {
  switch (fault) {
    case 'full':
      return `Free space there (\`df -h ${path}\`), or lower \`store.keep.size\``;
    case 'other_version':
      return 'Search it with the version of Candor that has written it, or delete it';
    case 'locked':
      return `Find the program that has locked a file (\`fuser -v ${path}/*.sqlite\`), and end it`;
    case 'descriptors_exhausted':
      return descriptorsAdvice(limit === null || needed === null ? null : { limit, needed });
    case 'io':
      return 'Look at what the kernel says about the disk (`dmesg`)';
    default:
      return `Look at the space and the owner of ${path} (\`df -h ${path}\`, \`ls -ld ${path}\`), or set \`store.path\` to a folder that the gateway can write`;
  }
}
