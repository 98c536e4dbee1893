/** '' for a moment ago; else ' 7 s ago'. */
export function agoText(ms: number): string {
  return ms < 2000 ? '' : ` ${Math.round(ms / 1000)} s ago`;
}

/** The same for what is shown for as long as it lasts: steps of five seconds, so that it does not change every second. */
export function shownAgoText(ms: number): string {
  return agoText(shownSeconds(ms / 1000) * 1000);
}

export function shownSeconds(seconds: number): number {
  return 5 * Math.floor(seconds / 5);
}
