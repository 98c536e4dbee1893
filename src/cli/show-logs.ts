import { apiRoot } from '../admin/operations.ts';
import { delay } from '../core/condition.ts';
import type { OutputLineJson } from '../core/schemas/output.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';
import { clientWords } from '../diagnose/record-words.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { AdminTarget } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { endOf } from './event-lines.ts';
import { findAdmin } from './find-admin.ts';
import { columnsMax, countText, harmless, wrapAfter, harmlessJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { outputRows } from './output-lines.ts';
import { redactedRecord, redactedResult } from './redacted-output.ts';
import { requestLine } from './request-lines.ts';
import { type Style, styleFor } from './style.ts';

export interface LogsFlags extends AskFlags {
  readonly follow: boolean;
  readonly limit: number;
  readonly since?: string | undefined;
}

interface ShownExchange {
  readonly record: ExchangeRecord;
  readonly standsFor: number;
}

/** What is printed in one place of time. */
interface Entry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly exchange: ShownExchange | null;
  readonly line: OutputLineJson | null;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly cursor: string | null;
  readonly end: string;
  readonly failing: StoreFailingJson | null;
}

/** What a search has left out: nothing; older ones that match; or it was not finished, so that nobody knows. */
type Rest = 'none' | 'more' | 'unknown';

interface Found {
  readonly entries: readonly Entry[];
  readonly rest: Rest;
  readonly end: string;
  /** Why what is newer is not found; null: the store is written. */
  readonly failing: StoreFailingJson | null;
}

/** What is searched: the operation of the admin API. */
type Searched = 'exchanges' | 'output';

/** As large as one page of the admin API. */
const pageMax = 1000;

/** As soon as a person expects a line after a request. */
const followMs = 500;

/** A search that finds little goes on by pages; each takes the gateway at most some 200 ms. */
const pagesMax = 100;

/** `candor logs`: prints stored exchanges and output of applications that match a query, the oldest first, as a log has them. */
export async function showLogs(flags: LogsFlags, words: readonly string[], context: ProcessContext): Promise<void> {
  const query = [...words, ...(flags.since === undefined ? [] : [`since:${flags.since}`])].join(' ');
  const target = await findAdmin(flags, context);
  const style = styleFor(context.stdout, context.env);
  const exchanges = await newest(target, 'exchanges', query, flags.limit, context);
  const output = await newest(target, 'output', query, flags.limit, context);
  const all = byTime([...exchanges.entries, ...output.entries]);
  const entries = all.slice(-flags.limit);
  for (const entry of entries) show(entry, flags.json, style, context);
  const rest = entries.length < all.length ? 'more' : restOf(exchanges.rest, output.rest);
  if (!flags.json) context.stderr.write(`${summaryOf(entries, rest, query, style)}\n`);
  else if (rest === 'unknown') context.stderr.write(`${wrapAfter('', notFinished, 0).join('\n')}\n`);
  const failing = exchanges.failing ?? output.failing;
  if (failing !== null) sayFailing(failing, context);
  else if (!flags.json && entries.length === 0 && rest === 'none') await nameUnknown(target, words, context);
  if (flags.follow)
    await follow(
      target,
      query,
      { exchanges: exchanges.end, output: output.end, isFailing: failing !== null },
      flags.json,
      context,
    );
}

function restOf(...rests: readonly Rest[]): Rest {
  return rests.find((rest) => rest === 'more') ?? rests.find((rest) => rest === 'unknown') ?? 'none';
}

function byTime(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => a.at - b.at);
}

/** What a search cannot find because the store fails. */
function sayFailing({ since, reason }: StoreFailingJson, context: ProcessContext): void {
  const time = harmless(since)
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
  const text = `The store fails since ${time}, and what is newer cannot be found yet. ${harmless(reason)}`;
  context.stderr.write(`${wrapAfter('', text, 0).join('\n')}\n`);
}

/** Names that the configuration gives; a typing mistake in one finds nothing. */
const named = /^(?:route|upstream|application|endpoint):./;

/** Says of which names nothing at all is stored. */
async function nameUnknown(target: AdminTarget, words: readonly string[], context: ProcessContext): Promise<void> {
  const terms = words.flatMap((word) => word.split(/\s+/)).filter((term) => named.test(term));
  for (const term of terms) {
    const { entries, rest } = await newest(target, 'exchanges', term, 1, context);
    const text = `Of ${harmless(term)} nothing is stored at all: is the name as in the configuration?`;
    if (entries.length === 0 && rest === 'none') context.stderr.write(`${wrapAfter('', text, 0).join('\n')}\n`);
  }
}

async function newest(
  target: AdminTarget,
  searched: Searched,
  query: string,
  limit: number,
  context: ProcessContext,
): Promise<Found> {
  const entries: Entry[] = [];
  let cursor: string | null = null;
  let end = '';
  let failing: StoreFailingJson | null = null;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const wanted = String(Math.min(pageMax, limit - entries.length));
    const page = await ask(target, searched, { query, limit: wanted, ...(cursor === null ? {} : { cursor }) }, context);
    entries.push(...page.entries);
    if (end === '') ({ end } = page);
    ({ cursor, failing } = page);
    if (cursor === null || entries.length >= limit) break;
  }
  const isFull = entries.length >= limit;
  const rest =
    cursor === null ? 'none' : isFull ? await restAfter(target, searched, query, cursor, context) : 'unknown';
  // The newest come first; of several in one millisecond the order stays.
  return { entries: entries.toReversed(), rest, end, failing };
}

