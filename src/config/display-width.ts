/** Columns that text takes in a terminal, and text made safe to put there. */

const combining = /^[\p{Mn}\p{Me}]$/u;
const pictograph = /^\p{Emoji_Presentation}$/u;

/** East Asian Wide and Fullwidth, from Unicode's EastAsianWidth.txt, in blocks. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

/** 0, 1 or 2 columns, for one code point that `harmless` has let through. */
export function characterWidth(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (combining.test(character) || isJoiner(code)) return 0;
  if (pictograph.test(character)) return 2;
  return wideRanges.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

/** Zero width spaces and joiners. */
function isJoiner(code: number): boolean {
  return (code >= 0x200b && code <= 0x200d) || code === 0x2060;
}

export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Text that cannot move the cursor, change colours or reverse the reading order: each control character
 * becomes one visible sign, so that columns stay what they were.
 */
export function harmless(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      const code = character.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? '␡' : '�';
    });
}
