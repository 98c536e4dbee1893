import { readGoError } from '../go-errors.ts';
import { type FragmentForm, unnamed } from './nginx-fragments.ts';
import { applicationGateway, azureEdge } from '../azure/azure.ts';
import { cloudFront } from '../cdn/cdn.ts';
import { knownDetails } from '../platforms/gcp.ts';

/** Ports of databases, caches, brokers and mail: who fails to connect there is an application, not a gateway. */
const ports: ReadonlySet<string> = new Set(
  '25 389 465 587 636 1433 1521 2181 2379 2380 3306 4222 5432 5433 5671 5672 6379 6380 7687 8086 8529 9042 9092 9093 9200 9300 11211 15672 26257 26379 27017 27018 27019 33060 50000'.split(
    ' ',
  ),
);

const names =
  /\b(?:[Mm]ongo\w*|[Rr]edis\w*|ioredis|[Pp]ostgres\w*|psycopg\w*|[Mm]y[Ss][Qq][Ll]\w*|[Mm]aria[Dd][Bb]|[Ss]equelize\w*|[Pp]risma\w*|[Tt]ype[Oo][Rr][Mm]|[Kk]nex\w*|[Hh]ikari\w*|[Kk]afka\w*|[Aa]mqp\w*|[Rr]abbit[Mm][Qq]|[Ee]lastic\w*|[Mm]emcache\w*|[Cc]assandra|[Ss][Mm][Tt][Pp]\w*|nodemailer|[Ll]dap\w*|[Ee]tcd\w*|[Cc]lick[Hh]ouse|[Nn]eo4j|jdbc|JDBC|ODBC|SQLSTATE\w*|[Ss][Qq][Ll][Aa]lchemy|ActiveRecord|django\.db)\b/;

/** Whether the words are about a connection to a data store, a broker or a mail server. */
export function isAboutDataStore(text: string): boolean {
  if (names.test(text)) return true;
  const [, port] =
    /(?:connect\w* |dial tcp |ECONN\w{3,8} |ETIMEDOUT |->)(?:\[[\da-f:]{2,40}\]|[\w.:-]{1,255}?):(\d{2,5})(?=\D|$)/.exec(
      text,
    ) ?? [];
  return port !== undefined && ports.has(port);
}

/** The word alone, wherever it stands; longer words come first, so that none is taken for the beginning of another. */
function anyOf(words: readonly string[]): RegExp {
  const sorted = words.toSorted((a, b) => b.length - a.length);
  return new RegExp(`(?<![\\w.])(${sorted.join('|')})(?![\\w.])`);
}

/** Words that only this gateway writes: two words at least, as `OriginTimeout` and `failed_to_pick_backend` are. */
const isDistinct = (word: string): boolean =>
  /[a-z][A-Z]|_/.test(word) && !/^(?:InvalidRequest|OriginError|AppOffline)$/.test(word);

const statusIn = (text: string): number | undefined => {
  const [, status] = /\b([45]\d\d)\b/.exec(text) ?? [];
  return status === undefined ? undefined : Number(status);
};

/** A gateway's own word for an outcome, alone or in a sentence: the tables of its log say what it means. */
export const namedReasons: readonly FragmentForm[] = [
  {
    of: "a gateway's own word for an outcome",
    gateways: ['gcp-lb'],
    isOfJson: true,
    words: anyOf(knownDetails.filter(isDistinct)),
    complete: (text, found) => {
      const type = 'type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry';
      const status = statusIn(text);
      return JSON.stringify({ jsonPayload: { '@type': type, statusDetails: found[1] }, httpRequest: { status } });
    },
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['azure-app-gateway'],
    isOfJson: true,
    words: anyOf(Object.keys(applicationGateway.reasons)),
    complete: (text, found) =>
      JSON.stringify({
        category: 'ApplicationGatewayAccessLog',
        properties: { error_info: found[1], httpStatus: statusIn(text) },
      }),
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['azure-front-door'],
    isOfJson: true,
    words: anyOf(Object.keys(azureEdge.reasons).filter(isDistinct)),
    complete: (text, found) =>
      JSON.stringify({
        category: 'FrontDoorAccessLog',
        properties: { errorInfo: found[1], httpStatusCode: statusIn(text) },
      }),
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['cloudfront'],
    isOfJson: true,
    words: anyOf(Object.keys(cloudFront.reasons).filter(isDistinct)),
    complete: (text, found) => JSON.stringify({ 'x-edge-detailed-result-type': found[1], 'sc-status': statusIn(text) }),
  },
];

const slice = (text: string, found: RegExpExecArray): string => text.slice(found.index);

