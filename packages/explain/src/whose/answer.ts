import { type Layer, layerOfHop, productOfServer } from './layer.ts';

/** A sign that a response went through a layer. It does not show the author. */
export interface LayerSign {
  readonly layer: Layer;
  readonly evidence: string;
}

/** A header that only one layer adds to responses that it passes on. */
interface FieldSign {
  readonly layer: Layer;
  /** In lower case; a name that ends in `*` stands for all names with that beginning. */
  readonly name: string;
  readonly value?: RegExp;
}

const sign = (layer: Layer, name: string, value?: RegExp): FieldSign => ({
  layer,
  name,
  ...(value === undefined ? {} : { value }),
});

const fieldSigns: readonly FieldSign[] = [
  sign('cloudflare', 'cf-ray'),
  sign('cloudflare', 'cf-cache-status'),
  sign('cloudflare', 'cf-mitigated'),
  sign('akamai', 'x-akamai-*'),
  sign('akamai', 'akamai-*'),
  sign('cloudfront', 'x-amz-cf-id'),
  sign('cloudfront', 'x-amz-cf-pop'),
  sign('cloudfront', 'x-cache', /\bfrom cloudfront\b/i),
  sign('fastly', 'x-served-by', /\bcache-[a-z0-9]/i),
  sign('fastly', 'x-timer', /^S\d+\.\d+,VS\d/),
  sign('fastly', 'x-fastly-request-id'),
  sign('fastly', 'fastly-*'),
  sign('azure-front-door', 'x-azure-ref'),
  sign('aws-api-gateway', 'x-amz-apigw-id'),
  sign('aws-api-gateway', 'apigw-requestid'),
  sign('google-frontend', 'x-cloud-trace-context'),
  sign('aws-alb', 'set-cookie', /(?:^|[,;]\s*)AWSALB(?:CORS|TG|TGCORS|APP-\d+)?=/),
  sign('aws-clb', 'set-cookie', /(?:^|[,;]\s*)AWSELB(?:CORS)?=/),
  sign('azure-app-gateway', 'set-cookie', /(?:^|[,;]\s*)ApplicationGatewayAffinity(?:CORS)?=/),
  sign('iis', 'set-cookie', /(?:^|[,;]\s*)ARRAffinity(?:SameSite)?=/),
  sign('heroku', 'report-to', /heroku-nel/),
  sign('heroku', 'reporting-endpoints', /heroku-nel/),
  sign('fly', 'fly-request-id'),
  sign('vercel', 'x-vercel-id'),
  sign('vercel', 'x-vercel-cache'),
  sign('vercel', 'x-vercel-error'),
  sign('netlify', 'x-nf-request-id'),
  sign('render', 'x-render-*'),
  sign('render', 'rndr-id'),
  sign('railway', 'x-railway-*'),
  sign('varnish', 'x-varnish'),
  sign('kong', 'x-kong-*'),
  sign('apisix', 'x-apisix-*'),
  sign('istio', 'x-envoy-decorator-operation'),
  sign('envoy', 'x-envoy-*'),
  sign('linkerd', 'l5d-*'),
];

/** Every layer that left a sign, once each, with the first evidence for it. */
export function findLayerSigns(answer: ParsedAnswer): readonly LayerSign[] {
  const found = new Map<Layer, LayerSign>();
  const add = (layer: Layer, evidence: string): void => {
    if (!found.has(layer)) found.set(layer, { layer, evidence });
  };
  for (const line of answer.lines('server')) {
    const product = productOfServer(line);
    if (product !== null && product.layer !== 'application') add(product.layer, quoteField('Server', line));
  }
  for (const { layer, name, value } of fieldSigns) {
    for (const present of namesFor(answer, name)) {
      const text = answer.field(present) ?? '';
      if (value === undefined || value.test(text)) add(layer, quoteField(present, text));
    }
  }
  for (const { name, comment, text } of readVia(answer.field('via'))) {
    const layer = layerOfHop(name, comment);
    if (layer !== null) add(layer, quoteField('Via', text));
  }
  for (const { name, receivedStatus, text } of readProxyStatus(answer.field('proxy-status'))) {
    const layer = layerOfHop(name) ?? (receivedStatus !== null && hasCandorsId(answer) ? 'candor' : null);
    if (layer !== null) add(layer, quoteField('Proxy-Status', text));
  }
  return settle([...found.values()]);
}

/** Candor names itself after the deployment. Its request ids are UUIDs of version 7 (RFC 9562 §5.7). */
function hasCandorsId(answer: ParsedAnswer): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(answer.field('x-request-id') ?? '');
}