/** A full page has a cursor also if nothing follows. One more page is asked for, and no further one. */
async function restAfter(
  target: AdminTarget,
  searched: Searched,
  query: string,
  cursor: string,
  context: ProcessContext,
): Promise<Rest> {
  const page = await ask(target, searched, { query, limit: '1', cursor }, context);
  if (page.entries.length > 0) return 'more';
  return page.cursor === null ? 'none' : 'unknown';
}

/** Until Ctrl-C. */
async function follow(
  target: AdminTarget,
  query: string,
  from: Readonly<Record<Searched, string>> & { readonly isFailing: boolean },
  json: boolean,
  context: ProcessContext,
): Promise<void> {
  const style = styleFor(context.stdout, context.env);
  let isWanted = true;
  const left = Promise.withResolvers<void>();
  const release = context.onSignal('SIGINT', () => {
    isWanted = false;
    left.resolve();
  });
  const limit = String(pageMax);
  for (let { exchanges: afterExchange, output: afterLine, isFailing } = from; isWanted; ) {
    const exchanges = await ask(target, 'exchanges', { query, limit, after: afterExchange }, context);
    const output = await ask(target, 'output', { query, limit, after: afterLine }, context);
    [afterExchange, afterLine] = [exchanges.end, output.end];
    const failing = exchanges.failing ?? output.failing;
    if (failing !== null && !isFailing) sayFailing(failing, context);
    isFailing = failing !== null;
    const entries = byTime([...exchanges.entries, ...output.entries]);
    for (const entry of entries) show(entry, json, style, context);
    if (entries.length === 0) await Promise.race([delay(context.clock, followMs), left.promise]);
  }
  release();
}

async function ask(
  target: AdminTarget,
  searched: Searched,
  parameters: Readonly<Record<string, string>>,
  context: ProcessContext,
): Promise<Page> {
  const path = `${apiRoot}/${searched}?${new URLSearchParams(parameters).toString()}`;
  const answer = await askGateway(target, 'GET', path, context);
  if (answer.status === 400) throw new CommandFailure('usage', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const body = answer.body as FoundContent & { readonly cursor: string | null; readonly end: string };
  const { cursor, end, store_failing: failing } = body;
  return { entries: entriesOf(body), cursor, end, failing };
}

interface FoundContent {
  readonly exchanges?: readonly object[];
  readonly lines?: readonly OutputLineJson[];
  readonly store_failing: StoreFailingJson | null;
}

function entriesOf({ exchanges = [], lines = [] }: FoundContent): readonly Entry[] {
  const ofExchanges = exchanges
    .flatMap(shownOf)
    .map((exchange) => ({ at: endOf(exchange.record), exchange, line: null }));
  return [...ofExchanges, ...lines.map((line) => ({ at: Date.parse(line.at), exchange: null, line }))];
}

function shownOf(exchange: object): readonly ShownExchange[] {
  const { stands_for: standsFor, ...fields } = exchange as { stands_for: number };
  const parsed = parseRecord(JSON.stringify(fields));
  return parsed.ok ? [{ record: redactedRecord(parsed.record), standsFor }] : [];
}

function show({ exchange, line }: Entry, json: boolean, style: Style, context: ProcessContext): void {
  if (exchange !== null) showExchange(exchange, json, style, context);
  if (line === null) return;
  const shown = redactedResult(line);
  const rows = json ? [harmlessJson(shown)] : outputRows(shown, style);
  context.stdout.write(rows.map((row) => `${row}\n`).join(''));
}

function showExchange(
  { record, standsFor }: ShownExchange,
  json: boolean,
  style: Style,
  context: ProcessContext,
): void {
  if (json) context.stdout.write(`${harmlessJson({ ...record, stands_for: standsFor })}\n`);
  else context.stdout.write(`${requestLine(record, style)}\n${style.dim(furtherLines(record, standsFor))}\n`);
}

const indent = '         ';

/** What leads further: the id for `candor explain`, the client and its user, and how many exchanges the line stands for. */
function furtherLines(record: ExchangeRecord, standsFor: number): string {
  const lines = [`${record.id}  from ${clientWords(record)}`];
  if (standsFor > 1) lines.push(`and ${standsFor - 1} more like it not stored`);
  return lines.map((line) => indent + harmless(line).slice(0, columnsMax - indent.length)).join('\n');
}

const notFinished =
  'The search was not finished: older ones may match. A shorter time (since:1h) or another condition (route:, status:, cause:) makes it faster.';

const restTexts: Readonly<Record<Rest, string>> = {
  none: '',
  more: ' There are more: --limit shows them, since:10m or another condition fewer.',
  unknown: ` ${notFinished}`,
};

const wantedKind = (query: string): string => (/(?:^|\s)kind:output(?:\s|$)/.test(query) ? 'output' : 'exchange');

function summaryOf(entries: readonly Entry[], rest: Rest, query: string, style: Style): string {
  if (entries.length === 0 && rest === 'none')
    return style.dim(
      query === '' ? 'No exchange is stored.' : `No stored ${wantedKind(query)} matches ${harmless(query)}.`,
    );
  const shown = entries.flatMap(({ exchange }) => exchange ?? []);
  const exchanges = shown.length;
  const lines = entries.length - exchanges;
  const requests = shown.reduce((sum, { standsFor }) => sum + standsFor, 0);
  const stand = requests === exchanges ? '' : `, which stand for ${countText(requests, 'request')}`;
  const found = [
    ...(exchanges > 0 || lines === 0 ? [`${countText(exchanges, 'exchange')}${stand}`] : []),
    ...(lines > 0 ? [`${countText(lines, 'line')} of applications`] : []),
  ];
  const text = `${found.join(' and ')}.${restTexts[rest]} \`candor explain ID\` says why one failed.`;
  return wrapAfter('', text, 0).join('\n');
}
