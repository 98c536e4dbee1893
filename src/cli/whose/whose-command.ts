import type { IncomingMessage } from 'node:http';
import { whose } from '#explain/whose/whose.ts';
import { exitCodes, CommandFailure } from '../command-failure.ts';
import { findLog, isThere, slicesOf } from '../explain-log/read-log.ts';
import { harmless, columnsMax, shorten, wrapAfter, harmlessJson } from '../layout.ts';
import { styleFor, type Style } from '../style.ts';
import { type ProcessContext, readVersion } from '../process-context.ts';
import { type KeptResponse, readCurlOutput, bodyCharactersMax, gather } from '#explain/whose/curl-output.ts';
import { redactedResult, redactedText } from '../redacted-output.ts';
import type { Authorship, AnsweredResponse } from '#explain/whose/answer.ts';
import { layerNames } from '#explain/whose/layer.ts';
import { timeoutSignal } from '../../system/timeout-signal.ts';

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
function readPage(text: string): KeptResponse {
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
function fetchResponse(url: URL, { timeoutMs, verify }: Asking): Promise<AnsweredResponse> {
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

export interface WhoseFlags {
  readonly json: boolean;
  readonly insecure: boolean;
  readonly timeout: number;
}

/** A file of responses is read whole. A larger file was not saved by a person. */
const fileBytesMax = 256 * 1024 * 1024;

/** Says which layer of a chain wrote a response. Returns 3 if the input has no response. */
export async function showWhose(flags: WhoseFlags, given: string, context: ProcessContext): Promise<number> {
  const kept = await findResponses(flags, given, context);
  if (kept.length === 0)
    throw new CommandFailure(
      'nothing_to_do',
      `There is no response in ${given === '-' ? 'standard input' : harmless(given)}. Candor reads the output of \`curl -i\` or \`curl -v\`, a HAR, JSON lines of {status, headers, body}, or an error page of a gateway.`,
    );
  const style = styleFor(context.stdout, context.env);
  kept.forEach(({ from: whence, response }, index) => {
    const from = whence === null ? null : redactedText(withoutCredentials(whence));
    const authorship = redactedResult(whose(response));
    const text = flags.json
      ? harmlessJson({ from, status: response.status === 0 ? null : response.status, ...authorship })
      : `${index === 0 ? '' : '\n'}${authorshipLines(from, response.status, authorship, style).join('\n')}`;
    context.stdout.write(`${text}\n`);
  });
  await context.stdout.drained?.();
  return exitCodes.ok;
}

async function findResponses(
  { insecure, timeout }: WhoseFlags,
  given: string,
  context: ProcessContext,
): Promise<readonly KeptResponse[]> {
  if (given === '-' || isThere(given, context)) {
    const text = await readAll(given, context);
    const responses = readResponses(text);
    const kept = responses.length > 0 ? responses : recognisedPage(text);
    const ofBrowser = kept.length === 0 ? browserPageWords(text) : null;
    if (ofBrowser !== null) throw new CommandFailure('nothing_to_do', ofBrowser);
    return kept;
  }
  const url = urlOf(given);
  if (url === null) {
    const said = harmless(withoutCredentials(given));
    throw new CommandFailure(
      'usage',
      `There is no file ${said}, and it is not an http:// or https:// URL. Name a URL, or a file with the response.`,
    );
  }
  const response = await fetchResponse(url, { timeoutMs: timeout * 1000, verify: !insecure });
  return [{ from: url.href, response }];
}

/** Chrome and its kin show a page of their own for an error without a body, or without a response. */
function browserPageWords(text: string): string | null {
  const head = text.slice(0, 4096);
  if (
    !/^\s{0,40}(?:This page isn[’']t working|This site can[’']t be reached|.{1,60} is currently unable to handle this request)/.test(
      head,
    )
  )
    return null;
  const [, status] = /\bHTTP ERROR (\d{3})\b/.exec(head) ?? [];
  const [error] = /\b(?:ERR|DNS|NET)_[A-Z_]{4,60}/.exec(head) ?? [];
  if (status === undefined && error === undefined) return null;
  const what =
    status === undefined ? `there was no response (${error})` : `the response had the status ${status} and no body`;
  return `This is a page of the browser: ${what}. It does not show who wrote the response; \`candor whose URL\` asks for it and reads its headers.`;
}

/** A text without a head counts as an error page only if it names its author. */
function recognisedPage(text: string): readonly KeptResponse[] {
  const page = readPage(text);
  const { author, confidence } = whose(page.response);
  // JSON may be any application's response; an HTML page of a framework names its author.
  const isAnything = author === 'unknown' || (author === 'application' && !/^\s*</.test(text));
  return isAnything || confidence === 'unsure' ? [] : [page];
}

/** Devices and pipes have no size before they end, and some never end. */
async function readAll(name: string, context: ProcessContext): Promise<string> {
  const { path, bytes, name: said } = findLog(name, context);
  const slices: Uint8Array[] = [];
  let read = bytes ?? 0;
  if (read <= fileBytesMax) {
    read = 0;
    // A signal ends this command at once, since there is nothing to sum up.
    for await (const slice of slicesOf(path, { stopped: new Promise(() => {}) })) {
      slices.push(Uint8Array.from(slice));
      read += slice.length;
      if (read > fileBytesMax) break;
    }
  }
  if (read > fileBytesMax) throw new CommandFailure('usage', `${harmless(said)} is too large; extract the response.`);
  return Buffer.concat(slices).toString('utf8');
}

/** The name and password in a URL are for the server alone: they are not shown. */
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)?[^/?#]*@/i, '$1');
}

/** Completes what people type: "example.org/path" and "localhost:8080". */
function urlOf(given: string): URL | null {
  const written = /^https?:\/\//i.test(given) ? given : `http://${given}`;
  const isUrlOrHost =
    written === given || /^(?:localhost|\[[\da-f:]+\]|[\w-]+(?:\.[\w-]+)+)(?::\d{1,5})?(?:[/?]|$)/i.test(given);
  return isUrlOrHost && URL.canParse(written) ? new URL(written) : null;
}

const labelWidth = 12;

/** Columns beside the labels. */
const room = columnsMax - labelWidth;

/** Inserts spaces where words longer than a line, such as a header value without spaces, may be broken. */
function breakable(text: string): string {
  return text.split(' ').flatMap(splitWord).join(' ');
}

/** Breaks after a separator in the last half of the line, otherwise at the end of the line. */
function splitWord(word: string): string[] {
  const characters = [...word];
  const slices: string[] = [];
  while (characters.length > room) {
    const line = characters.slice(0, room);
    const separator = line.findLastIndex((character) => ';,&?/:'.includes(character)) + 1;
    slices.push(characters.splice(0, separator > room / 2 ? separator : room).join(''));
  }
  return [...slices, characters.join('')];
}

/** Who wrote a response, and which layers passed it on, within 80 columns. */
function authorshipLines(
  from: string | null,
  status: number,
  { author, passed, confidence, evidence, sentence }: Authorship,
  style: Style,
): string[] {
  const chain = ['you', ...passed.map((layer) => layerNames[layer])].join(' ← ');
  const writer = author === 'unknown' ? 'an unknown author' : `${layerNames[author]} wrote it`;
  const colour = { certain: style.good, likely: style.warn, unsure: style.warn }[confidence];
  return [
    `${style.bold(status === 0 ? 'a page' : String(status))}${from === null ? '' : ` from ${shorten(harmless(from), 70)}`}`,
    ...wrapAfter('  chain', `${chain} ← ${writer}`, labelWidth),
    `  ${'author'.padEnd(labelWidth - 2)}${style.name(author)}, ${colour(confidence)}`,
    ...(sentence === '' ? [] : wrapAfter('  why', harmless(sentence), labelWidth)),
    // One header may be evidence for the author and for a layer that passed the response on.
    ...[...new Set(evidence)].flatMap((words, index) =>
      wrapAfter(index === 0 ? '  evidence' : '', breakable(shorten(harmless(words), 300)), labelWidth),
    ),
  ];
}