function namesFor(answer: ParsedAnswer, name: string): readonly string[] {
  if (!name.endsWith('*')) return answer.field(name) === null ? [] : [name];
  return answer.names.filter((present) => present.startsWith(name.slice(0, -1)));
}

/** Two names of the same layer count as one: Fastly calls itself varnish in Via, and Istio consists of Envoys. */
function settle(signs: readonly LayerSign[]): readonly LayerSign[] {
  const has = (layer: Layer): boolean => signs.some((sign) => sign.layer === layer);
  return signs.filter(({ layer, evidence }) => {
    if (layer === 'varnish' && has('fastly')) return /x-varnish|\(Varnish\//i.test(evidence);
    if (layer === 'envoy' && has('istio')) return false;
    if (layer === 'openresty' && (has('kong') || has('apisix'))) return false;
    return true;
  });
}

/** One member of Proxy-Status, with the parts that show authorship. */
interface ProxyStatusMember {
  /** The intermediary's name: often the deployment's, not the product's. */
  readonly name: string;
  readonly error: string | null;
  /** The status that it received (RFC 9209 §2.1.4); null if not given. */
  readonly receivedStatus: number | null;
  readonly text: string;
}

/** More hops than any chain has. */
const membersMax = 32;

/**
 * The members of Proxy-Status, in order: the first is the intermediary closest to the origin, the last the one closest
 * to the user (RFC 9209 §2). Lenient: members that cannot be parsed are left out, since any layer may have written them.
 */
export function readProxyStatus(value: string | null): readonly ProxyStatusMember[] {
  if (value === null) return [];
  const members: ProxyStatusMember[] = [];
  for (const text of splitOutsideQuotes(value, ',').slice(0, membersMax)) {
    const [name = '', ...parameters] = splitOutsideQuotes(text, ';');
    if (unquote(name) === '') continue;
    const received = parameterOf(parameters, 'received-status');
    members.push({
      name: unquote(name),
      error: parameterOf(parameters, 'error'),
      receivedStatus: received !== null && /^[1-9]\d\d$/.test(received) ? Number(received) : null,
      text: text.trim(),
    });
  }
  return members;
}

function parameterOf(parameters: readonly string[], wanted: string): string | null {
  let value: string | null = null;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).trim() === wanted) value = unquote(parameter.slice(equals + 1));
  }
  return value;
}

/** The members of Via (RFC 9110 §7.6.3), in order: the first is the intermediary closest to the origin. */
interface ViaMember {
  /** The host or pseudonym, without the protocol. */
  readonly name: string;
  /** "(Varnish/7.1)", without the parentheses; empty if missing. */
  readonly comment: string;
  readonly text: string;
}

export function readVia(value: string | null): readonly ViaMember[] {
  if (value === null) return [];
  const members: ViaMember[] = [];
  for (const raw of splitOutsideQuotes(value, ',').slice(0, membersMax)) {
    const text = raw.trim();
    if (text === '') continue;
    const open = text.indexOf('(');
    const comment = open < 0 ? '' : text.slice(open + 1).replace(/\)\s*$/, '');
    const words = (open < 0 ? text : text.slice(0, open)).trim().split(/\s+/);
    // Kong before version 3 wrote `kong/2.8.1` alone, without the required protocol before it.
    members.push({ name: words.length > 1 ? words.slice(1).join(' ') : (words[0] ?? ''), comment, text });
  }
  return members;
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1).replace(/\\(.)/g, '$1')
    : trimmed;
}

/** An error page names its author near its beginning. Text after 64 KiB is an application's. */
const bodyCharactersMax = 65_536;
/** More headers than any server sends; further ones are ignored, so that a hostile response takes no time. */
const fieldsMax = 1_000;
const valuesMax = 100;
const valueCharactersMax = 8_192;
/** All lines of one header together: twice the limit of one line. */
const fieldCharactersMax = 16_384;

/** A response that is safe to inspect: names in lower case, values and body of bounded length, no member missing. */
export interface ParsedAnswer {
  readonly status: number;
  /** The values of a header, joined as in RFC 9110 §5.3; null without the header. */
  field(name: string): string | null;
  /** The lines of a header, one by one. */
  lines(name: string): readonly string[];
  /** False: the head was not kept, so that a missing header means nothing. */
  readonly hasHead: boolean;
  /** Names in lower case, in the order of the response. */
  readonly names: readonly string[];
  /** The beginning of the body, or the gRPC message; empty if there is none or it was not kept. */
  readonly body: string;
  /** True: there was no body. Null: the body was not kept, and no header shows its length. */
  readonly isEmpty: boolean | null;
}

