import type { AnsweredResponse } from '#explain/whose/answer.ts';
import { readCurlOutput, bodyCharactersMax, gather, type KeptResponse } from '#explain/whose/curl-output.ts';
import type { IncomingMessage } from 'node:http';
import { timeoutSignal } from '../../system/timeout-signal.ts';
import { CommandFailure } from '../command-failure.ts';
import { readVersion } from '../process-context.ts';

/**
 * Reads the responses of a saved file, in order: the output of `curl -i`, a HAR of a browser, one JSON object `{status,
 * headers, body}`, an array of such objects, or one object per line. Empty if the file is none of these.
 */
export function readResponses(text: string): readonly KeptResponse[] {
  const trimmed = text.replace(/^\ufeff/, '').trim();
  if (!/^[[{]/.test(trimmed)) return readCurlOutput(trimmed);
  const whole = parsed(trimmed);
  if (whole !== undefined) return Array.isArray(whole) ? whole.flatMap(responsesIn) : responsesIn(whole);
  return trimmed.split('\n').flatMap((line) => responsesIn(parsed(line)));
}

/** Where error pages show their status, if they do. */
const statusInPage = /<(?:title|h1)[^>]{0,80}>[^<]{0,80}?\b([45]\d\d)\b|^\s*error code: ([45]\d\d)\b/i;

/** A response without its head: a page copied from a browser window, or words copied from a log. */
export function readPage(text: string): KeptResponse {
  const body = text.slice(0, bodyCharactersMax);
  const [, inTags, inWords] = statusInPage.exec(body) ?? [];
  return { from: null, response: { status: Number(inTags ?? inWords ?? 0), headers: {}, body, bodyAlone: true } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The entries of a HAR (http://www.softwareishard.com/blog/har-12-spec/), or the object itself. */
function responsesIn(value: unknown): KeptResponse[] {
  const entries = field(field(value, 'log'), 'entries');
  if (Array.isArray(entries)) return entries.flatMap(entryOf);
  const response = responseOf(value, field(value, 'body'));
  const url = field(value, 'url');
  return response === null ? [] : [{ from: typeof url === 'string' ? url : null, response }];
}

function entryOf(entry: unknown): KeptResponse[] {
  const kept = field(entry, 'response');
  const content = field(kept, 'content');
  const response = responseOf(kept, contentText(content));
  const url = field(field(entry, 'request'), 'url');
  return response === null ? [] : [{ from: typeof url === 'string' ? url : null, response }];
}

function contentText(content: unknown): unknown {
  const text = field(content, 'text');
  if (typeof text !== 'string' || field(content, 'encoding') !== 'base64') return text;
  return Buffer.from(text, 'base64').toString('utf8');
}

function responseOf(value: unknown, body: unknown): AnsweredResponse | null {
  const reported = field(value, 'status');
  const status = typeof reported === 'number' || typeof reported === 'string' ? Number(reported) : Number.NaN;
  // A browser saves status 0 for a request without a response.
  if (!Number.isInteger(status) || status < 100 || status > 999) return null;
  const headers = gather(pairsIn(field(value, 'headers')));
  return { status, headers, ...(typeof body === 'string' ? { body: body.slice(0, bodyCharactersMax) } : {}) };
}

/** From an object of names, an array of `{name, value}`, or an array of pairs. */
function pairsIn(headers: unknown): [string, string][] {
  if (Array.isArray(headers)) {
    return headers.flatMap((one: unknown) => {
      const [name, value] = Array.isArray(one) ? (one as unknown[]) : [field(one, 'name'), field(one, 'value')];
      return typeof name === 'string' && typeof value === 'string' ? [[name, value] as [string, string]] : [];
    });
  }
  if (typeof headers !== 'object' || headers === null) return [];
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((one) =>
      typeof one === 'string' || typeof one === 'number' ? [[name, String(one)] as [string, string]] : [],
    ),
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

interface Asking {
  readonly timeoutMs: number;
  /** Whether the certificate must be one that this machine trusts. */
  readonly verify: boolean;
}

/** Sends one GET request, follows no redirect and asks for no compression. */
export function fetchResponse(url: URL, { timeoutMs, verify }: Asking): Promise<AnsweredResponse> {
  const { request: ask } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const headers = { 'User-Agent': `candor/${readVersion()}`, Accept: '*/*', 'Accept-Encoding': 'identity' };
  return new Promise((resolve, reject) => {
    const failed = (why: string): void =>
      reject(new CommandFailure('gateway_unreachable', `${url.origin} did not respond: ${why}.`));
    const signal = timeoutSignal(timeoutMs);
    const request = ask(url, { headers, agent: false, signal, rejectUnauthorized: verify });
    // After the head, errors concern the body, of which only the beginning is needed.
    let hasHead = false;
    request.on('error', (error) => {
      if (!hasHead) failed(signal.aborted ? `no response within ${timeoutMs / 1000} s` : sentenceOf(error));
    });
    request.on('response', (response) => {
      hasHead = true;
      void readBody(response).then((body) => resolve(answerOf(response, body)));
    });
    // The request asked for no other protocol. The head of a 101 is a response like any other.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(answerOf(response, ''));
    });
    request.end();
  });
}

function answerOf({ statusCode = 0, rawHeaders }: IncomingMessage, body: string): AnsweredResponse {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return { status: statusCode, headers: gather(pairs), body };
}

/** The beginning of the body. A body that breaks off is good enough, since the head has come. */
async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const slice of response) {
      text += slice as string;
      if (text.length >= bodyCharactersMax) break;
    }
  } catch {
    // The head names the author, or mostly the first lines of the body do.
  }
  response.destroy();
  return text.slice(0, bodyCharactersMax);
}

/** If several addresses were tried, the last error has the message. */
function sentenceOf(error: Error): string {
  const last = error instanceof AggregateError ? (error.errors.at(-1) as Error | undefined) : error;
  return (last?.message ?? '').trim() || 'the connection could not be opened';
}
