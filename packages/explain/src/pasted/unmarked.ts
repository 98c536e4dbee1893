const marks: readonly RegExp[] = [
  /^\s{1,200}/,
  // Quoted in a mail or an issue, also several times.
  /^(?:[>|] ?){1,8}/,
  /^(?:[-*+•–—]|\(?\d{1,3}[.)]|#\d{1,4}[.:]?|\[\d{1,3}\]) {1,8}/,
  /^(?:…|\.{3,6}|\[(?:…|\.\.\.)\]) ?/,
  /^`{1,3}/,
  /^["'“”‘’«](?=[^"'“”‘’«]*\S)(?!\w{1,60}"\s?:)/,
];

const marksMax = 12;
const endMarks = /(?:\s|…|\.{3}|`|\\|(?<=\S)[“”’»])+$/;
/** Marks at the end are looked for here. */
const endCharactersMax = 40;

/**
 * The text without what people put around a pasted line: indentation, quoting, bullets, numbers, quotation marks, the
 * dots of an omission. The same text if there is nothing of this.
 */
export function unmarked(text: string): string {
  let rest = text;
  for (let count = 0; count < marksMax; count++) {
    const mark = marks.find((one) => one.test(rest))?.exec(rest);
    if (mark === undefined || mark === null) break;
    rest = rest.slice(mark[0].length);
  }
  const tail = rest.slice(-endCharactersMax);
  const kept = tail.replace(endMarks, '');
  return kept.length === tail.length ? rest : rest.slice(0, rest.length - tail.length + kept.length);
}

/** The texts that the line may have been before it was pasted, the likeliest first; without the line itself. */
export function beforePasting(line: string): readonly string[] {
  const bare = unmarked(line);
  const single = bare.includes('  ') ? bare.replace(/ {2,}/g, ' ') : bare;
  // The quotation mark that ends a quoted line; the line's own fields may end with one, too.
  const open = /["'](?=$)/.test(single) && (single.split('"').length - 1) % 2 === 1 ? single.slice(0, -1) : single;
  return [...new Set([bare, single, open])].filter((text) => text !== line && text !== '');
}

/**
 * The slices of a broken line without the quoting and the indentation that all of them have. Blanks at their ends stay: a
 * terminal that breaks a line keeps them.
 */
export function withoutCommonMarks(slices: readonly string[]): readonly string[] {
  const [first = '', second = first] = slices;
  const ofFirst = commonOf(slices, /^[>| \t]{1,40}/.exec(first)?.[0] ?? '');
  if (ofFirst !== '') return slices.map((slice) => slice.slice(ofFirst.length));
  // A hanging indent.
  const ofRest = commonOf(slices.slice(1), /^[>| \t]{1,40}/.exec(second)?.[0] ?? '');
  return [first, ...slices.slice(1).map((slice) => slice.slice(ofRest.length))];
}

function commonOf(slices: readonly string[], mark: string): string {
  let common = mark;
  while (common !== '' && !slices.every((slice) => slice.startsWith(common))) common = common.slice(0, -1);
  return common;
}
