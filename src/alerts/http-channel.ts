import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { rootCertificates } from 'node:tls';
import { parseRetryAfter } from '../policy/retry-backoff.ts';
import type { Clock } from '../core/time.ts';
import {
  accepted,
  type AlertChannel,
  type AlertMessage,
  marked,
  refused,
  type SendResult,
  withoutSecrets,
} from './channel.ts';
import { deliveryFault } from './network-error.ts';

/** No answer that says what is wrong is longer. */
const bodyBytesMax = 16 * 1024;

interface JsonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Root certificates in PEM that are trusted beside those of Node. */
  readonly ca: readonly string[];
}

interface ReceivedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Its beginning. */
  readonly body: string;
}

/** A POST over HTTP/1.1 on a connection of its own; follows no redirect. Rejects as `node:http` does. */
function sendJson({ url, headers, body, ca }: JsonRequest, signal: AbortSignal): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const isSecure = url.startsWith('https:');
    const trusted = isSecure && ca.length > 0 ? { ca: [...rootCertificates, ...ca] } : {};
    const length = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
    const options = { method: 'POST', headers: { ...headers, ...length }, agent: false as const, signal, ...trusted };
    const request = (isSecure ? requestHttps : requestHttp)(url, options, (response) => {
      readBeginning(response).then((text) => resolve(responseOf(response, text)), reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The rest of a longer body is not waited for. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= bodyBytesMax) break;
  }
  return Buffer.concat(parts).subarray(0, bodyBytesMax).toString();
}

function responseOf({ statusCode, headers }: IncomingMessage, body: string): ReceivedResponse {
  const texts = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []));
  return { status: statusCode ?? 0, headers: Object.fromEntries(texts), body };
}

/** What one service wants, and what its answers mean. */
export interface HttpService {
  /** The body: plain data for JSON. */
  readonly body: (message: AlertMessage) => object;
  /** The same for people to read: without keys. */
  readonly shown?: (message: AlertMessage) => object;
  /** A secret of the body. */
  readonly key?: string;
  /** What a refusal with this status means there; null: what it means in general. */
  readonly refusal?: (status: number, body: string) => { readonly reason: string; readonly nextStep: string } | null;
}

interface HttpChannelSettings {
  readonly url: string;
  readonly token: string | null;
  readonly ca: readonly string[];
  readonly userAgent: string;
}

/** Sends a message by one POST with JSON. */
export class HttpChannel implements AlertChannel {
  readonly destination: string;
  readonly #settings: HttpChannelSettings;
  readonly #service: HttpService;
  readonly #clock: Clock;
  readonly #secrets: readonly string[];

  constructor(settings: HttpChannelSettings, service: HttpService, clock: Clock) {
    this.#settings = settings;
    this.#service = service;
    this.#clock = clock;
    this.destination = URL.parse(settings.url)?.host ?? '';
    this.#secrets = [...secretsOf(settings.url), settings.token ?? '', service.key ?? ''];
  }

  async send(message: AlertMessage, signal: AbortSignal): Promise<SendResult> {
    const { url, token, ca, userAgent } = this.#settings;
    const { body, shown = body } = this.#service;
    const authorization: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };
    const headers = { 'User-Agent': userAgent, ...authorization };
    const sent = marked('>', `POST to ${this.destination}\n${JSON.stringify(shown(message), null, 2)}`);
    try {
      const response = await sendJson({ url, headers, body: JSON.stringify(body(message)), ca }, signal);
      return this.#judge(response, sent);
    } catch (error) {
      const { reason, nextStep } = deliveryFault(error, this.destination);
      return refused(reason, nextStep, { isRetriable: true, exchange: [...sent, `< ${reason}`] });
    }
  }

  #judge({ status, headers, body }: ReceivedResponse, sent: readonly string[]): SendResult {
    const exchange = [
      ...sent,
      ...marked('<', body === '' ? `HTTP ${status}` : `HTTP ${status}\n${withoutSecrets(body, this.#secrets)}`),
    ];
    if (status >= 200 && status < 300) return accepted(`${this.destination} answered ${status}`, exchange);
    const isRetriable = status >= 500 || retriable.includes(status);
    const retryAfterMs = isRetriable ? this.#retryAfter(headers) : null;
    const own = this.#service.refusal?.(status, body) ?? null;
    const said = own ?? { reason: `${this.destination} answered ${status}`, nextStep: generalStep(status) };
    const reason = withoutSecrets(said.reason, this.#secrets);
    return refused(reason, said.nextStep, { isRetriable, retryAfterMs, exchange });
  }

  #retryAfter(headers: Readonly<Record<string, string>>): number | null {
    // Some services write seconds with a fraction.
    const written = headers['retry-after']?.replace(/^(\d{1,9})\.\d+$/, (_, whole: string) =>
      String(Number(whole) + 1),
    );
    return parseRetryAfter(written ?? null, headers['date'] ?? null, this.#clock.wallTime());
  }
}

/** A shorter part of a path is a word. */
const partMin = 8;

/** A webhook's address is its secret: the whole path, the query, and the parts that are no words. */
function secretsOf(url: string): readonly string[] {
  const { pathname = '', search = '', username = '', password = '' } = URL.parse(url) ?? {};
  const parts = pathname.split('/').filter((part) => part.length >= partMin && /\d/.test(part));
  const path = pathname.length >= partMin ? [pathname, pathname.slice(1)] : [];
  return [...path, ...parts, pathname.split('/').at(-1) ?? '', search.slice(1), username, password].filter(
    (secret) => secret.length >= partMin || secret === password,
  );
}

/** Request timeout, too early, too many requests. */
const retriable: readonly number[] = [408, 425, 429];

function generalStep(status: number): string {
  if (status >= 300 && status < 400) return 'Redirects are not followed: write the URL that it redirects to.';
  if (status === 401 || status === 403) return 'See whether the URL and the token are still valid there.';
  if (status === 404 || status === 410)
    return 'The URL does not exist there: create the webhook anew, and write its URL.';
  if (status === 429) return 'It limits how many messages it takes: the gateway sends the message later.';
  if (status >= 500) return 'The service has a problem of its own: the gateway sends the message again.';
  return 'See what its answer says; the message is not sent again.';
}
