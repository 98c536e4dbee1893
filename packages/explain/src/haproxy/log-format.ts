import type { Result } from '../../../failures/src/result.ts';
import { failWith, succeed } from '../../../failures/src/result.ts';
import { type Dialect, dialect } from '../dialect.ts';
import { type FormatPart, hasAdjacentFields, matchParts, unquotedFormat } from '../format-parts.ts';
import { commonLogTimeMs, judgedText, requestOf, wholeNumber } from '../line-text.ts';
import { rememberLast } from '../nginx/remember-last.ts';
import { findingOfSession } from './haproxy.ts';
import type { SessionLine } from './session-line.ts';

const number = /^[+-]?\d{1,15}$/;
const word = /^\S*$/;

/** Variables of section 8.2.6 of the configuration manual, and the form of their values. Values of others are not used. */
const haproxyVariables: Readonly<Record<string, RegExp | null>> = {
  t: null,
  tr: null,
  T: null,
  Tl: null,
  trg: null,
  trl: null,
  ts: /^[-A-Za-z]{2}$/,
  tsc: /^[-A-Za-z]{4}$/,
  ST: number,
  f: word,
  ft: word,
  b: word,
  s: word,
  TR: number,
  Tq: number,
  Tw: number,
  Tc: number,
  Tr: number,
  Td: number,
  Ta: number,
  Tt: number,
  rc: number,
  r: null,
  HM: word,
  HP: null,
  HU: null,
};

/** A variable with its flags, an expression, or a percent sign. */
const variable = /%%|%(?:\{([^}]{0,40})\})?(?:\[[^\]]{1,400}\]|([A-Za-z]{1,3})(?![A-Za-z]))/g;

/** Whether the text has a variable that only HAProxy's formats have. */
export function isHaproxyFormat(text: string): boolean {
  return /^\s*(?:error-)?log-format\b|%(?:\{[^}]{0,40}\})?(?:\[|(?:ci|cp|si|sp|ST|tsc?|tr|ft|T[RqwcrdatiUh]|rc|HM|HU|HP|HV)(?![A-Za-z]))/.test(
    text,
  );
}

/** A dialect for a `log-format` of HAProxy. Returns an error for people if its lines cannot be read. */
export function haproxyLogFormat(text: string): Result<Dialect, string> {
  const parts = partsOf(unquotedFormat(text.replace(/^\s*log-format\s+/, '')));
  if (hasAdjacentFields(parts)) return failWith('The format has two variables without any text between them.');
  const used = new Set(parts.map((part) => (typeof part === 'string' ? null : part.name)));
  if (!used.has('ts') && !used.has('tsc'))
    return failWith('The format has neither `%tsc` nor `%ts`, the termination state: its lines show no failures.');
  if (!used.has('s'))
    return failWith('The format lacks `%s`, the server: its lines do not show whether HAProxy contacted one.');
  const match = rememberLast((line) => valuesIn(parts, judgedText(line)));
  const format = 'HAProxy log (log-format)';
  return succeed(
    dialect(
      'haproxy',
      format,
      (line) => (match(line) === null ? 0 : 2),
      (line) => {
        const values = match(line);
        return values === null ? null : findingOfSession(format, sessionOf(values));
      },
    ),
  );
}

type Values = Readonly<Record<string, string>>;

/** No syslog daemon writes a longer prefix. */
const prefixCharactersMax = 400;

/** The line may have a prefix of syslog, which ends after the name of the program. */
function valuesIn(parts: readonly FormatPart[], line: string): Values | null {
  const whole = matchParts(parts, line);
  if (whole !== null) return whole;
  const prefix = /^.{0,380}?\]: /.exec(line.slice(0, prefixCharactersMax));
  return prefix === null ? null : matchParts(parts, line.slice(prefix[0].length));
}

function partsOf(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = [];
  // HAProxy writes one blank for several, and none before the first value.
  const addText = (blanks: string): void => {
    const last = parts.at(-1);
    const single = blanks.replace(/ {2,}/g, ' ');
    const isDoubled = last === undefined || (typeof last === 'string' && last.endsWith(' '));
    const text = isDoubled && single.startsWith(' ') ? single.slice(1) : single;
    if (typeof last === 'string') parts[parts.length - 1] = last + text;
    else if (text !== '') parts.push(text);
  };
  let at = 0;
  let areQuoted = false;
  for (const { 0: whole, 1: flags = '', 2: name = '', index } of format.matchAll(variable)) {
    addText(format.slice(at, index));
    at = index + whole.length;
    const isQuoted: boolean = flags.includes('-Q') ? false : areQuoted || flags.includes('+Q');
    // `%{+Q}o` writes nothing: its flags are those of all variables after it.
    if (name === 'o') areQuoted = isQuoted;
    else if (whole === '%%') addText('%');
    else {
      if (isQuoted) addText('"');
      const isKnown = Object.hasOwn(haproxyVariables, name);
      parts.push({ name: isKnown ? name : null, form: haproxyVariables[name] ?? null });
      if (isQuoted) addText('"');
    }
  }
  addText(format.slice(at));
  return parts;
}

function sessionOf(values: Values): SessionLine {
  const state = values['tsc'] ?? values['ts'] ?? '--';
  const time = values['tr'] ?? values['t'] ?? values['trg'] ?? values['T'] ?? values['trl'] ?? values['Tl'] ?? '';
  const durationMs = numberOf(values['Ta'] ?? values['Tt']);
  return {
    atMs: commonLogTimeMs(time),
    request: requestIn(values),
    durationMs: durationMs === -1 ? null : durationMs,
    state,
    code: state.slice(0, 2),
    timers: timerNames.flatMap((name) => (values[name] === undefined ? [] : [`${name}=${values[name]}`])).join(' '),
    retries: values['rc'] ?? '0',
    status: numberOf(values['ST']),
    frontend: values['ft'] ?? values['f'] ?? '',
    backend: values['b'] ?? '',
    server: values['s'] ?? '',
    connectMs: numberOf(values['Tc']),
    responseMs: numberOf(values['Tr']),
  };
}

const timerNames = ['TR', 'Tq', 'Tw', 'Tc', 'Tr', 'Td', 'Ta', 'Tt'] as const;

function requestIn({ r, HM, HU, HP }: Values): string | null {
  if (r !== undefined) return requestOf(r);
  const target = HU ?? HP;
  return HM === undefined || target === undefined ? null : requestOf(`${HM} ${target}`);
}

function numberOf(text: string | undefined): number | null {
  return wholeNumber(text?.replace(/^\+/, ''));
}
