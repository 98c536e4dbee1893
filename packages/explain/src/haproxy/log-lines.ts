import { commonLogTimeMs, judgedText, requestOf, wholeNumber } from '../line-text.ts';
import type { Ending } from './termination.ts';
import type { Finding } from '../finding.ts';
import { type Verdict, findingOf, fixOf, harmlessVerdict } from '../verdict.ts';

const processPrefix = /(?:^|[\s/])haproxy(?:\[\d{1,10}\]:? |:? )(?:- - )?/;
const levelPrefix = /\[(?:NOTICE|WARNING|ALERT|EMERG|INFO)\] [^:]{0,40}: /;
const eventStarts = /^(?:Backup )?(?:Server|Health check for (?:backup )?server|backend|proxy|Proxy|Connect from) ?\S/;
const eventWords =
  / is (?:UP|DOWN|going (?:UP|DOWN)|stopping|running|back)|has no server available|\bstarted\.|\bstopped|failed, reason:|succeeded, reason:|^Connect from \S+ to \S+ \(/;

/** HAProxy's message, without the prefixes of syslog and of HAProxy. */
function eventText(line: string): string {
  const judged = judgedText(line);
  const process = processPrefix.exec(judged.slice(0, 300));
  const text = process === null ? judged : judged.slice(process.index + process[0].length);
  const level = levelPrefix.exec(text.slice(0, 120));
  return level?.index === 0 ? text.slice(level[0].length) : text;
}

const ownLevel = /^\[(?:NOTICE|WARNING|ALERT)\] +(?:\d{3}\/\d{6} )?\(\d{1,10}\) : /;

export function recogniseEvent(line: string): 0 | 2 {
  if (ownLevel.test(line)) return 2;
  const text = eventText(line);
  return eventStarts.test(text) && eventWords.test(text.slice(0, 2000)) ? 2 : 0;
}

const serverName = /(?:[Ss]erver|backend|proxy|Proxy) '?([^\s']{1,200})'?/;
const checkReason = /reason: ([^,]{1,80})/;
const checkInfo = /info: "([^"]{0,200})"/;

export function readEvent(line: string): Finding | null {
  if (recogniseEvent(line) === 0) return null;
  const text = eventText(line);
  const facts = { gateway: 'haproxy', format: 'HAProxy event log', kind: 'event' } as const;
  if (!eventStarts.test(text)) return findingOf(facts, harmlessVerdict);
  const upstream = text.startsWith('Connect from') ? null : (serverName.exec(text)?.[1] ?? null);
  const evidence = [
    / is DOWN| is UP|has no server available|failed/.exec(text)?.[0].trim(),
    checkReason.exec(text)?.[0],
    checkInfo.exec(text)?.[0],
  ];
  return findingOf(
    { ...facts, upstream, evidence: evidence.filter((word) => word !== undefined) },
    { ...harmlessVerdict, ...judgeEvent(text, upstream) },
  );
}

/** What the check itself met says more than the layer that it reached. */
const infoAdvice: readonly (readonly [RegExp, string])[] = [
  [
    /certificate|self.signed|unable to get (?:local )?issuer/i,
    'Have HAProxy trust the certificate of the server (`ca-file`), and check the name in it (`verifyhost`, `check-sni`); its `server` line has `verify required`',
  ],
  [
    /SSL|TLS|wrong version number|handshake/i,
    'Check the TLS settings of its `server` line (`ssl`, `check-ssl`, `check-sni`): the port may not speak TLS, or expects a name',
  ],
  [
    /No route to host|Network is unreachable|Connection timed out/i,
    'Check the network to the address and port of its `server` line: no packet arrives there',
  ],
];

const reasonAdvice: readonly (readonly [string, string])[] = [
  [
    'Layer4 timeout',
    'Check the network to the address and port of its `server` line: packets to it are lost or dropped',
  ],
  ['Layer4 connection problem', 'Start the application, or correct the address and port of its `server` line'],
  [
    'Layer6',
    'Check the TLS settings of its `server` line (`ssl`, `verify`, `ca-file`, `check-ssl`) and the certificate',
  ],
  ['Layer7 timeout', 'Make the application answer the check sooner, or raise `timeout check`'],
  [
    'Layer7',
    'Have the application answer the check with the status that `option httpchk` and `http-check expect` require',
  ],
];

