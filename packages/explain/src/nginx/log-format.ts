import { type Result, failWith, succeed } from '../../../failures/src/result.ts';
import { type Dialect, dialect } from '../dialect.ts';
import { fieldsOf, type Values, type Variable, canBe, knownVariables } from './access-fields.ts';
import { findingOfAccess } from './access-verdict.ts';
import type { NginxProduct } from './verdict.ts';
import { rememberLast } from './json-access.ts';
import { judgedText } from '../line-text.ts';

interface FormatText {
  readonly name: string | null;
  /** The parts joined, without their quotes and backslashes. */
  readonly format: string;
}

const formatLengthMax = 16_384;

/** The format from a whole directive, or from the bare format. */
function formatText(text: string): Result<FormatText, string> {
  const trimmed = text.trim();
  if (trimmed === '') return failWith('The log format is empty.');
  if (trimmed.length > formatLengthMax) return failWith(`The log format is longer than ${formatLengthMax} characters.`);
  const directive = /^log_format\s+(\S{1,200})\s+/.exec(trimmed);
  if (directive !== null) {
    const segments = readParts(trimmed.slice(directive[0].length));
    if (segments === null) return failWith('A quote of the log format is not closed.');
    return succeed({ name: directive[1] ?? null, format: segments });
  }
  if (trimmed.startsWith('log_format')) return failWith('`log_format` needs a name and a format.');
  // A format may itself begin with a double quote. It is a quoted one only if the quotes inside are escaped.
  const isQuoted =
    trimmed.startsWith("'") || (trimmed.startsWith('"') && trimmed.includes('\\"') && /"\s*;?$/.test(trimmed));
  if (!isQuoted) return succeed({ name: null, format: trimmed });
  const segments = readParts(trimmed);
  return segments === null
    ? failWith('A quote of the log format is not closed.')
    : succeed({ name: null, format: segments });
}

/** The arguments of a directive, as nginx parses them and `log_format` joins them: with nothing between. */
function readParts(text: string): string | null {
  let format = '';
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (/\s/.test(character)) {
      at++;
    } else if (character === ';') {
      break;
    } else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (character === "'" || character === '"') {
      const part = readQuoted(text, at);
      if (part === null) return null;
      format += part.value;
      at = part.end;
    } else {
      const bare = /^[^\s;]{1,16384}/.exec(text.slice(at))?.[0] ?? character;
      if (!/^escape=(?:default|json|none)$/.test(bare)) format += bare;
      at += bare.length;
    }
  }
  return format;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };

function readQuoted(text: string, start: number): { readonly value: string; readonly end: number } | null {
  const quote = text.charAt(start);
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return { value, end: at + 1 };
    if (character === '\\' && at + 1 < text.length) {
      at++;
      const escaped = text.charAt(at);
      value += escapes[escaped] ?? (escaped === '"' || escaped === "'" || escaped === '\\' ? escaped : `\\${escaped}`);
    } else {
      value += character;
    }
  }
  return null;
}

interface CompiledFormat {
  /** Every variable of the format, known here or not. */
  readonly variables: ReadonlySet<string>;
  /** The values of a line of this format; null if the line is of another format. */
  match(line: string): Values | null;
}

type Part = { readonly literal: string } | { readonly variable: string };

/** Other names for variables, in gateways built on nginx. */
const sameAs: Readonly<Record<string, Variable>> = {
  req_id: 'request_id',
  kong_request_id: 'request_id',
  apisix_request_id: 'request_id',
  http_x_request_id: 'request_id',
  request_line: 'request',
  apisix_upstream_response_time: 'upstream_response_time',
  session_time: 'request_time',
};

const known: ReadonlySet<string> = new Set(knownVariables);

function variableOf(name: string): Variable | null {
  if (known.has(name)) return name as Variable;
  return Object.hasOwn(sameAs, name) ? (sameAs[name] ?? null) : null;
}

/** A compiled format. It scans a line once, from left to right. */
export function compileFormat(format: string): CompiledFormat {
  const parts = split(format);
  const variables = new Set<string>();
  for (const part of parts) if ('variable' in part) variables.add(variableOf(part.variable) ?? part.variable);
  return { variables, match: (line) => match(parts, line) };
}

function split(format: string): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const found of format.matchAll(/\$(?:\{(\w{1,100})\}|(\w{1,100}))/g)) {
    if (found.index > from) parts.push({ literal: format.slice(from, found.index) });
    parts.push({ variable: found[1] ?? found[2] ?? '' });
    from = found.index + found[0].length;
  }
  if (from < format.length) parts.push({ literal: format.slice(from) });
  return parts;
}