export function readAnswer(response: AnsweredResponse): ParsedAnswer {
  const given: { readonly [member in keyof AnsweredResponse]?: unknown } =
    typeof response === 'object' && response !== null ? response : {};
  const fields = readFields(given.headers);
  const body = typeof given.body === 'string' ? given.body.slice(0, bodyCharactersMax) : null;
  const lines = (name: string): readonly string[] => fields.get(name) ?? [];
  return {
    status: statusOf(given.status),
    hasHead: given.bodyAlone !== true && fields.size > 0,
    names: [...fields.keys()],
    lines,
    field: (name) => (fields.has(name) ? lines(name).join(', ').slice(0, fieldCharactersMax) : null),
    body: body === null || body === '' ? grpcWords(lines('grpc-message')) : body,
    isEmpty: isEmpty(body, lines('content-length')),
  };
}

/** gRPC has its message in a header, percent-encoded, with status 200. Gateways write their errors there. */
function grpcWords(lines: readonly string[]): string {
  const [words = ''] = lines;
  return words.replace(/%([2-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** 0 if the response has no valid HTTP status. */
function statusOf(given: unknown): number {
  return typeof given === 'number' && Number.isInteger(given) && given >= 100 && given <= 999 ? given : 0;
}

function isEmpty(body: string | null, contentLength: readonly string[]): boolean | null {
  if (body !== null) return body.trim() === '';
  if (contentLength.length === 1) return contentLength[0]?.trim() === '0';
  return null;
}

/** A caller in JavaScript may pass any value. Values of a wrong type count as missing. */
function readFields(headers: unknown): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  if (typeof headers !== 'object' || headers === null) return fields;
  for (const [name, value] of Object.entries(headers).slice(0, fieldsMax)) {
    const key = name.slice(0, 256).toLowerCase();
    const values = fields.get(key) ?? [];
    for (const line of (Array.isArray(value) ? value : [value]).slice(0, valuesMax)) {
      const text = typeof line === 'number' ? String(line) : line;
      if (typeof text === 'string' && values.length < valuesMax) values.push(text.slice(0, valueCharactersMax).trim());
    }
    if (values.length > 0) fields.set(key, values);
  }
  return fields;
}

/** One piece of evidence: `name: value`, printable and at most one line long. */
export function quoteField(name: string, value: string): string {
  return quote(`${name}: ${value}`);
}

/** Text of a response, safe to show: without control characters, and at most one line long. */
export function quote(text: string): string {
  const visible = text
    .slice(0, 400)
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e\xa0-￿]/g, '?');
  return visible.length > 160 ? `${visible.slice(0, 159)}…` : visible;
}

/** A response as a client got it. Header names in any spelling; a header that came several times has all its values. */
export interface AnsweredResponse {
  /** 0 if not kept. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** As text; absent if not kept. Only the first 64 KiB are read. */
  readonly body?: string;
  /** True: the body was copied from a page, and the head was not kept. */
  readonly bodyAlone?: boolean;
}

/**
 * 'certain': no other layer writes such a response. 'likely': others could, but rarely do. 'unsure': the response does
 * not show it.
 */
export type Confidence = 'certain' | 'likely' | 'unsure';

/** Who wrote a response. */
export interface Authorship {
  /** 'application': behind all layers that can be seen. 'unknown': the response does not show its author. */
  readonly author: Layer;
  /** The layers that only passed the response on, the one next to the client first. The author is not among them. */
  readonly passed: readonly Layer[];
  readonly confidence: Confidence;
  /** The evidence, in the response's own spelling: the author's first, then one piece for each layer passed. */
  readonly evidence: readonly string[];
  /** For people. */
  readonly sentence: string;
}

/** The conclusion from one kind of evidence about the author. */
export interface AuthorVerdict {
  readonly layer: Layer;
  readonly confidence: Confidence;
  /** In the response's own spelling; may be empty only for 'unknown'. */
  readonly evidence: readonly string[];
  /** A clause for people, without a full stop: "the page is nginx's own". */
  readonly why: string;
}

export function authorVerdict(layer: Layer, confidence: Confidence, why: string, ...evidence: string[]): AuthorVerdict {
  return { layer, confidence, evidence: evidence.map(quote), why };
}

export function isJson(answer: ParsedAnswer): boolean {
  const type = answer.field('content-type') ?? '';
  return /^\s*application\/(?:[\w.-]{1,60}\+)?json\b/i.test(type) || /^\s*[{[]\s*["\]}{[]/.test(answer.body);
}
