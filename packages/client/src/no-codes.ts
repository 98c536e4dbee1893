/** In place of `network-codes.ts` where a bundler builds for pages: browsers say nothing of why there is no answer. */
export function readCodes(): null {
  return null;
}

export function attemptsBeyond(): number {
  return 0;
}
