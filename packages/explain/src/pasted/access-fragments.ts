import { flagsIn } from '../envoy/flags.ts';
import { type FragmentForm, unnamed } from './fragment.ts';

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