/** Errors of Go that a whole part is. */
const goStart =
  /^(?:dial (?:tcp|udp|unix)\b|lookup \S{1,255} on |read tcp \S|write tcp \S|no upstreams available$|context canceled$|net\/http: |x509: |remote error: tls: |tls: (?:failed to|handshake|first record|server selected|no supported|bad )|http: server (?:gave|closed))/;

const statusPhrase =
  '(?:500 Internal Server Error|502 Bad Gateway|503 Service Unavailable|504 Gateway Timeout|499 Client Closed Request)';

export const otherFragments: readonly FragmentForm[] = [
  {
    of: "Apache's number of a message",
    gateways: ['apache'],
    words:
      /(?:\[(\w{0,40}):\w{4,6}\] .{0,120})?(?:\((?:OS |EAI )?\d{1,8}\)[^:()]{1,120}: )?(?:\[(?:client|remote) [^\]]{1,100}\] )?(?:\((?:OS |EAI )?\d{1,8}\)[^:()]{1,120}: )?(?:[\w./-]{1,100}\.c\(\d{1,6}\): )?AH\d{5}: /,
    complete: (text, found) => {
      const whole = found[0].replace(/^\[\w{0,40}:\w{4,6}\] (?:\[pid[^\]]{0,60}\] )?/, '');
      const module = found[1] ?? 'core';
      const rest = text.slice(found.index + found[0].length - whole.length);
      return `[Thu Jan 01 00:00:00.000000 2026] [${module}:error] [pid 0:tid 0] ${rest}`;
    },
  },
  {
    of: "Varnish's error of a fetch",
    gateways: ['varnish'],
    mayBeUnknown: true,
    words: /^(?:(?:Error )?503 )?Backend fetch failed$/,
    complete: (_, found) => `-   FetchError     ${found[0]}`,
  },
  {
    of: "a message of Apache's proxy without a number",
    gateways: ['apache'],
    words: /\((?:OS |EAI )?\d{1,8}\)[^:()]{1,120}: (?:proxy: |AH)/,
    complete: (text, found) => `[Thu Jan 01 00:00:00 2026] [error] ${slice(text, found)}`,
  },
  {
    of: "a message of Apache's proxy without a number",
    gateways: ['apache'],
    words:
      /\bproxy: (?:error reading status line|Error reading from remote server|HTTP: (?:disabled connection|attempt to connect)|BALANCER: )/,
    complete: (text, found) => `[Thu Jan 01 00:00:00 2026] [error] ${slice(text, found)}`,
  },
  {
    of: "Traefik's status and error",
    gateways: ['traefik'],
    words: new RegExp(`'${statusPhrase}' caused by: `),
    complete: (text, found) =>
      `time="2026-01-01T00:00:00Z" level=debug msg="${slice(text, found)
        .replace(/\\?"\s*$/, '')
        .replace(/\\"|"/g, '\\"')}"`,
  },
  {
    of: "Traefik's status and error",
    gateways: ['traefik'],
    words: new RegExp(`${statusPhrase}"?,? (?:.{0,200} )?error="?(?=\\S)`),
    complete: (text, found) => {
      const said = text.slice(found.index + found[0].length);
      const error = /^(?:[^"\\]|\\.){3,4000}/.exec(said)?.[0] ?? '';
      return `2026-01-01T00:00:00Z DBG github.com/traefik/traefik/v3/pkg/proxy.go:1 > ${
        found[0]
          .slice(0, found[0].search(/"?,? /u) < 0 ? 3 : undefined)
          .match(/^\d{3} [A-Za-z ]+(?=["?, ])/)?.[0]
          .replace(/ error$/, '')
          .trim() ?? '502 Bad Gateway'
      } error="${error.trimEnd()}"`;
    },
  },
  {
    of: "Traefik's status and error",
    gateways: ['traefik'],
    mayBeUnknown: true,
    words: /\bRound trip: \S{1,300}, code: \d{3}\b/,
    complete: (text, found) =>
      `time="2026-01-01T00:00:00Z" level=debug msg="${slice(text, found).split('"')[0] ?? ''}"`,
  },
  {
    of: "Caddy's logger and error",
    gateways: ['caddy'],
    words: /\bhttp\.(?:log\.error|handlers\.reverse_proxy)(?:\.\w{1,40})?[\t ]{1,20}(?=\S)/,
    complete: (text, found) =>
      `2026/01/01 00:00:00.000\tERROR\t${found[0].trim()}\t${text.slice(found.index + found[0].length).replace(/[\t ]+(?=\{"[^]{0,60000}$)/, '\t')}`,
  },
  {
    of: 'an error of a proxy in Go, and nothing else',
    gateways: ['caddy'],
    words: goStart,
    complete: (text) =>
      readGoError(text) === null || isAboutDataStore(text)
        ? null
        : JSON.stringify({
            level: 'error',
            ts: 0,
            logger: 'http.log.error',
            msg: text.replace(/["']$/, ''),
            status: 502,
          }),
  },
  {
    of: "Heroku's code",
    gateways: ['heroku'],
    mayBeUnknown: true,
    words: /(?:\bsock=\w{1,20} )?\bat=(?:error|info|warning) (?:code=H\d\d |method=)/,
    complete: slice,
  },
  {
    of: "Heroku's code",
    gateways: ['heroku'],
    words: /\bcode=H\d\d\b/,
    complete: (text, found) => {
      const sock = /\bsock=\w{1,20} /.exec(text)?.[0] ?? '';
      return `${text.indexOf(sock) < found.index ? sock : ''}at=error ${slice(text, found)}${/code=H\d\d$/.test(text) ? ' ' : ''}`;
    },
  },
  { of: "Heroku's code", gateways: ['heroku'], words: /\bError H\d\d \([^)]{1,100}\)/, complete: slice },
  { of: "Fly's code", gateways: ['fly'], words: /\[P[A-Z]\d\d\]/, complete: slice },
  {
    of: "Vercel's code",
    gateways: ['vercel'],
    words: /\breason=([A-Z][A-Z_]{3,60})\b/,
    complete: (text, found) => `[GET] / ${slice(text, found)}`,
  },
  {
    of: "Vercel's code",
    gateways: ['vercel'],
    words:
      /(?:^|[\s"])((?:FUNCTION|EDGE_FUNCTION|MIDDLEWARE|INTERNAL_FUNCTION|ROUTER_EXTERNAL_TARGET|DNS_HOSTNAME|NO_RESPONSE_FROM)_[A-Z_]{4,50})\b/,
    complete: (_, found) => `Code: ${found[1] ?? ''}`,
  },
  {
    of: "Google's status details",
    gateways: ['gcp-lb'],
    isOfJson: true,
    words: /"?statusDetails"?\s{0,4}:\s{0,4}"?([a-z_]{6,80})/,
    complete: (text, found) => {
      const [, status] = /"?status"?\s{0,4}:\s{0,4}"?(\d{1,3})\b/.exec(text) ?? [];
      const type = 'type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry';
      return JSON.stringify({
        jsonPayload: { '@type': type, statusDetails: found[1] },
        httpRequest: status === undefined ? {} : { status: Number(status) },
      });
    },
  },
  {
    of: "Varnish's error of a fetch",
    gateways: ['varnish'],
    words: /\bFetchError\s{1,12}(?:[bc-]\s{1,4})?(?=\S)/,
    complete: (text, found) => `-   FetchError     ${text.slice(found.index + found[0].length)}`,
  },
  {
    of: "Varnish's error of a fetch",
    gateways: ['varnish'],
    mayBeUnknown: true,
    words:
      /(?:^|[\s"'`:])(backend [\w.()-]{1,100}: (?:unhealthy|busy|fail errno \d{1,6})|http (?:first )?read error: (?:EOF|overflow|-?\d)|HTC status -?\d|straight (?:insufficient bytes|read_error)|Could not get storage|no backend connection|first byte timeout$|between bytes timeout$)/,
    complete: (text, found) =>
      `-   FetchError     ${text.slice(found.index + found[0].length - (found[1] ?? '').length).replace('no backend', 'No backend')}`,
  },
  {
    of: 'an event of HAProxy',
    gateways: ['haproxy'],
    words:
      /\b(?:Backup )?(?:Server \S{1,200}\/\S{1,200} is (?:DOWN|UP)|backend '?\S{1,200}'? has no server available|Health check for (?:backup )?server \S{1,200} (?:failed|succeeded))/,
    complete: slice,
  },
  {
    of: 'the words of a proxy in Node',
    gateways: ['node'],
    words:
      /\[HPM\] Error occurr?ed |\bError occurr?ed while (?:trying to proxy|proxying) request |\b(?:http|ws) proxy (?:socket )?error(?: at \S{1,400})?: |\bProxy error: Could not proxy request |\bFailed to proxy http/,
    complete: (text, found) => (found[0].startsWith('Error') ? `[HPM] ${slice(text, found)}` : slice(text, found)),
  },
  {
    of: 'the words of a proxy in Node',
    gateways: ['node'],
    words:
      /(?:(\S{1,400}) )?(?:from \S{1,300} )?(?:to (\S{1,300}) )?[([](E[A-Z]{4,12}|HPE_[A-Z_]{4,40})[)\]] \(https:\/\/nodejs\.org\/api\/errors/,
    complete: (_, found) =>
      `[HPM] Error occurred while proxying request ${found[1] ?? unnamed} to ${found[2] ?? 'undefined'} [${found[3] ?? ''}] (https://nodejs.org/)`,
  },
  {
    of: "Fly's words",
    gateways: ['fly'],
    words:
      /instance refused connection\. is your app listening on|could not find a good candidate within \d+ attempts|no known healthy instances found|timed out while connecting to your instance/,
    complete: (text, found) => `2026-01-01T00:00:00Z proxy[0] ams [error]${slice(text, found)}`,
  },
  {
    of: "Envoy's words in a response or in its details",
    gateways: ['envoy', 'istio'],
    words: /^(?:no healthy upstream|upstream request timeout)$/,
    complete: (_, found) => {
      const [response_flags, response_code] = found[0].startsWith('no') ? ['UH', 503] : ['UT', 504];
      return JSON.stringify({ response_flags, response_code, upstream_host: '-' });
    },
  },
  {
    of: 'why nginx does not start',
    gateways: ['nginx'],
    words: /\bhost not found in upstream "[^"]{1,255}" in \//,
    complete: (text, found) => `nginx: [emerg] ${slice(text, found)}`,
  },
  {
    of: 'why nginx does not start',
    gateways: ['nginx'],
    words: /\bhost not found in upstream "[^"]{1,255}"(?!.{0,300}, client: )/,
    complete: (text, found) => `nginx: [emerg] ${slice(text, found)}`,
  },
  {
    of: "the last columns of IIS's log",
    gateways: ['iis'],
    words: /^\W{0,8}(502 \d{1,2} 12\d{3} \d{1,10})$/,
    complete: (_, found) => `2026-01-01 00:00:00 0.0.0.0 GET / - 80 - 0.0.0.0 - - ${found[1]}`,
  },
  {
    of: "Fastly's words for a failure",
    gateways: ['fastly'],
    words:
      /^(?:Error |HTTP\/[\d.]{1,3} )?503 (backend read error|backend write error|first byte timeout|between bytes timeout|connection (?:refused|timed out)|all backends failed or unhealthy|backend is unhealthy|no healthy backends|backend\.max_conn reached)$/i,
    complete: (_, found) => JSON.stringify({ fastly_server: '-', response_status: 503, response_reason: found[1] }),
  },
  {
    of: "the words of Cloudflare's tunnel",
    gateways: ['cloudflared'],
    words: /\bUnable to reach the origin service\. /,
    complete: (text, found) => `ERR  error="${slice(text, found).split('"')[0] ?? ''}" originService=${unnamed}`,
  },
  {
    of: "Envoy's words in a response or in its details",
    gateways: ['envoy', 'istio'],
    words:
      /upstream connect error or disconnect\/reset before headers\. (?:retried and the latest )?reset reason: ([a-z ]{5,40})(?:, transport failure reason: (.{1,400}))?/,
    complete: (_, found) => {
      const flags = resetFlags.find(([words]) => found[1]?.startsWith(words) === true)?.[1];
      if (flags === undefined) return null;
      const reason = found[1]?.startsWith('connection timeout') === true ? 'connection timeout' : '-';
      return JSON.stringify({
        response_flags: flags,
        response_code: 503,
        upstream_host: '-',
        upstream_transport_failure_reason: found[2] ?? reason,
      });
    },
  },
  {
    of: "Envoy's words in a response or in its details",
    gateways: ['envoy', 'istio'],
    words:
      /\bupstream_(?:reset_before_response_started\{[^}]{3,120}\}?|response_timeout|per_try_timeout)|\bno_healthy_upstream\b|\bresponse_timeout\b(?=$|[\s,"])/,
    complete: (text, found) => {
      const [, reason] =
        /((?:delayed|immediate)[_ ]connect[_ ]error:[_ ]\d{1,5}|TLS[_ ]error:.{1,200})/.exec(text) ?? [];
      return JSON.stringify({
        response_code: 503,
        response_code_details: found[0],
        upstream_transport_failure_reason: reason ?? '-',
      });
    },
  },
];

const resetFlags: readonly (readonly [string, string])[] = [
  ['connection failure', 'UF'],
  ['remote connection failure', 'UF'],
  ['connection timeout', 'UF'],
  ['local connection failure', 'UF'],
  ['connection termination', 'UC'],
  ['remote reset', 'UR'],
  ['remote refused stream', 'UR'],
  ['local reset', 'LR'],
  ['overflow', 'UO'],
  ['protocol error', 'UPE'],
];
