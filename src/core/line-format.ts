/** Lines of the log in a format of their own: `{client_address} {method} {path} {status}`. Their values come from the record of an exchange. */
import { nearest } from './nearest.ts';
import type { ExchangeRecord } from './schemas/record.ts';
import { foreignVariable, type TemplateError } from './template.ts';

type Value = string | number | null | undefined;

/** Names are those of `variables.ts`, and those of what is known when an exchange has ended. */
const lineVariables: Readonly<Record<string, (record: ExchangeRecord) => Value>> = {
  scheme: ({ scheme }) => scheme,
  host: ({ host }) => host,
  method: ({ method }) => method,
  path: ({ path }) => inAscii(path),
  query: ({ query }) => (query === null ? '' : inAscii(`?${query}`)),
  protocol: ({ client }) => client.protocol,
  client_address: ({ client }) => client.address,
  client_port: ({ client }) => client.port,
  request_id: ({ id }) => id,
  trace_id: ({ trace_id }) => trace_id,
  route: ({ route }) => route,
  deployment: ({ deployment }) => deployment,
  server_name: ({ tls }) => tls?.sni,
  tls_version: ({ tls }) => tls?.version,
  tls_cipher: ({ tls }) => tls?.cipher,
  time: ({ at }) => at,
  status: ({ status }) => status ?? clientLeftStatus,
  bytes_sent: ({ bytes_out }) => bytes_out,
  bytes_received: ({ bytes_in }) => bytes_in,
  duration_ms: ({ duration_ms }) => duration_ms,
  upstream: ({ upstream }) => upstream,
  endpoint: ({ attempts }) => attempts.at(-1)?.address,
  endpoint_status: ({ received_status }) => received_status,
  response_head_ms: ({ attempts }) => attempts.at(-1)?.head_ms,
  attempts: ({ attempts }) => attempts.length,
  end: ({ end }) => end,
  cause: ({ cause }) => cause,
  whose: ({ whose }) => whose,
};

/** A target whose parts are redacted ("…"), for lines whose readers expect it in ASCII. */
export function inAscii(target: string): string {
  return target.replaceAll('…', '***');
}

/** What nginx writes for a client that left before it was answered; the code is its invention, too. */
export const clientLeftStatus = 499;

/** `{header.NAME}` and `{field.NAME}`: what `log.fields` of a route names. */
const named = /^(header|field)\.([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;

type Part = string | ((record: ExchangeRecord) => Value);

/** A format that `lineFormatError` has passed. `-` stands for a value that there is not. */
export function compileLine(format: string): (record: ExchangeRecord, escape: (text: string) => string) => string {
  const parts: Part[] = [...partsOf(format)].map(({ text, written }) =>
    written === null ? text : (variableOf(written) ?? text),
  );
  return (record, escape) => {
    let line = '';
    for (const part of parts) line += typeof part === 'string' ? part : escape(textOf(part, record));
    return line;
  };
}

/** A request that could not be read has neither path nor host. The query stands behind a path: none is nothing. */
function textOf(valueOf: Exclude<Part, string>, record: ExchangeRecord): string {
  const value = valueOf(record);
  if (value === '' && valueOf === lineVariables['query']) return '';
  return value === null || value === undefined || value === '' ? '-' : String(value);
}

/** The request headers that its lines have, in lowercase. */
export function headersInLine(format: string): readonly string[] {
  return [...partsOf(format)].flatMap(({ written }) => {
    const [, kind, name = ''] = named.exec(written ?? '') ?? [];
    return kind === 'header' ? [name.toLowerCase()] : [];
  });
}

function variableOf(written: string): ((record: ExchangeRecord) => Value) | null {
  if (Object.hasOwn(lineVariables, written)) return lineVariables[written] ?? null;
  const [, kind, name = ''] = named.exec(written) ?? [];
  if (kind === 'header') return ({ headers = {} }) => own(headers, name.toLowerCase());
  return kind === 'field' ? ({ fields = {} }) => own(fields, name) : null;
}

function own(values: Readonly<Record<string, string>>, name: string): Value {
  return Object.hasOwn(values, name) ? values[name] : null;
}

const lengthMax = 2048;

/** What is wrong with a format; null: nothing. */
export function lineFormatError(format: string): TemplateError | null {
  const list = `write some of ${lineVariableNames.map((name) => `{${name}}`).join(' ')}`;
  if (format.length > lengthMax)
    return {
      message: `the format has ${format.length} characters, and ${lengthMax} is the most`,
      suggestion: 'say less',
    };
  if (/[^\x20-\x7e\t]/.test(format))
    return { message: 'a line has visible ASCII and tabs alone', suggestion: 'remove what is none' };
  const parts = [...partsOf(format)];
  const wrong = wrongIn(format, parts);
  if (wrong.size > 0) {
    const advice = [...wrong].map(([written, ours]) => (ours === null ? null : `write ${ours} for ${written}`));
    return {
      message: `no line of the log has ${[...wrong.keys()].join(', ')}`,
      suggestion: [...advice.filter((one) => one !== null), ...(advice.includes(null) ? [list] : [])].join('; '),
    };
  }
  return parts.some(({ written }) => written !== null)
    ? null
    : { message: 'a format needs a variable: all lines would be the same', suggestion: list };
}

/** What is no variable of a line, each with ours that is meant; null: that is not known. */
function wrongIn(format: string, parts: Iterable<{ readonly written: string | null }>): Map<string, string | null> {
  const wrong = new Map<string, string | null>();
  for (const { written } of parts) {
    if (written === null || variableOf(written) !== null) continue;
    const [near] = nearest(written, lineVariableNames, 1);
    wrong.set(`{${written}}`, near === undefined ? null : `{${near}}`);
  }
  const foreign = foreignVariable(format);
  if (foreign !== null) wrong.set(foreign.written, foreign.ours);
  return wrong;
}

const lineVariableNames: readonly string[] = [...Object.keys(lineVariables), 'header.NAME', 'field.NAME'];

function* partsOf(format: string): Generator<{ readonly text: string; readonly written: string | null }> {
  let at = 0;
  for (const { index, 0: text, 1: written = null } of format.matchAll(/\{\{|\{([a-z_][\w.>-]*)\}/gi)) {
    yield { text: format.slice(at, index), written: null };
    yield { text: written === null ? '{' : text, written };
    at = index + text.length;
  }
  yield { text: format.slice(at), written: null };
}
