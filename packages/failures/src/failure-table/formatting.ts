import { escapeInvisible } from '../invisible-characters.ts';

/**
 * Formats evidence for a sentence: quantities get their unit, and text from outside is quoted, so that a
 * reader sees where it begins and ends and cannot take it for words of Candor.
 */

/** "40 ms", "2.5 s", "1 min 30 s", "2 h 5 min". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** "no byte", "1 byte", "4096 bytes". */
export function bytes(count: number): string {
  if (count === 0) return 'no byte';
  return count === 1 ? '1 byte' : `${count} bytes`;
}

/** A sentence as part of another: without its full stop, on one line. */
export function clause(sentence: string): string {
  return sentence.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}

/** Text from outside: quoted, on one line, at most `max` characters. */
export function quoted(text: string, max = 120): string {
  const shortened = text.length > max ? `${text.slice(0, max)}…` : text;
  return escapeInvisible(JSON.stringify(shortened));
}

/**
 * Received bytes, given in hexadecimal: as quoted text if most of them are printable, the others escaped ("Inter\\x01nal"); else
 * in hexadecimal, which says so and has no quotation marks.
 */
export function quotedBytes(hexadecimal: string, max = 120): string {
  // A record of another program may have anything here.
  if (!/^(?:[\da-f]{2})*$/i.test(hexadecimal)) return quoted(hexadecimal, max);
  const pairs = hexadecimal.match(/../g) ?? [];
  const codes = pairs.map((pair) => Number.parseInt(pair, 16));
  const isCut = codes.length > max;
  if (codes.filter((code) => !isPrintable(code)).length > codes.length / 4)
    return `${pairs.slice(0, max / 2).join('')}${codes.length > max / 2 ? '…' : ''} (hexadecimal)`;
  const end = codes.findLastIndex((code) => code > 0x20) + 1;
  const text = codes.slice(0, Math.min(end, max)).map(
    // As JSON writes it: a line break is \n.
    (code, index) =>
      isPrintable(code) ? JSON.stringify(String.fromCharCode(code)).slice(1, -1) : `\\x${pairs[index]}`,
  );
  return `"${text.join('')}${isCut && end > max ? '…' : ''}"`;
}

function isPrintable(code: number): boolean {
  return (code >= 0x20 && code < 0x7f) || code === 0x0a || code === 0x0d || code === 0x09;
}
