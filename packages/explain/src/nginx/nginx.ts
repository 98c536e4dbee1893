import { type Dialect, dialect } from '../dialect.ts';
import { compileFormat, dialectOf } from './log-format.ts';
import type { NginxProduct } from './verdict.ts';
import { commonLogTimeMs } from '../line-text.ts';
import { patternFields, reasonDialect, type ReasonLog } from '../reason-log/reason-log.ts';
import { errorLogOf } from './error-log.ts';
import { jsonAccessOf, kongJson } from './json-access.ts';
import { labelledFormats } from './labelled.ts';
import { startLog } from './client-rules.ts';
import type { Finding } from '../finding.ts';

/** `W1121 21:59:47.123456       7 controller.go:1112] …`: the log of ingress-nginx's controller itself. */
const controllerForm = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\s{1,10}\d{1,10} ([\w.-]{1,80}\.go):\d{1,6}\] (.*)$/s;

const filesOfController =
  /^(?:controller|nginx|store|main|status|leaderelection|backend_ssl|endpointslices|endpoints|template|event|flags|util|queue|sync|main_common|process)\.go$/;

function read(line: string): Finding | null {
  const found = controllerForm.exec(line.slice(0, 8192));
  if (found === null) return null;
  const said = found[2] ?? '';
  const service = /^Service "([^"]{1,200})" does not have any active Endpoint/.exec(said)?.[1] ?? null;
  return {
    gateway: 'ingress-nginx',
    format: 'ingress-nginx controller log',
    kind: 'event',
    confidence: 'certain',
    // The year is not in the line.
    atMs: null,
    shape: 'none',
    type: null,
    stage: null,
    born: null,
    whose: service === null ? null : 'application',
    status: null,
    upstream: service,
    request: null,
    durationMs: null,
    evidence: service === null ? [] : [said.slice(0, 200)],
    sentence: service === null ? '' : 'No pod of that Service is ready: the controller answers its requests with 503.',
    fix:
      service === null
        ? null
        : {
            text: 'Check that pods run, are ready, and have the labels that the Service selects',
            snippet: slicesOf(service),
          },
    joins: null,
    isConsequence: false,
  };
}

/** Only a valid name of a Service may stand in a command that people copy. */
function slicesOf(service: string): string {
  const [, namespace = 'NAMESPACE', name = 'SERVICE'] = /^([a-z\d.-]{1,63})\/([a-z\d.-]{1,63})$/.exec(service) ?? [];
  return `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name}`;
}

const controllerLog: Dialect = dialect(
  'ingress-nginx',
  'ingress-nginx controller log',
  (line) => {
    const found = controllerForm.exec(line.slice(0, 8192));
    if (found === null) return 0;
    return (found[2] ?? '').includes('active Endpoint') || filesOfController.test(found[1] ?? '') ? 2 : 1;
  },
  read,
);

const combined =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

const ingressTail =
  '$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id';

const apisix =
  '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time "$upstream_scheme://$upstream_host$upstream_uri"';

/** The format of `stream {}` in nginx's documentation. */
const stream = (protocol: string): string =>
  `$remote_addr [$time_local] ${protocol} $status $bytes_sent $bytes_received $session_time "$upstream_addr" "$upstream_bytes_sent" "$upstream_bytes_received" "$upstream_connect_time"`;

/** Default formats of each gateway, with how sure it is that a matching line is the gateway's own. */
const formats: readonly (readonly [NginxProduct, string, string, 1 | 2])[] = [
  ['ingress-nginx', 'ingress-nginx access log (upstreaminfo)', `${combined} ${ingressTail}`, 2],
  [
    'ingress-nginx',
    'ingress-nginx access log (upstreaminfo)',
    `${combined} ${ingressTail.replace(' [$proxy_alternative_upstream_name]', '')}`,
    2,
  ],
  ['apisix', 'apisix access log', apisix, 2],
  ['apisix', 'apisix access log', `${apisix} "$apisix_request_id"`, 2],
  ['kong', 'kong access log', `${combined} kong_request_id: "$kong_request_id"`, 2],
  ['nginx', 'nginx access log (stream)', stream('TCP'), 2],
  ['nginx', 'nginx access log (stream)', stream('UDP'), 2],
  ['nginx', 'nginx access log (combined)', combined, 1],
  ['nginx', 'nginx access log (main)', `${combined} "$http_x_forwarded_for"`, 1],
];

const knownFormats: readonly Dialect[] = formats.map(([product, name, text, certainty]) =>
  dialectOf(product, name, compileFormat(text), certainty),
);

/** `log_format proxy` of Nginx Proxy Manager: the status of the cache, of the upstream, and the client's. */
const form =
  /^\[(?<at>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] (?:[A-Z-]{1,12} (?<originStatus>[\d, :-]{1,200}) )?(?<status>\d{3}) - (?<method>[A-Z]{3,10}) \S{1,10} (?<host>\S{1,255}) "(?<path>[^"]{0,8000})" \[Client [^\]]{1,60}\] \[Length [^\]]{1,20}\] \[Gzip [^\]]{1,10}\](?: \[Sent-to (?<upstream>[^\]]{1,200})\])?/;

const fields = patternFields(form);

const proxyManager: ReasonLog = {
  gateway: 'nginx',
  name: 'nginx',
  born: 'reverse-proxy',
  format: 'nginx access log (Nginx Proxy Manager)',
  recognise: (line) => (line.startsWith('[') && form.test(line) ? 2 : 0),
  fields: (line) => {
    const found = fields(line) as (ReturnType<typeof fields> & { readonly at?: string }) | null;
    if (found === null) return null;
    const atMs = commonLogTimeMs(found.at ?? '');
    return atMs === null ? found : { ...found, time: new Date(atMs).toISOString() };
  },
  reasons: {},
  // nginx writes 502 and 504 as the upstream's status for its own failures, too; another one came from the application.
  judge: ({ originStatus = '-' }, status) => {
    const last = originStatus.split(/[,: ]+/).at(-1) ?? '-';
    if (status === null || status < 500) return null;
    if (status === 502 || status === 504 || last === '-') return 'unknown';
    return last === String(status) ? 'application' : 'unknown';
  },
};

const proxyManagerLog = reasonDialect(proxyManager);

const products: readonly NginxProduct[] = ['nginx', 'openresty', 'ingress-nginx', 'kong', 'apisix'];

/** The formats of nginx, and of gateways built on it, that are recognised without options; the likeliest first. */
export const nginxDialects: readonly Dialect[] = [
  ...products.map(errorLogOf),
  ...knownFormats,
  ...labelledFormats,
  // Nothing in JSON shows that nginx was OpenResty.
  ...products.filter((product) => product !== 'openresty').map(jsonAccessOf),
  kongJson,
  controllerLog,
  proxyManagerLog,
  startLog,
];