function judgeEvent(text: string, name: string | null): Partial<Verdict> {
  if (text.includes('has no server available')) {
    return {
      sentence: `No server of ${name} is available: HAProxy refuses every request to it from now on.`,
      isConsequence: true,
    };
  }
  if (!text.includes(' is DOWN') && !text.includes('failed, reason:')) return {};
  const reason = checkReason.exec(text)?.[1] ?? '';
  const info = checkInfo.exec(text)?.[1] ?? '';
  const advice =
    infoAdvice.find(([words]) => words.test(info))?.[1] ??
    reasonAdvice.find(([start]) => reason.startsWith(start))?.[1];
  return {
    sentence: `HAProxy's check of ${name} failed${reason === '' ? '' : `: ${reason}`}.`,
    fix: advice === undefined ? null : fixOf(advice),
  };
}

const connectionError = /^(\S{1,200})\/(\S{1,200}): ([A-Z].{3,200})$/;

/** "client [time] frontend/bind: SSL handshake failure": a connection that ended before a request could be read. */
export function readConnectionError(line: string): Finding | null {
  const start = afterSessionStart(line);
  const match = start === null ? null : connectionError.exec(start.rest.slice(0, 600));
  if (start === null || match === null) return null;
  return findingOf(
    {
      gateway: 'haproxy',
      format: 'HAProxy connection error',
      kind: 'error',
      atMs: commonLogTimeMs(start.time),
      evidence: [match[3] ?? ''],
    },
    {
      ...harmlessVerdict,
      shape: 'client_abort',
      stage: 'request',
      born: 'client',
      whose: 'client',
      sentence: 'The connection of a client ended before HAProxy could read a request from it.',
    },
  );
}

/** The fields of a HAProxy line about a session that has ended, in any of its formats. */
export interface SessionLine extends Ending {
  readonly atMs: number | null;
  readonly request: string | null;
  readonly durationMs: number | null;
  /** The fields that decide, in the line's own spelling: "SC--", "0/0/-1/-1/0". */
  readonly state: string;
  readonly timers: string;
  /** How often the connection was retried; "+" before it means at another server. */
  readonly retries: string;
}

/** The client and the accept time begin the HTTP and TCP formats, after any syslog prefix. */
const timePattern = / \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] /;

const clientPattern = /^\S{2,80}:\d{1,5}$/;

/** No syslog daemon writes a longer prefix. */
const prefixCharactersMax = 400;

/** The text after "client:port [time] ", if the line has that near its beginning. */
function afterSessionStart(line: string): { readonly time: string; readonly rest: string } | null {
  const match = timePattern.exec(line.length > prefixCharactersMax ? line.slice(0, prefixCharactersMax) : line);
  if (match === null) return null;
  const client = line.slice(line.lastIndexOf(' ', match.index - 1) + 1, match.index);
  if (match.index === 0 || !clientPattern.test(client)) return null;
  return { time: match[1] ?? '', rest: judgedText(line).slice(match.index + match[0].length) };
}

const statePattern = /^[-A-Za-z]{2}$|^[-A-Za-z]{4}$/;
const countsPattern = /^\+?-?\d{1,10}(?:\/\+?-?\d{1,10}){1,4}$/;

/** `option httplog`, `option httpslog`: five timers, a status and a termination state of four letters. */
export function readHttpSession(line: string): SessionLine | null {
  const start = afterSessionStart(line);
  if (start === null) return null;
  const [
    frontend = '',
    backendAndServer = '',
    timers = '',
    status,
    bytes,
    cookie,
    setCookie,
    state = '',
    counts = '',
    queues = '',
  ] = start.rest.split(' ', 11);
  const times = readTimers(timers, 5);
  const server = splitServer(backendAndServer);
  const statusNumber = wholeNumber(status);
  if (times === null || server === null || statusNumber === null || wholeNumber(bytes?.replace('+', '')) === null)
    return null;
  if (cookie === undefined || setCookie === undefined || state.length !== 4 || !statePattern.test(state)) return null;
  if (!countsPattern.test(counts) || !countsPattern.test(queues)) return null;
  const [, , connectMs = null, responseMs = null, durationMs = null] = times;
  return {
    atMs: commonLogTimeMs(start.time),
    frontend,
    ...server,
    code: state.slice(0, 2),
    state,
    timers,
    status: statusNumber,
    connectMs,
    responseMs,
    durationMs: durationMs === -1 ? null : durationMs,
    retries: counts.slice(counts.lastIndexOf('/') + 1),
    request: quotedRequest(start.rest),
  };
}

