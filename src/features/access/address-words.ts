/**
 * Addresses as numbers. A filter reads one for each request: character by character, without a string or a list being made.
 */

/** How many words of 32 bits `readAddress` has written: 1 of IPv4, 4 of IPv6; 0: the text is no address. */
type WordCount = 0 | 1 | 4;

const [zero, nine, dot, colon, percent] = [0x30, 0x39, 0x2e, 0x3a, 0x25];

/** An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address: else a rule would not hold for one of its two spellings. */
export function readAddress(text: string, words: Uint32Array): WordCount {
  if (!text.includes(':')) return readIpv4(text, 0, text.length, words, 0) ? 1 : 0;
  if (!readIpv6(text, words)) return 0;
  if (words[0] !== 0 || words[1] !== 0 || words[2] !== 0xffff) return 4;
  words[0] = words[3] as number;
  return 1;
}

function readIpv4(text: string, start: number, end: number, words: Uint32Array, at: number): boolean {
  let [word, part, digits, parts] = [0, 0, 0, 0];
  for (let index = start; index <= end; index++) {
    const code = index === end ? dot : text.charCodeAt(index);
    if (code >= zero && code <= nine) {
      // Some programs read a part that begins with 0 as octal.
      if (digits > 0 && part === 0) return false;
      part = part * 10 + code - zero;
      if (++digits > 3 || part > 255) return false;
    } else if (code === dot && digits > 0 && ++parts <= 4) {
      word = word * 256 + part;
      part = 0;
      digits = 0;
    } else return false;
  }
  words[at] = word;
  return parts === 4;
}

const groups = new Uint16Array(8);
const inner = new Uint32Array(1);

function readIpv6(text: string, words: Uint32Array): boolean {
  const zone = text.indexOf('%');
  const end = zone === -1 ? text.length : zone;
  let [count, gap, group, digits, from] = [0, -1, 0, 0, 0];
  for (let index = 0; index <= end; index++) {
    const code = index === end ? percent : text.charCodeAt(index);
    const digit = hexDigit(code);
    if (digit >= 0) {
      if (++digits > 4) return false;
      group = group * 16 + digit;
      continue;
    }
    if (code === dot) {
      if (count > 6 || !readIpv4(text, from, end, inner, 0)) return false;
      const word = inner[0] as number;
      groups[count++] = word >>> 16;
      groups[count++] = word & 0xffff;
      digits = 0;
      return fill(count, gap, words);
    }
    if (code !== colon && index !== end) return false;
    if (digits > 0) {
      if (count === 8) return false;
      groups[count++] = group;
    }
    if (code === colon) {
      const isDouble = text.charCodeAt(index + 1) === colon && index + 1 < end;
      if (isDouble) {
        if (gap !== -1) return false;
        gap = count;
        index++;
      } else if (digits === 0 || index + 1 === end) return false;
    }
    group = 0;
    digits = 0;
    from = index + 1;
  }
  return fill(count, gap, words);
}

/** The groups that are there, with zeros where `::` stands. */
function fill(count: number, gap: number, words: Uint32Array): boolean {
  if (gap === -1 ? count !== 8 : count > 7) return false;
  const missing = 8 - count;
  for (let at = 0; at < 4; at++) words[at] = groupAt(at * 2) * 0x10000 + groupAt(at * 2 + 1);
  return true;

  function groupAt(at: number): number {
    if (gap === -1 || at < gap) return groups[at] as number;
    return at < gap + missing ? 0 : (groups[at - missing] as number);
  }
}

function hexDigit(code: number): number {
  if (code >= zero && code <= nine) return code - zero;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