function match(parts: readonly Part[], fullLine: string): Values | null {
  const line = judgedText(fullLine);
  const values = new Map<Variable, string>();
  let at = 0;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index];
    if (part === undefined) return null;
    if ('literal' in part) {
      if (!startsAt(line, part.literal, at, index === parts.length - 1)) return null;
      at += part.literal.length;
      continue;
    }
    const next = parts[index + 1];
    // Two variables with nothing between them cannot be told apart, so the second one gets the whole text.
    if (next !== undefined && 'variable' in next) continue;
    const end = next === undefined ? line.length : valueEnd(line, at, part.variable, next.literal, parts[index - 1]);
    if (end < 0) return null;
    const name = variableOf(part.variable);
    const previous = parts[index - 1];
    const isAlone = previous === undefined || 'literal' in previous;
    if (name !== null && isAlone) {
      const value = line.slice(at, end);
      if (!canBe(name, value)) return null;
      if (!values.has(name)) values.set(name, value);
    }
    at = end;
  }
  return at >= line.length || line.slice(at).trim() === '' ? values : null;
}

/** The last literal may have lost its trailing space when the line was copied. */
function startsAt(line: string, literal: string, at: number, isLast: boolean): boolean {
  return line.startsWith(literal, at) || (isLast && line.slice(at).trimEnd() === literal.trimEnd());
}

const candidatesMax = 64;

/** Where a value ends: at the first position where the next literal of the format follows and the value is complete. */
function valueEnd(line: string, start: number, variable: string, next: string, previous: Part | undefined): number {
  const isQuoted =
    next.startsWith('"') && previous !== undefined && 'literal' in previous && previous.literal.endsWith('"');
  const name = variableOf(variable);
  let from = start;
  for (let tries = 0; tries < candidatesMax; tries++) {
    let end = line.indexOf(next, from);
    if (end < 0 && line.endsWith(next.trimEnd()) && next.trimEnd() !== '') end = line.length - next.trimEnd().length;
    if (end < start) return -1;
    const value = line.slice(start, end);
    if (isWhole(line, end, value, name, isQuoted, next)) return end;
    from = end + 1;
  }
  return -1;
}

function isWhole(
  line: string,
  end: number,
  value: string,
  name: Variable | null,
  isQuoted: boolean,
  next: string,
): boolean {
  if (isQuoted) return !endsEscaped(value);
  if (!next.startsWith(' ')) return true;
  if (name?.startsWith('upstream_') === true) {
    return !value.endsWith(',') && !value.endsWith(' :') && !line.startsWith(' : ', end);
  }
  if (name === 'time_local') return / [+-]\d{4}$/.test(value);
  if (name === 'request') return / HTTP\/\d(?:\.\d)?$/.test(value) || value === '-' || value === '';
  return true;
}

/** Whether the next quote belongs to the value: an odd number of backslashes stands before it. */
function endsEscaped(value: string): boolean {
  let count = 0;
  while (count < value.length && value.charCodeAt(value.length - 1 - count) === 0x5c) count++;
  return count % 2 === 1;
}

/**
 * A dialect for one `log_format` of nginx, given as text: the whole directive from the configuration, with quotes and
 * several parts, or the format alone. `escape=json` and `escape=none` are understood. Returns an error for people if the
 * text is no such format, or has no variable that shows a failure.
 */
export function nginxLogFormat(text: string): Result<Dialect, string> {
  const format = formatText(text);
  if (!format.ok) return format;
  const compiled = compileFormat(format.value.format);
  if (compiled.variables.size === 0) return failWith('The log format has no variables, such as `$status`.');
  if (!compiled.variables.has('status') && !compiled.variables.has('upstream_status')) {
    return failWith('The log format has no `$status`: its lines show no failures.');
  }
  const product = productOf(text);
  return succeed(dialectOf(product, `${product} access log (${format.value.name ?? 'log_format'})`, compiled, 2));
}

/** Variables that only one product has. Fixes are then written for that product. */
function productOf(text: string): NginxProduct {
  if (/\$\{?proxy_(?:alternative_)?upstream_name|\$\{?ingress_name/.test(text)) return 'ingress-nginx';
  if (/\$\{?kong_/.test(text)) return 'kong';
  return /\$\{?apisix_/.test(text) ? 'apisix' : 'nginx';
}

/** A dialect for a compiled format; `certainty` is its answer for a line that matches. */
export function dialectOf(product: NginxProduct, name: string, compiled: CompiledFormat, certainty: 1 | 2): Dialect {
  const match = rememberLast((line) => compiled.match(line));
  return dialect(
    product,
    name,
    (line) => (match(line) === null ? 0 : certainty),
    (line) => {
      const values = match(line);
      return values === null ? null : findingOfAccess(fieldsOf(product, name, values));
    },
  );
}
