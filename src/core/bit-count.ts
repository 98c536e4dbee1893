/** How many bits of a 32-bit number are set, such as groups of clients that have been seen. */
export function bitCount(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}
