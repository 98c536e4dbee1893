import type { GatewayProduct } from '../finding.ts';
import { flagsIn } from '../envoy/access-line.ts';

const commonHead = '0.0.0.0 - - [01/Jan/2026:00:00:00 +0000] "GET / ';

const timers5 = '[+-]?\\d{1,9}(?:/[+-]?\\d{1,9}){4}';
const timers3 = '[+-]?\\d{1,9}(?:/[+-]?\\d{1,9}){2}';

/** Fields of HAProxy after the server; the server itself where it is there. */
const haproxyHttp = new RegExp(
  `(?:^|\\s)(?:(\\S{1,200}/\\S{1,200}) )?(${timers5}) (\\d{3}|-1) (\\+?\\d{1,15}) (\\S{1,100}) (\\S{1,100}) ([-A-Za-z]{4})(?: (\\S{3,60}) (\\d{1,9}/\\d{1,9}))?(?=[\\s"]|$)(.*)$`,
);
const haproxyTcp = new RegExp(
  `(?:^|\\s)(?:(\\S{1,200}/\\S{1,200}) )?(${timers3}) (\\+?\\d{1,15}) ([-A-Z][-A-Z])(?: (\\S{3,60}) (\\d{1,9}/\\d{1,9}))?(?=\\s|$)`,
);

const envoyFlags = '(?:[A-Z]{2,8}(?:,[A-Z]{2,8}){0,8}|-)';
const envoyRequest = new RegExp(`HTTP/[\\d.]{1,3}" (\\d{1,3}) (${envoyFlags})(?: (.*))?$`);
const envoyAfterRequest = new RegExp(
  `(?:^|\\s|")(?:(\\d{1,3}) )?(${envoyFlags}) ((?:[a-z_]{6,60}(?:\\{[^}]{0,200}\\})?|-|"[^"]{0,300}") .*|[a-z_]{6,60}(?:\\{[^}]{0,200}\\})?$)`,
);

