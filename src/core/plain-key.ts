/** A key without what styles of writing differ in: `proxyPass`, `proxy-pass` and `proxy_pass` are the same. */
export function plainKey(written: string): string {
  return written.toLowerCase().replace(/[-_]/g, '');
}
