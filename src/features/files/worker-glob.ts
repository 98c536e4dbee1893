/**
 * Whether a path below the root, without a slash at its beginning, matches a glob: `*` is any characters of a name, `**` also slashes, `?` one
 * character. A glob without a slash is compared with the name alone. At most as many steps as both lengths multiplied.
 */
export function matchesGlob(glob: string, path: string): boolean {
  if (!glob.includes('/')) return matches(glob, path.slice(path.lastIndexOf('/') + 1));
  return matches(glob.replace(/^\//, ''), path);
}

function matches(glob: string, text: string): boolean {
  /** Whether the part of the glob before it matches the text up to each position. */
  let reached = new Uint8Array(text.length + 1);
  reached[0] = 1;
  for (let at = 0; at < glob.length; at++) {
    const next = new Uint8Array(text.length + 1);
    const isDouble = glob.startsWith('**', at);
    const character = glob[at];
    if (isDouble) at++;
    for (let end = 0; end <= text.length; end++) {
      const before = end > 0 ? text[end - 1] : undefined;
      if (character === '*') {
        const goesOn = before !== undefined && next[end - 1] === 1 && (isDouble || before !== '/');
        next[end] = reached[end] === 1 || goesOn ? 1 : 0;
      } else if (before !== undefined && reached[end - 1] === 1)
        next[end] = before === character || (character === '?' && before !== '/') ? 1 : 0;
    }
    reached = next;
  }
  return reached[text.length] === 1;
}
