import { logFormatOf } from '../core/log-formats.ts';
import { resolve } from 'node:path';
import { apiRoot } from '../admin/operations.ts';
import type { LogSpec } from '../core/configuration.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { noContextJson } from '../core/request-context.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { type SearchedFile, searchLogFiles, searchLogFilesForPrefix } from '../record/log-files.ts';
import { alikeMax, mayBePrefix } from '../record/parse-record.ts';
import { type AdminTarget, targetText } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { verdictWith } from '../diagnose/process-verdict.ts';
import { renderExplanation } from './explanation.ts';
import { findAdmins } from './find-admin.ts';
import { elapsedText, alignColumns, columnsMax, harmless, shorten, harmlessJson } from './layout.ts';
import { logOfConfiguration } from './runtime-folder.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { redactedRecord, redactedResult } from './redacted-output.ts';

export interface ExplainFlags extends AskFlags {
  readonly log?: string | undefined;
}

export async function explainExchange(flags: ExplainFlags, id: string, context: ProcessContext): Promise<void> {
  const found = await findRecord(flags, id, context);
  const record = redactedRecord(found.record);
  const around = await findContext(found, context);
  const bytes = await findUnparsed(found, around, context);
  const style = styleFor(context.stdout, context.env);
  const { lines, nearby, ...rest } = around;
  const unparsed = bytes ?? around.unparsed;
  const json = { record, verdict: verdictWith(record, around), output: { lines, nearby }, ...rest, unparsed };
  if (flags.json) context.stdout.write(`${harmlessJson(json, 2)}\n`);
  else context.stdout.write(renderExplanation(record, style, around, bytes));
}

interface FoundRecord {
  readonly record: ExchangeRecord;
  /** The gateway that has it; null: it was in a log. */
  readonly target: AdminTarget | null;
}

/** What is stored about the request besides its record; nothing where it comes from a log, or its gateway has no store. */
async function findContext({ record, target }: FoundRecord, context: ProcessContext): Promise<RequestContextJson> {
  if (target === null) return noContextJson;
  const answer = await askGateway(target, 'GET', `${apiRoot}/context/${encodeURIComponent(record.id)}`, context);
  if (answer.status !== 200) return noContextJson;
  return redactedResult(answer.body as RequestContextJson);
}

/** The bytes that could not be parsed; null: there are none, or the role does not allow to see them. */
async function findUnparsed(
  { record, target }: FoundRecord,
  { unparsed }: RequestContextJson,
  context: ProcessContext,
): Promise<readonly UnparsedJson[] | null> {
  if (target === null || unparsed.length === 0) return null;
  const answer = await askGateway(target, 'GET', `${apiRoot}/unparsed/${encodeURIComponent(record.id)}`, context);
  return answer.status === 200 ? (answer.body as { readonly unparsed: readonly UnparsedJson[] }).unparsed : null;
}

/**
 * Finds a record in the running gateway, or in the one of several that has it. If no gateway answers, or the gateway no
 * longer has the record, it is looked up in the log of the configuration. A log that a flag names is searched alone.
 */
async function findRecord(flags: ExplainFlags, id: string, context: ProcessContext): Promise<FoundRecord> {
  const looked: string[] = [];
  if (flags.log !== undefined) {
    const path = resolve(context.directory, flags.log);
    return { record: (await searchIn(path, id, looked, context)) ?? notFound(id, looked), target: null };
  }
  let unreachable: CommandFailure | null = null;
  try {
    const asked = await askGateways(flags, id, looked, context);
    if (asked !== null) return asked;
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit !== 'gateway_unreachable') throw error;
    unreachable = error;
  }
  const log = await logOfConfiguration(flags.config ?? 'candor.yaml', context);
  if (log === null) throw unreachable ?? notFound(id, looked);
  if (unreachable !== null) looked.push('no running gateway: none answers');
  const record = (await searchIn(log.path, id, looked, context)) ?? notFound(id, looked, log.format);
  return { record, target: null };
}

