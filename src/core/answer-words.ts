import {
  conflictForm,
  contentKinds,
  declinedForm,
  deniedForm,
  divertedForm,
  emptyForm,
  limitedForm,
  lostForm,
  missingForm,
  redirectForm,
  startOfSize,
  strayForm,
  unknownClientForm,
  surplusForm,
  unaskedForm,
  unclosedForm,
  unfitForm,
  unfitStatuses,
  unreadableForm,
  withdrawnForm,
} from './content-kind.ts';
import type { AnswerChange } from './live-incident.ts';

const words: Readonly<Record<(typeof contentKinds)[number], string>> = {
  none: 'content without a type',
  json: 'JSON',
  list: 'a JSON list',
  html: 'HTML',
  text: 'plain text',
  xml: 'XML',
  style: 'a style sheet',
  script: 'JavaScript',
  image: 'an image',
  stream: 'an event stream',
  other: 'content of another type',
  error: 'JSON that begins with an error',
};

const wordsWithoutContent = new Map([
  [emptyForm, 'nothing (no content)'],
  [redirectForm, 'a redirect'],
  [deniedForm, '401 or 403'],
  [unknownClientForm, '401 or 403 for clients that it has never answered well'],
  [limitedForm, '429'],
  [missingForm, '404'],
  [declinedForm, '4xx'],
  [conflictForm, '409'],
  [lostForm, '404 for what it answered well before'],
  [
    unreadableForm,
    'content that its clients cannot read (coded twice, in a coding that they have not asked for, or of another type than its head says)',
  ],
  [unaskedForm, '304 or 206 for requests without a condition or a range'],
  [unfitForm, '4xx for the size or the form of requests (413, 415 and others)'],
  [unclosedForm, 'JSON without its end'],
  [divertedForm, 'a redirect for what it answered well before'],
  [strayForm, 'a redirect to another site for what it answered well before'],
  [withdrawnForm, '4xx for what it answered well before'],
  [surplusForm, 'longer than its Content-Length'],
]);

// 304 says that a response is as before.
const redirects = ['status:3xx', '-status:304'];
const declined = [
  'status:4xx',
  ...[401, 403, 404, 407, 409, 410, ...unfitStatuses, 429].map((status) => `-status:${status}`),
];

const statusConditions = new Map([
  [redirectForm, redirects],
  [divertedForm, redirects],
  [strayForm, redirects],
  [deniedForm, ['status:401-403', '-status:402']],
  [unknownClientForm, ['status:401-403', '-status:402']],
  [limitedForm, ['status:429']],
  [missingForm, ['status:404']],
  [conflictForm, ['status:409']],
  [unfitForm, ['status:413-417', '-status:416']],
  [declinedForm, declined],
  [withdrawnForm, declined],
]);

export const upgradeWords = 'an upgrade (101)';
export const optionsWords = 'success of OPTIONS, which browsers send first for pages of other origins,';

/**
 * Conditions of a search that finds responses such as those that a route gives now. Null: none does. A type, a size, or whether a path was answered well
 * before, is not stored; and a refused upgrade, or what OPTIONS is answered, has the status of other requests of the route.
 */
export function statusConditionsOf({ now, usual }: Pick<AnswerChange, 'now' | 'usual'>): readonly string[] | null {
  if (usual === upgradeWords || usual === optionsWords) return null;
  const [form] = [...statusConditions.keys()].filter((one) => formWords(one) === now);
  return form === undefined ? null : (statusConditions.get(form) ?? null);
}

/** 'JSON', '404': what a response is. */
export function formWords(form: number): string {
  return wordsWithoutContent.get(form) ?? words[contentKinds[form] ?? 'other'];
}

/** Of redirects that lead elsewhere. */
export const otherTargetWords = 'redirects to other addresses';

export function sizeText(cell: number): string {
  const bytes = startOfSize(cell);
  return bytes >= 10_000 ? `${Math.round(bytes / 1024)} KiB` : `${Number(bytes.toPrecision(2))} bytes`;
}
