import { type ParsedAnswer, readAnswer } from './answer.ts';
import { readApiGateway } from './api-gateway.ts';
import { readApplication, readUsualApplication } from './application-page.ts';
import { readHerokuRouter, readRelay, readServerAuthor } from './absence.ts';
import type { AnsweredResponse, Authorship, Confidence } from './authorship.ts';
import { readBarePhrase } from './bare-phrase.ts';
import { readCloudflarePage } from './cloudflare-page.ts';
import { readAuthorField, readProxyStatusAuthor, readReceivedStatus } from './fields-of-authors.ts';
import { layerNames } from './layer.ts';
import { findLayerSigns, type LayerSign } from './layer-signs.ts';
import { readNginxPage } from './nginx-page.ts';
import { readPageText } from './page-texts.ts';
import { orderPassed } from './passed.ts';
import { refine } from './refine.ts';
import { readTemplate, readWelcome } from './templates.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

export type { AnsweredResponse, Authorship, Confidence } from './authorship.ts';
export { type Layer, layerNames, layers } from './layer.ts';

/**
 * Which layer of a chain wrote this response, and which layers only passed it on. Never throws, for any input. Reads the
 * first 64 KiB of the body. Answers 'unknown' rather than guess. A page without its headers is never certain, since any
 * layer that has the page may send it.
 */
export function whose(response: AnsweredResponse): Authorship {
  const answer = readAnswer(response);
  const signs = findLayerSigns(answer);
  const found = refine(findAuthor(answer), answer, signs);
  const author: AuthorVerdict =
    !answer.hasHead && found.confidence === 'certain' ? { ...found, confidence: 'likely' } : found;
  const passed = orderPassed(answer, signs, author);
  return {
    author: author.layer,
    passed: passed.map(({ layer }) => layer),
    confidence: author.confidence,
    evidence: [...author.evidence, ...passed.map(({ evidence }) => evidence)],
    sentence: sentenceFor(answer, author, passed),
  };
}

/** The kinds of evidence, the strongest first. */
const readings: readonly ((answer: ParsedAnswer) => AuthorVerdict | null)[] = [
  readAuthorField,
  readNginxPage,
  readCloudflarePage,
  readTemplate,
  readPageText,
  readApiGateway,
  readHerokuRouter,
  readApplication,
  readBarePhrase,
  readRelay,
  readServerAuthor,
  readReceivedStatus,
  readUsualApplication,
];

function findAuthor(answer: ParsedAnswer): AuthorVerdict {
  const status = readProxyStatusAuthor(answer);
  if (status !== null && status.layer !== 'unknown') return status;
  // A successful response was written by the application; an error page inside it is part of its body.
  if (answer.status >= 200 && answer.status < 300 && !isGrpcFailure(answer)) return readSuccess(answer);
  for (const read of readings) {
    const found = read(answer);
    if (found !== null) return found;
  }
  return status ?? authorVerdict('unknown', 'unsure', 'the response does not show it');
}

/** Every gRPC response has status 200; a header shows whether the call succeeded. */
function isGrpcFailure(answer: ParsedAnswer): boolean {
  return /^(?!0$)\d{1,2}$/.test(answer.field('grpc-status') ?? '');
}

function readSuccess(answer: ParsedAnswer): AuthorVerdict {
  return (
    readWelcome(answer) ??
    readApplication(answer) ??
    readUsualApplication(answer) ??
    authorVerdict('unknown', 'unsure', 'the response does not show it')
  );
}

function sentenceFor(answer: ParsedAnswer, author: AuthorVerdict, passed: readonly LayerSign[]): string {
  const what = answer.status === 0 ? 'this response' : `this ${answer.status}`;
  const names = passed.map(({ layer }) => layerNames[layer]).toReversed();
  if (author.layer === 'unknown') {
    const signs = names.length === 0 ? '' : `; it shows signs of ${names.join(' and ')}`;
    return `The author of ${what} is not known: ${author.why}${signs}.`;
  }
  const through = names.length === 0 ? '' : `; on its way to the client it passed ${names.join(', then ')}`;
  const name = layerNames[author.layer];
  const subject = name.startsWith('the ') ? `T${name.slice(1)}` : name;
  return `${subject} ${verbs[author.confidence]} ${what}: ${author.why}${through}.`;
}

const verbs: Readonly<Record<Confidence, string>> = {
  certain: 'wrote',
  likely: 'very likely wrote',
  unsure: 'may have written',
};
