import { type FragmentForm } from './fragment.ts';

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
