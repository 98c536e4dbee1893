import { apiRoot } from '../admin/operations.ts';
import { delay } from '../core/condition.ts';
import type { ExchangeRecord } from '../core/record.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { AdminTarget } from './admin-target.ts';
import type { AskFlags } from './ask-flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure } from './command-failure.ts';
import { harmlessJson } from './explain-log/line-verdicts.ts';
import { findAdmin } from './find-admin.ts';
import { columnsMax, countText, harmless, wrapAfter } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { redactedRecord } from './redacted-output.ts';
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

interface Page {
  readonly exchanges: readonly ShownExchange[];
  readonly cursor: string | null;
  readonly end: string;
}

/** As large as one page of the admin API. */
const pageMax = 1000;

/** As soon as a person expects a line after a request. */
const followMs = 500;

/** A search that finds little goes on by pages; each takes the gateway at most some 200 ms. */
const pagesMax = 100;

/** `candor logs`: prints stored exchanges that match a query, the oldest first, as a log has them. */
export async function showLogs(flags: LogsFlags, words: readonly string[], context: ProcessContext): Promise<void> {
  const query = [...words, ...(flags.since === undefined ? [] : [`since:${flags.since}`])].join(' ');
  const target = await findAdmin(flags, context);
  const style = styleFor(context.stdout, context.env);
  const { exchanges, isWhole, end } = await newest(target, query, flags.limit, context);
  for (const exchange of exchanges.toReversed()) show(exchange, flags.json, style, context);
  if (!flags.json) context.stderr.write(`${summaryOf(exchanges, isWhole, query, style)}\n`);
  if (!flags.json && exchanges.length === 0 && isWhole) await nameUnknown(target, words, context);
  if (flags.follow) await follow(target, query, end, flags.json, context);
}

/** Names that the configuration gives; a typing mistake in one finds nothing. */
const named = /^(?:route|upstream|application|endpoint|release):./;

/** Says of which names nothing at all is stored. */
async function nameUnknown(target: AdminTarget, words: readonly string[], context: ProcessContext): Promise<void> {
  const terms = words.flatMap((word) => word.split(/\s+/)).filter((term) => named.test(term));
  for (const term of terms) {
    const { exchanges } = await newest(target, term, 1, context);
    const text = `Of ${harmless(term)} nothing is stored at all: is the name as in the configuration?`;
    if (exchanges.length === 0) context.stderr.write(`${wrapAfter('', text, 0).join('\n')}\n`);
  }
}

async function newest(
  target: AdminTarget,
  query: string,
  limit: number,
  context: ProcessContext,
): Promise<{ exchanges: readonly ShownExchange[]; isWhole: boolean; end: string }> {
  const exchanges: ShownExchange[] = [];
  let cursor: string | null = null;
  let end = '';
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const rest = Math.min(pageMax, limit - exchanges.length);
    const page = await ask(target, { query, limit: String(rest), ...(cursor === null ? {} : { cursor }) }, context);
    exchanges.push(...page.exchanges);
    if (end === '') ({ end } = page);
    ({ cursor } = page);
    if (cursor === null || exchanges.length >= limit) break;
  }
  return { exchanges, isWhole: cursor === null, end };
}

/** Until Ctrl-C. */
async function follow(
  target: AdminTarget,
  query: string,
  from: string,
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
  for (let after = from; isWanted; ) {
    const page = await ask(target, { query, limit: String(pageMax), after }, context);
    after = page.end;
    for (const exchange of page.exchanges) show(exchange, json, style, context);
    if (page.exchanges.length === 0) await Promise.race([delay(context.clock, followMs), left.promise]);
  }
  release();
}

async function ask(
  target: AdminTarget,
  parameters: Readonly<Record<string, string>>,
  context: ProcessContext,
): Promise<Page> {
  const path = `${apiRoot}/exchanges?${new URLSearchParams(parameters).toString()}`;
  const answer = await askGateway(target, 'GET', path, context);
  if (answer.status === 400) throw new CommandFailure('usage', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const { exchanges, cursor, end } = answer.content as { exchanges: object[]; cursor: string | null; end: string };
  return { exchanges: exchanges.flatMap(shownOf), cursor, end };
}

function shownOf(exchange: object): readonly ShownExchange[] {
  const { stands_for: standsFor, ...fields } = exchange as { stands_for: number };
  const parsed = parseRecord(JSON.stringify(fields));
  return parsed.ok ? [{ record: redactedRecord(parsed.record), standsFor }] : [];
}

function show({ record, standsFor }: ShownExchange, json: boolean, style: Style, context: ProcessContext): void {
  if (json) context.stdout.write(`${harmlessJson({ ...record, stands_for: standsFor })}\n`);
  else
    context.stdout.write(`${requestLine(record, style)}\n${style.dim(`${indent}${secondLine(record, standsFor)}`)}\n`);
}

const indent = '         ';

/** What leads further: the id for `candor explain`, and how many exchanges the line stands for. */
function secondLine({ id }: ExchangeRecord, standsFor: number): string {
  const others = standsFor > 1 ? `  and ${standsFor - 1} more like it not stored` : '';
  return harmless(`${id}${others}`).slice(0, columnsMax - indent.length);
}

function summaryOf(exchanges: readonly ShownExchange[], isWhole: boolean, query: string, style: Style): string {
  if (exchanges.length === 0 && isWhole)
    return style.dim(query === '' ? 'No exchange is stored.' : `No stored exchange matches ${harmless(query)}.`);
  const more = isWhole ? '' : ' There are more: --limit shows them, since:10m or another condition fewer.';
  const text = `${countText(exchanges.length, 'exchange')}.${more} \`candor explain ID\` says why one failed.`;
  return wrapAfter('', text, 0).join('\n');
}
