import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { findingOf } from '../verdict.ts';
import {
  readConnectionError,
  readEvent,
  recogniseEvent,
  type SessionLine,
  readClfSession,
  readHttpSession,
  readTcpSession,
} from './log-lines.ts';
import { hasServer, judgeEnding } from './termination.ts';
import { jsonLine, jsonText } from '../json-fields.ts';
import { commonLogTimeMs, requestOf, judgedText, wholeNumber } from '../line-text.ts';
import { type Result, failWith, succeed } from '../../../failures/src/result.ts';
import { type FormatPart, hasAdjacentFields, matchParts, unquotedFormat } from '../common-log.ts';
import { rememberLast } from '../nginx/json-access.ts';

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
const linePrefixCharactersMax = 400;

/** The line may have a prefix of syslog, which ends after the name of the program. */
function valuesIn(parts: readonly FormatPart[], line: string): Values | null {
  const whole = matchParts(parts, line);
  if (whole !== null) return whole;
  const prefix = /^.{0,380}?\]: /.exec(line.slice(0, linePrefixCharactersMax));
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

/** The formats of HAProxy's documentation (sections 8.2.1 to 8.2.5), with and without a prefix of syslog. */
export const haproxyDialects: readonly Dialect[] = [
  sessions('HAProxy HTTP log', readHttpSession),
  sessions('HAProxy TCP log', readTcpSession),
  sessions('HAProxy HTTP log (CLF)', readClfSession),
  sessions('HAProxy log (JSON)', readJsonSession),
  dialect(
    'haproxy',
    'HAProxy connection error',
    (line) => (readConnectionError(line) === null ? 0 : 2),
    readConnectionError,
  ),
  dialect('haproxy', 'HAProxy event log', recogniseEvent, readEvent),
];

function sessions(format: string, read: (line: string) => SessionLine | null): Dialect {
  return dialect(
    'haproxy',
    format,
    (line) => (read(line) === null ? 0 : 2),
    (line) => {
      const session = read(line);
      return session === null ? null : findingOfSession(format, session);
    },
  );
}

function findingOfSession(format: string, session: SessionLine): Finding {
  const verdict = judgeEnding(session);
  const { atMs, request, durationMs, status } = session;
  return findingOf(
    {
      gateway: 'haproxy',
      format,
      kind: 'access',
      atMs,
      request,
      durationMs,
      status: status === null || status < 100 ? null : status,
      upstream: upstreamOf(session),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(session),
    },
    verdict,
  );
}

/** A custom format may leave the backend out. */
function upstreamOf(session: SessionLine): string | null {
  const { backend, server } = session;
  if (!hasServer(session)) return backend === '' ? null : backend;
  return backend === '' ? server : `${backend}/${server}`;
}

function evidenceOf(session: SessionLine): readonly string[] {
  const words = [session.state, session.timers].filter((word) => word !== '');
  if (session.status !== null) words.push(String(session.status));
  if (!hasServer(session)) words.push(`${session.backend}/${session.server}`);
  if (session.retries !== '0') words.push(`retries ${session.retries}`);
  return words;
}

/** Names that people give to the variables of `log-format` when they write JSON, the usual one first. */
const keys = {
  state: ['termination_state', 'termination-state', 'ts', 'tsc'],
  time: ['time', 'timestamp', 'date', 'accept_date'],
  status: ['status', 'status_code', 'http_status'],
  frontend: ['frontend', 'frontend_name', 'fe'],
  backend: ['backend', 'backend_name', 'be'],
  server: ['server', 'server_name', 'srv'],
  request: ['request', 'http_request', 'req'],
  retries: ['retries', 'rc'],
  connect: ['tc', 'Tc', 'time_connect', 'connect_time'],
  response: ['tr', 'Tr', 'time_response', 'response_time', 'server_response_time'],
  total: ['ta', 'Ta', 'tt', 'Tt', 'time_total', 'total_time'],
} as const;

/** A log in JSON by a `log-format` of the operator's. Null unless it has a termination state, a backend and a server. */
function readJsonSession(line: string): SessionLine | null {
  if (!line.startsWith('{') || !/"(?:termination[_-]state|tsc?)"/.test(line)) return null;
  const fields = jsonLine(line);
  if (fields === null) return null;
  const text = (name: keyof typeof keys): string | null => {
    const key = keys[name].find((one) => Object.hasOwn(fields, one));
    return key === undefined
      ? null
      : (jsonText(fields[key]) ?? (typeof fields[key] === 'number' ? String(fields[key]) : null));
  };
  const number = (name: keyof typeof keys): number | null => {
    const value = text(name);
    return value !== null && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const [state, backend, server] = [text('state') ?? '', text('backend'), text('server')];
  if (!/^[-A-Za-z]{2}(?:[-A-Za-z]{2})?$/.test(state) || backend === null || server === null) return null;
  const [connectMs, responseMs, total] = [number('connect'), number('response'), number('total')];
  const timers = [
    ...(connectMs === null ? [] : [`Tc=${connectMs}`]),
    ...(responseMs === null ? [] : [`Tr=${responseMs}`]),
  ];
  return {
    atMs: commonLogTimeMs(text('time') ?? ''),
    request: requestOf(text('request') ?? '-'),
    durationMs: total === -1 ? null : total,
    state,
    code: state.slice(0, 2),
    timers: timers.join(' '),
    retries: text('retries') ?? '0',
    status: number('status'),
    frontend: text('frontend') ?? '',
    backend,
    server,
    connectMs,
    responseMs,
  };
}
