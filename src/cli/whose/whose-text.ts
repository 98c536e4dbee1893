import type { Authorship } from '../../diagnose/whose/authorship.ts';
import { layerNames } from '../../diagnose/whose/layer.ts';
import { harmless, shorten, wrapAfter } from '../layout.ts';
import type { Style } from '../style.ts';

const labelWidth = 12;

/** Who wrote a response, and through whom it came, within 80 columns. */
export function authorshipLines(
  from: string | null,
  status: number,
  { author, passed, confidence, evidence, sentence }: Authorship,
  style: Style,
): string[] {
  const chain = ['you', ...passed.map((layer) => layerNames[layer])].join(' ← ');
  const writer = `${layerNames[author]} wrote it`;
  const colour = { certain: style.good, likely: style.warn, unsure: style.warn }[confidence];
  return [
    `${style.bold(String(status))}${from === null ? '' : ` from ${shorten(harmless(from), 70)}`}`,
    ...wrapAfter('  chain', `${chain} ← ${writer}`, labelWidth),
    `  ${'author'.padEnd(labelWidth - 2)}${style.name(author)}, ${colour(confidence)}`,
    ...(sentence === '' ? [] : wrapAfter('  why', harmless(sentence), labelWidth)),
    ...evidence.flatMap((words, place) =>
      wrapAfter(place === 0 ? '  evidence' : '', shorten(harmless(words), 300), labelWidth),
    ),
  ];
}
