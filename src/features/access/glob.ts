/** Whether a text is what a glob says: `*` stands for any characters. Cost grows with the text and not with its shape. */
export function starTest(glob: string): (text: string) => boolean {
  const parts = glob.split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return (text) => text === glob;
  const between = parts.slice(1, -1).filter((part) => part !== '');
  return (text) => {
    const end = text.length - last.length;
    if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    // The earliest place of each part leaves the most to those behind it.
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
