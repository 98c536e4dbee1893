/** Addresses of clients beside the ordinary ones: so many from `127.0.66.<first>` on. */
export function addressesFrom(first: number, count: number): string[] {
  return Array.from({ length: count }, (_each, index) => `127.0.66.${first + index}`);
}
