import type { Authorship } from '#explain/whose/authorship.ts';
import { layerNames } from '#explain/whose/layer.ts';
import { columnsMax, harmless, shorten, wrapAfter } from '../layout.ts';
import type { Style } from '../style.ts';

const labelWidth = 12;

/** Columns beside the labels. */
const room = columnsMax - labelWidth;

/** Inserts spaces where words longer than a line, such as a header value without spaces, may be broken. */
function breakable(text: string): string {
  return text.split(' ').flatMap(splitWord).join(' ');
}

/** Breaks after a separator in the last half of the line, otherwise at the end of the line. */
function splitWord(word: string): string[] {
  const characters = [...word];
  const slices: string[] = [];
  while (characters.length > room) {
    const line = characters.slice(0, room);
    const separator = line.findLastIndex((character) => ';,&?/:'.includes(character)) + 1;
    slices.push(characters.splice(0, separator > room / 2 ? separator : room).join(''));
  }
  return [...slices, characters.join('')];
}

/** Who wrote a response, and which layers passed it on, within 80 columns. */
export function authorshipLines(
  from: string | null,
  status: number,
  { author, passed, confidence, evidence, sentence }: Authorship,
  style: Style,
): string[] {
  const chain = ['you', ...passed.map((layer) => layerNames[layer])].join(' ← ');
  const writer = author === 'unknown' ? 'an unknown author' : `${layerNames[author]} wrote it`;
  const colour = { certain: style.good, likely: style.warn, unsure: style.warn }[confidence];
  return [
    `${style.bold(status === 0 ? 'a page' : String(status))}${from === null ? '' : ` from ${shorten(harmless(from), 70)}`}`,
    ...wrapAfter('  chain', `${chain} ← ${writer}`, labelWidth),
    `  ${'author'.padEnd(labelWidth - 2)}${style.name(author)}, ${colour(confidence)}`,
    ...(sentence === '' ? [] : wrapAfter('  why', harmless(sentence), labelWidth)),
    // One header may be evidence for the author and for a layer that passed the response on.
    ...[...new Set(evidence)].flatMap((words, index) =>
      wrapAfter(index === 0 ? '  evidence' : '', breakable(shorten(harmless(words), 300)), labelWidth),
    ),
  ];
}
