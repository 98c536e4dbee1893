/** Where the words of a rate table lie: what all share, the policies, then buckets of eight tags, eight times and eight numbers of policies. */

export const waysOfBucket = 8;
/** From a tag to the time beside it, and to the number of its policy. */
export const timeAt = waysOfBucket;
export const policyAt = 2 * waysOfBucket;
/** Tags and times share a line of the processor's cache. */
const bucketWords = 4 * waysOfBucket;

const policiesMax = 256;
const policyWords = 4;

export const seedAt = 0;
export const evictedAt = 2;
export const untrackedAt = 3;
const headerWords = 16;
const firstBucket = headerWords + policiesMax * policyWords;

/** A million keys, with as much room again, are 34 MB. */
export const rateEntriesUsual = 2 ** 21;

export function rateTableBytes(entries: number): number {
  return 4 * (firstBucket + (entries / waysOfBucket) * bucketWords);
}

export function bucketsOf(bytes: number): number {
  return (bytes / 4 - firstBucket) / bucketWords;
}

export function bucketAt(bucket: number): number {
  return firstBucket + bucket * bucketWords;
}

export function bucketOf(at: number): number {
  return Math.floor((at - firstBucket) / bucketWords);
}

/** Two words for the unit, as a double has it, then the tolerance. */
export function policyWord(policy: number): number {
  return headerWords + policy * policyWords;
}

/** The other bucket in which a tag may lie: from either one the same function finds the other. */
export function otherBucket(bucket: number, tag: number, buckets: number): number {
  return bucket ^ (((Math.imul(tag, 0x5bd1e995) >>> 9) | 1) & (buckets - 1));
}
