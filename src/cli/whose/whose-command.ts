import { whose } from '#explain/whose/whose.ts';
import { exitCodes, CommandFailure } from '../command-failure.ts';
import { findLog, isThere, slicesOf } from '../explain-log/read-log.ts';
import { harmless, columnsMax, shorten, wrapAfter, harmlessJson } from '../layout.ts';
import { styleFor, type Style } from '../style.ts';
import type { ProcessContext } from '../process-context.ts';
import { fetchResponse, readPage, readResponses } from './read-responses.ts';
import type { KeptResponse } from '#explain/whose/curl-output.ts';
import { redactedResult, redactedText } from '../redacted-output.ts';
import type { Authorship } from '#explain/whose/answer.ts';
import { layerNames } from '#explain/whose/layer.ts';

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
