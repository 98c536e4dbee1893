/**
 * Flags of the processes that run tests. A test file loads several hundred modules. Without a look for symbolic links in each path it starts in a tenth less of
 * processor time, and in a further tenth less where what it loads does not fill the young generation of V8's heap again and again: that begins with a sixteenth of this.
 */
export const flagsOfTests: readonly string[] = [
  '--preserve-symlinks',
  '--preserve-symlinks-main',
  '--min-semi-space-size=16',
];
