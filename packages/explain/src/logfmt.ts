const keyCharactersMax = 64;
const pairsMax = 100;

/** Reads `key=value key="quoted value"`, as many programs write their lines. Skips other text. Never throws. */
export function parseLogfmt(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  let from = 0;
  while (from < text.length && pairs.size < pairsMax) {
    const equals = text.indexOf('=', from);
    if (equals < 0) break;
    // Looks back no further than a key may reach: a line of nothing but "=" would otherwise take quadratic time.
    const before = text.slice(Math.max(from, equals - keyCharactersMax - 1), equals);
    const key = before.slice(before.lastIndexOf(' ') + 1);
    const end = valueEnd(text, equals + 1);
    if (/^[\w.-]+$/.test(key) && key.length <= keyCharactersMax && !pairs.has(key))
      pairs.set(key, unquoted(text.slice(equals + 1, end)));
    from = end + 1;
  }
  return pairs;
}

/** Where the value that begins at `from` ends: after its quotation mark, or at the next space. */
function valueEnd(text: string, from: number): number {
  if (text[from] !== '"') {
    const space = text.indexOf(' ', from);
    return space < 0 ? text.length : space;
  }
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const inner = value.length > 1 && value.endsWith('"') ? value.slice(1, -1) : value.slice(1);
  return inner.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}
