/** Globs: `*` stands for any characters but a separator, `**` for any. */

/**
 * Most globs have one star: then both ends decide. Of others each character of a text costs a look at each of the glob, whatever a
 * client sends. The text ends at `end`.
 */
export function globTest(glob: string, separator: string): (text: string, end?: number) => boolean {
  const [before = '', after = '', ...more] = glob.split(/\*+/);
  if (more.length > 0) return (text, end = text.length) => matchesGlob(glob, separator.charCodeAt(0), text, end);
  const isAny = glob.includes('**');
  return (text, end = text.length) => {
    const isBetween = end >= before.length + after.length && text.startsWith(before) && text.endsWith(after, end);
    return isBetween && (isAny || !text.slice(before.length, end - after.length).includes(separator));
  };
}

const star = 0x2a;

/** The positions in the glob that the text may have come to, as a nondeterministic automaton (Thompson 1968). */
function matchesGlob(glob: string, separator: number, text: string, end: number): boolean {
  let now = new Set<number>();
  addPosition(now, glob, 0);
  for (let at = 0; at < end && now.size > 0; at++) {
    const next = new Set<number>();
    const code = text.charCodeAt(at);
    for (const position of now) {
      if (glob.charCodeAt(position) !== star) {
        if (glob.charCodeAt(position) === code) addPosition(next, glob, position + 1);
      } else if (isDouble(glob, position) || code !== separator) addPosition(next, glob, position);
    }
    now = next;
  }
  return now.has(glob.length);
}

/** A star may stand for nothing. */
function addPosition(positions: Set<number>, glob: string, position: number): void {
  positions.add(position);
  if (glob.charCodeAt(position) === star) addPosition(positions, glob, position + (isDouble(glob, position) ? 2 : 1));
}

const isDouble = (glob: string, position: number): boolean => glob.charCodeAt(position + 1) === star;