const envoyFlagsAndCounts =
  /(?:^|[\s"])(?:(\d{1,3}) )?([A-Z]{2,8}(?:,[A-Z]{2,8}){0,8}) (\d{1,19} \d{1,19} \d{1,19} (?:\d{1,19}|-) ".*)$/;

export const accessFragments: readonly FragmentForm[] = [
  {
    of: 'the fields of a line of HAProxy from the timers to the termination state',
    gateways: ['haproxy'],
    words: haproxyHttp,
    complete: (_, found) => {
      const [, server, timers = '', status, bytes, cookie, setCookie, state, counts, queues, rest = ''] = found;
      const names = serverOf(server, timers);
      const after = `${counts ?? '1/1/1/1/0'} ${queues ?? '0/0'}${counts === undefined ? '' : rest}`;
      return `0.0.0.0:1 [01/Jan/2026:00:00:00.000] ${unnamed} ${names} ${timers} ${status} ${bytes} ${cookie} ${setCookie} ${state} ${after}`;
    },
  },
  {
    of: 'the fields of a TCP line of HAProxy from the timers to the termination state',
    gateways: ['haproxy'],
    words: haproxyTcp,
    complete: (_, found) => {
      const [, server, timers = '', bytes, state, counts, queues = '0/0'] = found;
      if (counts === undefined) return null;
      return `0.0.0.0:1 [01/Jan/2026:00:00:00.000] ${unnamed} ${serverOf(server, timers)} ${timers} ${bytes} ${state} ${counts} ${queues}`;
    },
  },
  {
    of: "Envoy's status, flags and details",
    gateways: ['envoy', 'istio'],
    words: envoyRequest,
    complete: (_, found) => (found[2] === '-' && !namesMore(found[3] ?? '') ? null : envoyLine(found)),
  },
  {
    of: "Envoy's status, flags and details",
    gateways: ['envoy', 'istio'],
    words: envoyAfterRequest,
    complete: (_, found) =>
      flagsIn(found[2] ?? '') === null ||
      (found[2] === '-' && (found[1] === undefined || !/^[a-z_]{6}/.test(found[3] ?? '')))
        ? null
        : envoyLine(found),
  },
  {
    of: "Envoy's status, flags and details",
    gateways: ['envoy', 'istio'],
    words: envoyFlagsAndCounts,
    complete: (_, found) => {
      const [whole, code = '', flags = '', rest = ''] = found;
      return envoyLine([whole, code.length === 3 ? code : '503', flags, rest]);
    },
  },
  {
    of: 'a line of an access log without its beginning',
    gateways: ['nginx', 'ingress-nginx', 'kong', 'apisix', 'apache', 'traefik', 'haproxy', 'varnish'],
    words: /(?:"([A-Z]{3,10} \S{1,4000} ))?HTTP\/\d(?:\.\d)?" \d{3} (?:\d{1,19}|-)(?= )/,
    complete: (text, found) => {
      const [whole, request] = found;
      const rest = text.slice(found.index + (request === undefined ? 0 : whole.indexOf('HTTP/')));
      return `${request === undefined ? commonHead : commonHead.replace('GET / ', request)}${rest}`;
    },
  },
  {
    of: 'a line of an AWS load balancer without its beginning',
    gateways: ['aws-alb', 'aws-clb'],
    words:
      /(?:^|\s)(\S{2,80}:\d{1,5}|-) ((?:-1|\d{1,6}(?:\.\d{1,9})?)(?: (?:-1|\d{1,6}(?:\.\d{1,9})?)){2}) (\d{3}|-) (\d{3}|0|-) (\d{1,19} \d{1,19} ".*)$/,
    complete: (text, found) => {
      const rest = found.slice(1).join(' ');
      const isApplication = /targetgroup\/|"Root=|^(?:https?|h2|grpcs?|wss?) | app\//.test(text);
      if (isApplication) return `http 2026-01-01T00:00:00.000000Z app/${unnamed}/0 0.0.0.0:1 ${rest}`;
      return rest.endsWith('"') || / \S{1,60} \S{1,20}$/.test(rest)
        ? `2026-01-01T00:00:00.000000Z ${unnamed} 0.0.0.0:1 ${rest}`
        : null;
    },
  },
];

/** A request that no server was chosen for has no time in the queue. */
function serverOf(server: string | undefined, timers: string): string {
  if (server !== undefined && !/^[\d+-]/.test(server)) return server;
  const times = timers.split('/');
  return times[times.length === 3 ? 0 : 1] === '-1' ? `${unnamed}/<NOSRV>` : `${unnamed}/${unnamed}`;
}

function envoyLine([, code = '503', flags = '', rest = '']: readonly string[]): string {
  const hasCounts = /(?:^|\s)(?:\d{1,19}|-) (?:\d{1,19}|-) (?:\d{1,19}|-)(?:\s|$)/.test(rest.replace(/"[^"]*"/g, '""'));
  const tail = hasCounts ? rest : `${closed(rest)} 0 0 0 - "-" "-" "-" "-" "-"`;
  return `[2026-01-01T00:00:00.000Z] "GET / HTTP/1.1" ${code} ${flags} ${tail}`;
}

/** Counts or details follow. Other access logs have a status and `-`, too. */
const namesMore = (rest: string): boolean => /^(?:\d{1,19} \d{1,19} \d{1,19} |[a-z_]{6})/.test(rest);

/** A part may end within quotes. */
const closed = (text: string): string => (text.split('"').length % 2 === 0 ? `${text}"` : text);

/**
 * How a part of a line is made a line again, so that the gateway's own rules judge it. A table of these is data: a new one
 * needs the words that decide and what the gateway would have written around them.
 */
export interface FragmentForm {
  /** As docs/explain/formats.md names it. */
  readonly of: string;
  /** The gateways one of which has to recognise the completed line. */
  readonly gateways: readonly GatewayProduct[];
  /** The words that decide, anywhere in the text. Each form is tried if its words are there. */
  readonly words: RegExp;
  /** Whether the words decide within JSON, too: they are a member that only this gateway writes. */
  readonly isOfJson?: boolean;
  /** Whether they are distinct enough that even a verdict without a cause is no false alarm. */
  readonly mayBeUnknown?: boolean;
  /** The line as the gateway may have written it; null if the words are not enough. */
  readonly complete: (text: string, words: RegExpExecArray) => string | null;
}

/** Stands in a completed line for a name that the part does not have. No finding shows it. */
export const unnamed = 'unnamed-by-the-part';

export const nginxGateways = ['nginx', 'openresty', 'ingress-nginx', 'kong', 'apisix'] as const;

/** What nginx writes before a message. The level is that of its errors about an upstream. */
const head = '2026/01/01 00:00:00 [error] 0#0: *0 ';

const calls = '(?:connect|recv|recvmsg|send|sendmsg|writev|readv|SSL_read|SSL_write|SSL_do_handshake|socket)\\(\\)';
const upstreamActions =
  'connecting to upstream|SSL handshaking to upstream|sending request to upstream|reading response header from upstream|reading upstream|proxying (?:upgraded )?connection|sending to client';

/** Words that only nginx writes, and that need no others. */
const alone = [
  `${calls} (?:to \\S{1,200} )?failed \\(`,
  'upstream (?:request )?timed out(?: \\(|$)',
  'proxy_connect: (?:upstream )?connect',
  'upstream prematurely closed (?:FastCGI stdout|connection)',
  'upstream closed (?:prematurely|keepalive)',
  'no live upstreams while ',
  'upstream sent (?:too (?:big|large) header|invalid |unsupported |no valid |unexpected |unknown |duplicate |"|frame |data after |response body larger)',
  'upstream (?:response is too big|returned invalid|rejected request with error|prematurely sent response)',
  'upstream sent goaway with error',
  'upstream SSL certificate (?:verify error|does not match)',
  'peer closed connection in SSL handshake',
  'no resolver defined to resolve ',
  'limiting (?:requests|connections)(?:, excess| by zone)',
  'delaying requests?, excess',
  '\\d{1,10} worker_connections are not enough',
  'worker_connections are not enough',
  'client intended to send too large (?:body|chunked body)',
  'client prematurely closed connection',
  'client sent [^,]{3,120} while (?:reading|processing) ',
  'invalid (?:URL prefix|host|port) in (?:upstream )?"',
  'kevent\\(\\) reported that client',
  'epoll_wait\\(\\) reported that client',
  'failed to pick server: ',
  'no peer was returned, balancer: ',
  '\\[lua\\] [\\w/.-]{1,200}\\.lua:\\d{1,6}: ',
  'access forbidden by rule',
].join('|');

/** Complete as they stand; `could not be resolved` has the name before it. */
const message = new RegExp(`(?:^|[\\s"'\`(:\\[])(${alone}|[\\w.-]{1,255} could not be resolved \\()`);
/** The part may begin within its first words, if the action is there. */
const tail = new RegExp(`\\((\\d{1,5}): [^()]{1,80}\\)(?: \\([^()]{0,120}\\))? while (?:${upstreamActions})`);
const tailWithoutNumber = new RegExp(
  `(?:timed out|prematurely closed connection|live upstreams|too big header) while (${upstreamActions})`,
);

/** The rest of what nginx writes before a message. */
const restOfHead =
  /(?:\[(debug|info|notice|warn|error|crit|alert|emerg)\] )?(?:\d{0,10}#\d{1,10}: )(?:\*\d{0,20} )?(?=\S)/;
const numberOfConnection = /^\s{0,8}(?:\d{0,10}: )?\*\d{1,20} (?=\S)/;

export const nginxFragments: readonly FragmentForm[] = [
  {
    of: 'a line of the error log of nginx and its kin without its date',
    gateways: nginxGateways,
    words: restOfHead,
    complete: (text, found) =>
      `2026/01/01 00:00:00 [${found[1] ?? 'error'}] 0#0: *0 ${text.slice(found.index + found[0].length)}`,
  },
  {
    of: 'a line of the error log of nginx and its kin without its date',
    gateways: nginxGateways,
    words: numberOfConnection,
    complete: (text, found) => lineOf(text.slice(found[0].length)),
  },
  {
    of: 'a message of the error log of nginx and its kin',
    gateways: nginxGateways,
    words: message,
    complete: (text, found) => {
      const start = found.index + found[0].length - (found[1] ?? '').length;
      const said = text.slice(start);
      if (/^(?:connect|recv|send|writev|readv)\(\)/.test(said) && !/\bwhile\b/.test(said)) return withoutAction(said);
      if (said.startsWith('worker_connections')) return lineOf(`0 ${said}`);
      if (eitherSide.test(said)) return null;
      return lineOf(needsClient.test(said) && !said.includes(', client: ') ? `${said}${ofRequest}` : said);
    },
  },
  {
    of: 'the end of such a message',
    gateways: nginxGateways,
    words: tail,
    complete: (text, found) => {
      const number = Number(found[1]);
      const action = /while (.+)$/.exec(found[0])?.[1] ?? '';
      const said = text.slice(found.index);
      if (number === 110 || number === 60 || number === 145 || number === 10_060)
        return lineOf(`upstream timed out ${said}`);
      const whole = `${action.startsWith('connecting') ? 'connect()' : 'recv()'} failed ${said}`;
      return eitherSide.test(whole) ? null : lineOf(whole);
    },
  },
  {
    of: 'the end of such a message',
    gateways: nginxGateways,
    words: new RegExp(`(reset by peer|efused|roken pipe)\\) while (${upstreamActions})`),
    complete: (_, found) => {
      const [number, words] = errors[found[1]?.slice(-4) ?? ''] ?? [];
      const [, , action = ''] = found;
      if (number === undefined || /^(?:sending to client|proxying)/.test(action)) return null;
      const call = action.startsWith('connecting') ? 'connect()' : 'recv()';
      return lineOf(
        `${call} failed (${number}: ${words}) while ${found.input.slice(found.index + found[0].length - action.length)}`,
      );
    },
  },
  {
    of: "Kong's words about a name that it cannot look up",
    gateways: nginxGateways,
    words:
      /failed to (?:retry the dns\/balancer resolver|resolve|look up) .{1,300}(?:dns server error: \d{1,2} |dns lookup|no DNS)/,
    complete: (text, found) =>
      `${head}[lua] balancer.lua:1: ${text.slice(found.index)}, client: 0.0.0.0, server: kong, request: "GET / HTTP/1.1"`,
  },
  {
    of: 'the end of such a message',
    gateways: nginxGateways,
    words:
      /\((\d{1,5}): [^()]{1,80}\) while (?:reading client request \w{4,7}|waiting for request|SSL handshaking(?=,|$))/,
    complete: (text, found) => lineOf(`recv() failed ${text.slice(found.index)}, client: 0.0.0.0, server: _`),
  },
  {
    of: 'the end of such a message',
    gateways: nginxGateways,
    words: tailWithoutNumber,
    complete: (text, found) => {
      const start = ['upstream ', 'no '].find((words) => text.slice(0, found.index).endsWith(words)) ?? '';
      const before = found[0].startsWith('live')
        ? 'no '
        : found[0].startsWith('too big')
          ? 'upstream sent '
          : 'upstream ';
      return lineOf(`${start === '' ? before : start}${text.slice(found.index)}`);
    },
  },
  {
    of: 'the end of such a message',
    gateways: nginxGateways,
    words: new RegExp(`^\\W{0,8}while (?:${upstreamActions}), client: .{1,4000} upstream: "`),
    complete: (text, found) => lineOf(`failed ${text.slice(text.indexOf('while ', found.index))}`),
  },
];

/** By the last letters that are left of the words: their number and the whole words. */
const errors: Readonly<Record<string, readonly [number, string]>> = {
  peer: [104, 'Connection reset by peer'],
  used: [111, 'Connection refused'],
  pipe: [32, 'Broken pipe'],
};

/** Only the level and the rest of the line show whether nginx was reading from the client or from the application. */
const eitherSide =
  /^(?:recv|recvmsg|readv|SSL_read)\(\) failed .{0,200} while (?:sending to client|proxying)(?!.{0,2000} upstream: ")/;

/** At a start such words mean something else. */
const needsClient = /^no resolver defined to resolve |^proxy_connect: /;
const ofRequest = ', client: 0.0.0.0, server: _, request: "GET / HTTP/1.1"';

/** nginx itself connects to applications only. */
function withoutAction(said: string): string | null {
  const call = /^connect\(\) (?:to \S{1,200} )?failed \(\d{1,5}: [^()]{1,80}\)?/.exec(said)?.[0];
  if (call === undefined) return null;
  return lineOf(`${call.endsWith(')') ? call : `${call.trimEnd()})`} while connecting to upstream`);
}

const lineOf = (said: string): string => `${head}${said}`;
