import fc from './properties.ts';

/** U+D800 to U+DFFF are not characters, but halves of pairs. */
const halves = { from: 0xd800, count: 0x800 };

const character = fc
  .nat({ max: 0x10ffff - halves.count })
  .map((index) => String.fromCodePoint(index < halves.from ? index : index + halves.count), indexOf);

function indexOf(text: unknown): number {
  const [one, ...more] = typeof text === 'string' ? text : '';
  const point = one?.codePointAt(0);
  if (point === undefined || more.length > 0) throw new TypeError('not one character');
  if (point < halves.from) return point;
  if (point < halves.from + halves.count) throw new TypeError('half of a pair');
  return point - halves.count;
}

/**
 * Like `fc.string({ unit: 'binary' })`: any characters of Unicode, and words that are dangerous in JavaScript. fast-check
 * creates all 1.1 million characters before it returns the first, which takes two seconds in each process.
 */
export function unicodeText(
  constraints: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> {
  return fc.string({ ...constraints, unit: character });
}
