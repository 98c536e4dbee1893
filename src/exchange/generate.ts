import { explain, headersOf, proxyStatusParameters } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import { proxyStatusMember } from '../wire/proxy-status.ts';
import { type Account, type AccountFacts, giveAccount } from './account.ts';
import { fillCustomPage, findCustomPage } from './custom-page.ts';
import { renderErrorPage } from './error-page.ts';
import { writeErrorText } from './error-text.ts';
import { grpcContentType, grpcHeaders, grpcStatus } from './grpc-answer.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';
import { visibleText } from '../wire/visible-text.ts';
import { escapeInvisible } from '#failures/invisible-characters.ts';
import { snakeCased } from '#failures/json-case.ts';

/**
 * A failure as problem details (RFC 9457), indented and with a line end, since people read it in a
 * terminal. Members without a value are left out, except those whose null has a meaning.
 */
function writeProblemDetails(account: Account): string {
  return `${escapeInvisible(JSON.stringify(problemDetails(account), null, 2))}\n`;
}

function problemDetails(account: Account): object {
  const { forOperators } = account;
  const instance = uuid.test(account.requestId) ? { instance: `urn:uuid:${account.requestId.toLowerCase()}` } : {};
  return {
    type: account.problemType,
    title: account.title,
    status: account.status,
    detail: forOperators?.sentence ?? account.forClient,
    ...instance,
    cause: account.cause,
    shape: account.shape,
    proxy_error: account.type,
    whose: account.whose,
    delivery: account.delivery,
    may_have_been_executed: account.mayHaveBeenExecuted,
    temporary: account.temporary,
    retry_after: account.retryAfterS,
    request_id: account.requestId,
    ...(forOperators === null
      ? {}
      : {
          endpoint: forOperators.endpoint,
          received_status: forOperators.receivedStatus,
          evidence: snakeCased(forOperators.evidence),
          usual_causes: forOperators.usualCauses,
          next_step: forOperators.nextStep,
        }),
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

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

/** What an answer of the gateway's own is made from. */
export interface GenerateFacts extends AccountFacts {
  /** The request's Accept and Content-Type; null without. */
  readonly accept: string | null;
  readonly contentType: string | null;
  /** Whether a gRPC client can read its status from trailers alone: over HTTP/2, and only where it said `te: trailers`. */
  readonly takesTrailersOnly: boolean;
  /** False when the request could not be understood: then only problem details are right. */
  readonly parsed: boolean;
  /** The name in Proxy-Status: the deployment's, never the product's. */
  readonly deployment: string;
  /** The route's own pages, by status or 'default'. */
  readonly errorPages: Readonly<Record<string, string>>;
}

export interface GeneratedResponse {
  readonly status: number;
  readonly reason: string;
  /** Without Date, which the sender adds, and without Content-Length, which follows from `contentLength`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Empty in answer to HEAD. */
  readonly body: Uint8Array;
  /** As for GET: in answer to HEAD it is more than `body` has (RFC 9110 §9.3.2). */
  readonly contentLength: number;
  /** Of an answer to a gRPC client: the headers say it, and there is no body. Null: it is an answer of HTTP. */
  readonly grpcStatus: number | null;
}

interface Form {
  readonly contentType: string;
  readonly text: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const utf8 = new TextEncoder();

/**
 * The response to a failure, in the form that the client asked for. Pure: the same facts give the same bytes.
 * It always carries the request id and our member of Proxy-Status, and `Cache-Control: no-store`.
 *
 * `client_gone` has no response; for it this makes a response with status 0, which must not be sent.
 */
export function generateResponse(facts: GenerateFacts): GeneratedResponse {
  const account = giveAccount(facts);
  const headers = commonHeaders(facts, account);
  const grpcType = facts.parsed && facts.takesTrailersOnly ? grpcContentType(facts.contentType) : null;
  if (grpcType !== null) {
    const all = [['Content-Type', grpcType] as const, ...headers, ...grpcHeaders(account)];
    return {
      status: 200,
      reason: reasonPhrase(200),
      headers: all,
      body: noBytes,
      contentLength: 0,
      grpcStatus: grpcStatus(account.status),
    };
  }
  const form = chooseForm(facts, account);
  const body = utf8.encode(form.text);
  return {
    status: account.status,
    reason: reasonPhrase(account.status),
    headers: [['Content-Type', form.contentType], ...headers, ['Vary', 'Accept'], ...form.headers],
    body: facts.method === 'HEAD' ? noBytes : body,
    contentLength: body.length,
    grpcStatus: null,
  };
}

const noBytes = new Uint8Array(0);

function commonHeaders(facts: GenerateFacts, account: Account): readonly (readonly [name: string, value: string])[] {
  const headers: (readonly [string, string])[] = [
    ['X-Request-Id', account.requestId],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  if (account.type !== null) headers.push(['Proxy-Status', memberFor(facts, account)]);
  if (account.retryAfterS !== null) headers.push(['Retry-After', String(account.retryAfterS)]);
  headers.push(...headersOf(facts.failure));
  return headers;
}

/** Our member of Proxy-Status: the type for everybody, endpoint and details for operators (RFC 9209 §4). */
function memberFor(facts: GenerateFacts, account: Account): string {
  const { failure, deployment, nextHop, nextProtocol, receivedStatus } = facts;
  const { type, forOperators } = account;
  if (type === null) return '';
  if (forOperators === null)
    return proxyStatusMember({ deployment, error: type, parameters: publicParameters(failure) });
  return proxyStatusMember({
    deployment,
    error: type,
    ...(nextHop === null ? {} : { nextHop: visibleText(nextHop, detailsMax) }),
    ...(nextProtocol === undefined ? {} : { nextProtocol }),
    ...(receivedStatus === null ? {} : { receivedStatus }),
    details: visibleText(`${failure.cause}: ${explain(forOperators.failure)}`, detailsMax),
    parameters: proxyStatusParameters(forOperators.failure),
  });
}

/** The type's parameters are evidence, but for the status of a refused request, which is the response's own. */
function publicParameters(failure: Failure): Readonly<Record<string, string | number>> {
  const { 'status-code': statusCode } = proxyStatusParameters(failure);
  return statusCode === undefined ? {} : { 'status-code': statusCode };
}

/** Every client takes a header line of a few hundred bytes; the record has the full text. */
const detailsMax = 300;

function chooseForm(facts: GenerateFacts, account: Account): Form {
  const form = facts.parsed ? negotiateForm(facts.accept) : 'problem';
  if (form === 'text') return { contentType: 'text/plain; charset=utf-8', text: writeErrorText(account), headers: [] };
  if (form === 'problem')
    return { contentType: 'application/problem+json', text: writeProblemDetails(account), headers: [] };
  const contentType = 'text/html; charset=utf-8';
  const custom = findCustomPage(facts.errorPages, account.status);
  if (custom !== null) return { contentType, text: fillCustomPage(custom, account), headers: [] };
  return { contentType, text: renderErrorPage(account), headers: [['Content-Security-Policy', ownPagePolicy]] };
}

/** The gateway's page runs no script and fetches nothing; this policy makes the browser hold it to that. */
const ownPagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A response that is no failure. In answer to HEAD it has no body. */
export function plainResponse(
  status: number,
  headers: GeneratedResponse['headers'],
  text: string,
  method: string,
): GeneratedResponse {
  const body = utf8.encode(text);
  return {
    status,
    reason: reasonPhrase(status),
    headers,
    body: method === 'HEAD' ? noBytes : body,
    contentLength: body.length,
    grpcStatus: null,
  };
}
