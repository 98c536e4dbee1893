import { type ParsedAnswer, readAnswer, quoteField } from './answer.ts';
import { readApplication, readUsualApplication } from './application-page.ts';
import { readHerokuRouter, readRelay, readServerAuthor } from './absence.ts';
import type { AnsweredResponse, Authorship, Confidence } from './authorship.ts';
import { readAuthorField, readProxyStatusAuthor, readReceivedStatus } from './fields-of-authors.ts';
import { layerNames } from './layer.ts';
import { findLayerSigns, type LayerSign } from './layer-signs.ts';
import { readNginxPage } from './nginx-page.ts';
import { readPageText } from './page-texts.ts';
import { orderPassed } from './passed.ts';
import { readTemplate, readWelcome } from './templates.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';
import { productOfServer } from './products.ts';

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

/** The messages of the API gateways for REST and for HTTP APIs. An integration could send the same text: hence 'likely'. */
const words =
  /^\s*\{"message":\s?"(?:Internal [Ss]erver [Ee]rror|Endpoint request timed out|Network error communicating with endpoint|Service Unavailable|Missing Authentication Token|Forbidden|Unauthorized|Not Found|Too Many Requests|Limit Exceeded)"\}\s*$/;

function readApiGateway(answer: ParsedAnswer): AuthorVerdict | null {
  const found = words.exec(answer.body);
  if (found === null) return null;
  for (const name of ['x-amz-apigw-id', 'apigw-requestid', 'x-amzn-requestid']) {
    const id = answer.field(name);
    if (id !== null)
      return authorVerdict('aws-api-gateway', 'likely', 'the words are its own', found[0], quoteField(name, id));
  }
  return null;
}

/** The whole body of Traefik's errors: the reason phrase of the status, without a line end. */
const phrases: Readonly<Record<number, string>> = {
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * A response whose body is only its reason phrase. Traefik writes such responses. So do Express (with an entity tag) and
 * programs in Go (with a line end and `nosniff`). A 500 of this kind may come from any program.
 */
function readBarePhrase(answer: ParsedAnswer): AuthorVerdict | null {
  const phrase = phrases[answer.status];
  if (phrase === undefined || answer.body !== phrase) return null;
  for (const name of ['server', 'etag', 'x-content-type-options', 'x-powered-by', 'keep-alive', 'vary'])
    if (answer.field(name) !== null && !isOfAnEdge(answer, name)) return null;
  return authorVerdict('traefik', 'likely', 'its errors have only the reason phrase, without a line end', phrase);
}

/** An edge in front overwrites every other name, so its name does not show what is behind it. */
function isOfAnEdge(answer: ParsedAnswer, name: string): boolean {
  return name === 'server' && /^(?:cloudflare|fly\/|vercel|railway)/i.test(answer.field(name) ?? '');
}

const branded = /id="cf-error-details"|class="cf-error-|id="cf-wrapper"|\/cdn-cgi\/styles\/|utm_source=errorcode_\d{3}/;
/** Cloudflare's challenge page. Its scripts alone prove nothing, since Cloudflare inserts them into pages of origins as well. */
const challenge = /\b_cf_chl_opt\b|<title>Just a moment\.\.\.<\/title>/;
/** Sent instead of the page if the client asked for no HTML; 1xxx are Cloudflare's own codes. */
const plain = /^error code: (\d{3,4})\s*$/;

/**
 * Cloudflare's pages. It replaces a 502 or 504 of the origin with a page that has its brand. Its own 502 or 504 is a
 * plain page with its name, like nginx's. 520 to 530 are its findings about the origin, and it makes those responses.
 */
function readCloudflarePage(answer: ParsedAnswer): AuthorVerdict | null {
  const { body, status } = answer;
  const words = plain.exec(body);
  if (words !== null) return readPlain(answer, Number(words[1]), words[0]);
  const page = branded.exec(body.slice(0, 16_384));
  if (page !== null && comesThroughCloudflare(answer)) {
    if (status === 502 || status === 504)
      return authorVerdict(
        'application',
        'likely',
        `Cloudflare shows its branded page in place of a ${status} that the origin sent`,
        page[0],
      );
    return authorVerdict('cloudflare', 'certain', 'the page is its own', page[0]);
  }
  const challenged = challenge.exec(body);
  if (challenged !== null && comesThroughCloudflare(answer) && status >= 400)
    return authorVerdict('cloudflare', 'certain', 'it is its challenge for browsers', challenged[0]);
  return null;
}

function readPlain(answer: ParsedAnswer, code: number, words: string): AuthorVerdict | null {
  if (!comesThroughCloudflare(answer)) return authorVerdict('cloudflare', 'likely', 'the words are its own', words);
  if (code === 502 || code === 504)
    return authorVerdict(
      'cloudflare',
      'likely',
      `it wrote the words, though it may have put them in place of a ${code} that the origin sent`,
      words,
    );
  return authorVerdict('cloudflare', 'certain', 'the words are its own', words);
}

function comesThroughCloudflare(answer: ParsedAnswer): boolean {
  return (
    !answer.hasHead ||
    answer.field('cf-ray') !== null ||
    answer.lines('server').some((line) => productOfServer(line)?.layer === 'cloudflare')
  );
}

/** Refines a product that others are built on, by further signs in the response. */
function refine(author: AuthorVerdict, answer: ParsedAnswer, signs: readonly LayerSign[]): AuthorVerdict {
  if (author.layer === 'envoy') return refineEnvoy(author, signs);
  if (author.layer === 'gcp-lb') return refineGoogle(author, answer);
  return author;
}

/** Istio's Envoys have a name of their own; Google's load balancers are Envoys without a name. */
function refineEnvoy(author: AuthorVerdict, signs: readonly LayerSign[]): AuthorVerdict {
  const istio = signs.find(({ layer }) => layer === 'istio');
  if (istio !== undefined) return { ...author, layer: 'istio', evidence: [...author.evidence, istio.evidence] };
  if (signs.some(({ layer }) => layer === 'envoy')) return author;
  const google =
    signs.find(({ layer }) => layer === 'google-frontend') ?? signs.find(({ layer }) => layer === 'gcp-lb');
  if (google === undefined) return author;
  return {
    layer: google.layer,
    confidence: 'likely',
    evidence: [...author.evidence, google.evidence],
    why: "the words are those of Envoy, which Google's front ends are built on, and `Server` names no other Envoy",
  };
}

/** App Engine and Cloud Run have the load balancer's page, with a `Server` of their own. */
function refineGoogle(author: AuthorVerdict, answer: ParsedAnswer): AuthorVerdict {
  const line = answer.lines('server').find((server) => productOfServer(server)?.layer === 'google-frontend');
  if (line === undefined) return author;
  return { ...author, layer: 'google-frontend', evidence: [...author.evidence, quoteField('Server', line)] };
}