async function askGateways(
  flags: ExplainFlags,
  id: string,
  looked: string[],
  context: ProcessContext,
): Promise<FoundRecord | null> {
  for (const target of await findAdmins(flags, context)) {
    const answer = await askGateway(target, 'GET', `${apiRoot}/exchanges/${encodeURIComponent(id)}`, context);
    if (answer.status === 200) return { record: answer.body as ExchangeRecord, target };
    if (answer.status !== 404) throw refusal(answer);
    const alike = await storedAlike(target, id, context);
    if (alike.length > 1) throw severalFound(id, alike);
    const others = mayBePrefix(id) ? ', or several of its ids begin so' : '';
    looked.push(`the gateway at ${targetText(target)}: it does not know it, or has forgotten it${others}`);
  }
  return null;
}

/** Exchanges in the store of a gateway whose ids begin so, newest first, up to a limit; none without a store. */
async function storedAlike(
  target: AdminTarget,
  beginning: string,
  context: ProcessContext,
): Promise<readonly ExchangeRecord[]> {
  if (!mayBePrefix(beginning)) return [];
  const wanted = new URLSearchParams({ query: `id:${JSON.stringify(beginning)}`, limit: String(alikeMax) });
  const answer = await askGateway(target, 'GET', `${apiRoot}/exchanges?${wanted.toString()}`, context);
  if (answer.status !== 200) return [];
  return (answer.body as { readonly exchanges: readonly ExchangeRecord[] }).exchanges.map(redactedRecord);
}

async function searchIn(
  path: string,
  id: string,
  looked: string[],
  context: ProcessContext,
): Promise<ExchangeRecord | null> {
  const { record, searched } = await searchLogFiles(path, id);
  if (searched.length === 0) looked.push(`${path}: there is no such log`);
  for (const file of searched) looked.push(`${file.path}: ${fileText(file, context.clock.wallTime())}`);
  if (record !== null || !mayBePrefix(id)) return record;
  const alike = await searchLogFilesForPrefix(path, id);
  if (alike.length > 1) throw severalFound(id, alike);
  const [only] = alike;
  // Once more by its whole id, which also finds what the log says of its process.
  return only === undefined ? null : (await searchLogFiles(path, only.id)).record;
}

function severalFound(beginning: string, alike: readonly ExchangeRecord[]): CommandFailure {
  const rows = alike.map(({ id, at, status, method, path }) => [id, at, String(status ?? '-'), method, harmless(path)]);
  const lines = alignColumns(rows, '  ').map((line) => shorten(line, columnsMax));
  const count = alike.length < alikeMax ? String(alike.length) : `At least ${alikeMax}`;
  return new CommandFailure(
    'ambiguous',
    `${count} exchanges have an id that begins with ${beginning}.\n` +
      `Write more of the id that you mean; the newest are:\n${lines.join('\n')}`,
  );
}

/** When a log begins and when it was last written, which show whether it can contain an id at all. */
function fileText({ bytes, from, until, errno, problem, isCombined }: SearchedFile, now: number): string {
  if (errno !== null) return `it cannot be read (${errno})`;
  if (bytes === 0) return 'it is empty';
  const format = isCombined ? `it is in the combined format, which has no request ids; ` : '';
  const begins = from === null ? '' : `from ${from} on, `;
  const notice = problem === null ? '' : `; ${problem}`;
  return `${format}${begins}last written ${elapsedText((now - Date.parse(until)) / 1000)} ago${notice}`;
}

function notFound(id: string, looked: readonly string[], format: LogSpec['format'] = 'json'): never {
  const noIds = !logFormatOf(format).holdsRecords
    ? '\nThe lines of `log.format` in the configuration have neither ids nor causes: with `log.format: json` they do.'
    : '';
  throw new CommandFailure(
    'not_found',
    `No exchange with the id ${id} was found. Looked here:\n${looked.map((path) => `  ${path}`).join('\n')}\n` +
      'An id is the X-Request-Id of a response, or its beginning: as much as tells it apart,\nand eight characters at least; --log <path> searches another log.' +
      noIds,
  );
}