/** `option tcplog`: three timers and a termination state of two letters. */
export function readTcpSession(line: string): SessionLine | null {
  const start = afterSessionStart(line);
  if (start === null) return null;
  const [frontend = '', backendAndServer = '', timers = '', bytes, state = '', counts = '', queues = ''] =
    start.rest.split(' ', 8);
  const times = readTimers(timers, 3);
  const server = splitServer(backendAndServer);
  if (times === null || server === null || wholeNumber(bytes?.replace('+', '')) === null) return null;
  if (state.length !== 2 || !statePattern.test(state) || !countsPattern.test(counts) || !countsPattern.test(queues))
    return null;
  const [, connectMs = null, durationMs = null] = times;
  return {
    atMs: commonLogTimeMs(start.time),
    frontend,
    ...server,
    code: state,
    state,
    timers,
    status: null,
    connectMs,
    responseMs: null,
    durationMs: durationMs === -1 ? null : durationMs,
    retries: counts.slice(counts.lastIndexOf('/') + 1),
    request: null,
  };
}

const clfStart = /^ - - \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "/;

/**
 * `option httplog clf`: status and bytes in their usual position, then "" "" instead of Referer and User-Agent, then
 * HAProxy's own values as quoted and plain fields.
 */
export function readClfSession(line: string): SessionLine | null {
  const start = line.indexOf(' - - [');
  const match = start <= 0 || start > prefixCharactersMax ? null : clfStart.exec(line.slice(start, start + 60));
  if (match === null) return null;
  const text = judgedText(line).slice(start + match[0].length);
  const requestEnd = text.indexOf('" ');
  if (requestEnd < 0) return null;
  const fields = text
    .slice(requestEnd + 2)
    .split(' ', 23)
    .map(unquoted);
  const [status, bytes, referer, agent, port, ms, frontend = '', backend = '', server = ''] = fields;
  if (referer !== '' || agent !== '' || wholeNumber(port) === null || wholeNumber(ms) === null) return null;
  const times = fields.slice(9, 14).map((time) => wholeNumber(time.replace('+', '')));
  const state = fields[14] ?? '';
  if (times.length !== 5 || times.includes(null) || state.length !== 4 || !statePattern.test(state)) return null;
  if (wholeNumber(status) === null || bytes === undefined || wholeNumber(fields[15]) === null) return null;
  const [, , connectMs = null, responseMs = null, durationMs = null] = times;
  return {
    atMs: commonLogTimeMs(match[1] ?? ''),
    frontend,
    backend,
    server,
    code: state.slice(0, 2),
    state,
    timers: fields.slice(9, 14).join('/'),
    status: wholeNumber(status),
    connectMs,
    responseMs,
    durationMs: durationMs === -1 ? null : durationMs,
    retries: fields[19] ?? '0',
    request: requestOf(text.slice(0, requestEnd)),
  };
}

function readTimers(text: string, count: number): readonly number[] | null {
  const times = text.split('/', count + 1).map((time) => wholeNumber(time.startsWith('+') ? time.slice(1) : time));
  return times.length === count && times.every((time) => time !== null) ? times : null;
}

function splitServer(text: string): { readonly backend: string; readonly server: string } | null {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return null;
  return { backend: text.slice(0, slash), server: text.slice(slash + 1) };
}

function unquoted(field: string): string {
  return field.length >= 2 && field.startsWith('"') && field.endsWith('"') ? field.slice(1, -1) : field;
}

/** The request line is the quoted text; a line that syslog truncated may lack the closing quotation mark. */
function quotedRequest(rest: string): string | null {
  const start = rest.indexOf(' "');
  if (start < 0) return null;
  const end = rest.indexOf('"', start + 2);
  return requestOf(rest.slice(start + 2, end < 0 ? undefined : end));
}
