import {
  contentKinds,
  declinedForm,
  deniedForm,
  emptyForm,
  limitedForm,
  lostForm,
  missingForm,
  redirectForm,
  startOfSize,
} from '../core/content-kind.ts';

const words: Readonly<Record<(typeof contentKinds)[number], string>> = {
  none: 'content without a type',
  json: 'JSON',
  html: 'HTML',
  text: 'plain text',
  xml: 'XML',
  style: 'a style sheet',
  script: 'JavaScript',
  image: 'an image',
  stream: 'an event stream',
  other: 'content of another type',
};

const wordsWithoutContent = new Map([
  [emptyForm, 'nothing (no content)'],
  [redirectForm, 'a redirect'],
  [deniedForm, '401 or 403'],
  [limitedForm, '429'],
  [missingForm, '404'],
  [declinedForm, '4xx'],
  [lostForm, '404 for what it answered well before'],
]);

/** 'JSON', '404': what a response is. */
export function formWords(form: number): string {
  return wordsWithoutContent.get(form) ?? words[contentKinds[form] ?? 'other'];
}

export function sizeText(cell: number): string {
  const bytes = startOfSize(cell);
  return bytes >= 10_000 ? `${Math.round(bytes / 1024)} KiB` : `${Number(bytes.toPrecision(2))} bytes`;
}
