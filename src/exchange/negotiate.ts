/** The forms of an answer to a failure, in the gateway's order of preference. */
export const answerForms = ['problem', 'html', 'text'] as const;

export type AnswerForm = (typeof answerForms)[number];

/** Which media types ask for which form. Plain JSON asks for problem details: they are JSON. */
const offers: readonly { readonly type: string; readonly form: AnswerForm }[] = [
  { type: 'application/problem+json', form: 'problem' },
  { type: 'application/json', form: 'problem' },
  { type: 'text/html', form: 'html' },
  { type: 'application/xhtml+xml', form: 'html' },
  { type: 'text/plain', form: 'text' },
];

/** Ranges of one Accept header that are read; browsers send fewer than ten. */
const rangesMax = 32;

interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * The form that a client prefers (RFC 9110 §12.5.1). Equal preference, a wildcard or no Accept header at all
 * give problem details, the form that programs and people in a terminal can both read. A client that accepts
 * none of our forms gets plain text, since an answer in the wrong form says more than a 406.
 *
 * Never throws: a range that cannot be parsed is ignored.
 */
export function negotiateForm(accept: string | null): AnswerForm {
  const ranges = accept === null ? [] : parseAccept(accept);
  if (ranges.length === 0) return 'problem';
  let best: AnswerForm = 'text';
  let bestQuality = 0;
  for (const { type, form } of offers) {
    const quality = qualityOf(type, ranges);
    if (quality <= bestQuality) continue;
    best = form;
    bestQuality = quality;
  }
  return best;
}

/** The most specific range that fits decides, whatever its position. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  for (const pattern of [type, family, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

function parseAccept(accept: string): readonly Range[] {
  return accept
    .split(',', rangesMax)
    .map(parseRange)
    .filter((range) => range !== null);
}

function parseRange(text: string): Range | null {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  if (!/^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/.test(type)) return null;
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return { type, quality: 1 };
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? { type, quality: Number(weight.slice(2)) } : null;
}
