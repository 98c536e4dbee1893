import { judgedText } from '../line-text.ts';
import type { Values, Variable } from './access-fields.ts';
import { canBe, knownVariables } from './access-fields.ts';

export interface CompiledFormat {
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
