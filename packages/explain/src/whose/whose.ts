import {
  type ParsedAnswer,
  readAnswer,
  quoteField,
  type AnsweredResponse,
  type Authorship,
  type Confidence,
  readVia,
  readProxyStatus,
  type AuthorVerdict,
  authorVerdict,
  findLayerSigns,
  type LayerSign,
} from './answer.ts';
import { readApplication, readUsualApplication, readNginxPage, readPageText } from './page-texts.ts';
import {
  readHerokuRouter,
  readRelay,
  readServerAuthor,
  readAuthorField,
  readProxyStatusAuthor,
  readReceivedStatus,
} from './fields-of-authors.ts';
import { layerNames, type Layer, usualDistance, productOfServer, layerOfHop } from './layer.ts';
import { readTemplate, readWelcome } from './templates.ts';

export type { AnsweredResponse, Authorship, Confidence } from './answer.ts';
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

/** The layers that passed the response on, the client's side first, each with its evidence. The author is not among them. */
function orderPassed(answer: ParsedAnswer, signs: readonly LayerSign[], author: AuthorVerdict): readonly LayerSign[] {
  const passed = signs.filter(({ layer }) => layer !== author.layer && !isSameHop(layer, author.layer));
  const ordered = alignWithVia(
    passed.toSorted((a, b) => usualDistance(a.layer) - usualDistance(b.layer)),
    answer,
  );
  const twin = findTwin(answer, author);
  return twin === null ? ordered : insertTwin(ordered, twin);
}

/** Google's load balancer and front end are one machine with two names; its responses may have both. */
function isSameHop(layer: Layer, author: Layer): boolean {
  return (layer === 'gcp-lb' && author === 'google-frontend') || (layer === 'google-frontend' && author === 'gcp-lb');
}

/** If Via or Proxy-Status names several layers, their order counts: the last one is nearest to the client. */
function alignWithVia(signs: readonly LayerSign[], answer: ParsedAnswer): readonly LayerSign[] {
  const via = readVia(answer.field('via')).map(({ name, comment }) => layerOfHop(name, comment));
  const status = readProxyStatus(answer.field('proxy-status')).map(({ name }) => layerOfHop(name));
  const named = (via.filter(isLayer).length > 1 ? via : status).filter(isLayer).toReversed();
  const sequence = named.filter(
    (layer, at) => named.indexOf(layer) === at && signs.some((sign) => sign.layer === layer),
  );
  let next = 0;
  return signs.map((sign) => {
    if (!sequence.includes(sign.layer)) return sign;
    const layer = sequence[next];
    next += 1;
    return signs.find((other) => other.layer === layer) ?? sign;
  });
}

function isLayer(layer: Layer | null): layer is Layer {
  return layer !== null;
}

/**
 * A second hop of the author's own kind: an Envoy that measured how long the Envoy behind it took, or an nginx of
 * another version than the page's.
 */
function findTwin(answer: ParsedAnswer, author: AuthorVerdict): LayerSign | null {
  if (author.layer === 'envoy' || author.layer === 'istio') {
    const time = answer.field('x-envoy-upstream-service-time');
    return time === null ? null : { layer: author.layer, evidence: quoteField('x-envoy-upstream-service-time', time) };
  }
  if (author.layer !== 'nginx') return null;
  const inPage = /<center>nginx\/([\d.]{3,12})/.exec(author.evidence[0] ?? '')?.[1];
  const line = answer.lines('server').find((server) => productOfServer(server)?.layer === 'nginx');
  const inField = /^nginx\/([\d.]{3,12})/.exec(line ?? '')?.[1];
  if (inPage === undefined || inField === undefined || inPage === inField) return null;
  return { layer: 'nginx', evidence: quoteField('Server', line ?? '') };
}

function insertTwin(signs: readonly LayerSign[], twin: LayerSign): readonly LayerSign[] {
  const at = signs.findIndex(({ layer }) => usualDistance(layer) > usualDistance(twin.layer));
  return at < 0 ? [...signs, twin] : signs.toSpliced(at, 0, twin);
}
