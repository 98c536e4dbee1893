/** How long to pause behind work that took `tookMs`, so that such work has no more than `share` of a worker's time: for 0.1 nine times as long. */
export function pauseForShare(tookMs: number, share: number): number {
  return tookMs * (1 / share - 1);
}
