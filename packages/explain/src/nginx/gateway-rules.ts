import { errnoSense, lineEvidence } from './connect-rules.ts';
import type { NginxErrorLine } from './error-line.ts';
import { type FixContext, fix } from './fixes.ts';
import { type NginxVerdict, harmless, failed } from './verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Whose } from '../../../failures/src/shape.ts';
import type { Fix } from '../finding.ts';

/** Kong, APISIX and ingress-nginx choose the endpoint in Lua, and log there why they could not. */
function judgeChoice(line: NginxErrorLine, { product }: FixContext): NginxVerdict | null {
  const { whole } = line;
  if (product === 'nginx') return null;
  if (isEventOfChoice(whole)) return harmless('event', 'The gateway changed the health of an endpoint.');
  if (whole.includes(', context: ngx.timer') || whole.includes(', context: init_worker')) return null;
  if (isOfName(whole)) {
    const isLate = /timeout|timed out/.test(whole) && !/name error|server error: \d/.test(whole);
    return failed({
      shape: 'unreachable',
      type: isLate ? 'dns_timeout' : 'dns_error',
      stage: 'dns',
      whose: 'operator',
      evidence: [line.text.slice(0, 200)],
      sentence: isLate
        ? 'The name server did not answer in time.'
        : "The name server returned no address for the application's name.",
      fix:
        product === 'kong'
          ? fix(
              'Correct `host` of the service or target, or set `dns_resolver` to a name server that has it',
              'dns_resolver = 10.0.0.2:53',
            )
          : fix(
              'Correct the host in `nodes`, or set `dns_resolver` to a name server that has it',
              'apisix:\n  dns_resolver:\n    - 10.0.0.2',
            ),
    });
  }
  if (
    /missing upstream configuration|balancer not found for|no balancer found for|attempted to proxy to self/.test(whole)
  ) {
    return refused(
      line,
      'proxy_configuration_error',
      'operator',
      'The route has no upstream, so no server was contacted.',
      fix('Configure an existing upstream for the route', null),
    );
  }
  if (
    /ring-balancer|failed to pick server: |no peer was returned, balancer: |failed to find valid upstream server|no valid upstream node|no peers are available|Balancer is unhealthy/i.test(
      whole,
    )
  ) {
    const isAfterTries = whole.includes('all upstream servers tried');
    return refused(
      line,
      'destination_unavailable',
      'application',
      isAfterTries
        ? 'Every endpoint was tried and failed; the cause is in the lines before.'
        : 'The upstream has no available endpoint.',
      choiceFix(line),
      isAfterTries,
    );
  }
  return null;
}

const isEventOfChoice = (whole: string): boolean =>
  /health status changed to|\[healthchecks\]|upstream nodes is unhealthy|(?:un)?healthy (?:TCP|HTTP|TIMEOUT|SUCCESS).{0,20} increment|enabled healthcheck passive/i.test(
    whole,
  );

const isOfName = (whole: string): boolean =>
  /\b(?:DNS|dns) resolution failed|name resolution failed|failed to parse domain|failed to query the DNS server|dns (?:server|client) error/.test(
    whole,
  ) && !whole.includes('[cosocket]');

function choiceFix(line: NginxErrorLine): Fix {
  if (line.product === 'kong')
    return fix(
      'Check which targets are healthy, and add or fix targets',
      'curl http://localhost:8001/upstreams/NAME/health',
    );
  if (line.product === 'apisix')
    return fix(
      'Check that the upstream has `nodes`, and which of them are healthy',
      'curl http://127.0.0.1:9090/v1/healthcheck',
    );
  return fix(
    'Check that the Service has ready endpoints',
    'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
  );
}

/** The gateway itself denied the request. */
const refused = (
  line: NginxErrorLine,
  type: ProxyErrorType | null,
  whose: Whose,
  sentence: string,
  how: Fix | null,
  isConsequence = false,
): NginxVerdict =>
  failed(
    { shape: 'refused_by_gateway', type, stage: 'route', whose, evidence: lineEvidence(line), sentence, fix: how },
    isConsequence,
  );

/** Lines about requests that the gateway itself denies or fails: limits, settings, Lua code. */
export function judgeGateway(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  return judgeLimits(line) ?? judgeSettings(line) ?? judgeCode(line, context);
}

function judgeLimits(line: NginxErrorLine): NginxVerdict | null {
  const { text } = line;
  if (/^delaying (?:request|connections?)|, dry run/.test(text)) return harmless('error');
  if (text.startsWith('limiting requests')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client sent more requests than `limit_req` allows.',
      fix(
        'Raise the rate or the burst of that zone if such clients should be served',
        'limit_req zone=NAME burst=20 nodelay;',
      ),
    );
  }
  if (text.startsWith('limiting connections')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client has more connections open than `limit_conn` allows.',
      fix('Raise the number if such clients should be served', 'limit_conn NAME 20;'),
    );
  }
  if (/^\d{1,10} worker_connections (?:are not enough|is not enough)/.test(text)) {
    return refused(
      line,
      'connection_limit_reached',
      'operator',
      'The worker has reached its limit of open connections, clients and applications together.',
      fix(
        'Raise `worker_connections`, and `worker_rlimit_nofile` with it',
        'worker_rlimit_nofile 16384;\nevents { worker_connections 8192; }',
      ),
    );
  }
  if (
    /^(?:accept4?|socket|open|eventfd|epoll_ctl)\(\) .{0,300}failed|^(?:accept4?|socket)\(\) failed/.test(text) &&
    line.errno !== null &&
    errnoSense(line.errno) === 'descriptors_spent'
  ) {
    return refused(
      line,
      'connection_limit_reached',
      'operator',
      "The gateway has reached the system's limit of open files and connections.",
      fix('Raise `worker_rlimit_nofile` above twice `worker_connections`', 'worker_rlimit_nofile 65536;'),
    );
  }
  if (line.upstream !== null && line.level === 'crit' && /^(?:open|mkdir|pwrite|pwritev|write)\(\) "/.test(text)) {
    return refused(
      line,
      'proxy_internal_error',
      'operator',
      'The gateway could not write a part of the response to its temporary files, and gave up.',
      fix(
        'Allow the workers to write to the directory of temporary files, and check that its disk has room; or disable temporary files',
        'proxy_max_temp_file_size 0;',
      ),
    );
  }
  return null;
}

const settings =
  /^no resolver defined to resolve |^no port in upstream |^no host in upstream |^invalid (?:URL prefix|port|host) in |^zero length URI|^no upstream configuration|^upstream "[^"]{0,200}" (?:may not|not found)|^no "ssl_certificate" is defined|^rewrite or internal redirection cycle|^could not find named location|^the (?:rewritten )?(?:length|URI).{0,40}(?:zero|invalid)/;

function judgeSettings(line: NginxErrorLine): NginxVerdict | null {
  const { text } = line;
  if (!settings.test(text) || line.client === null) return null;
  const isResolver = text.startsWith('no resolver');
  return refused(
    line,
    'proxy_configuration_error',
    'operator',
    isResolver
      ? 'The address of the application contains a variable, and no name server is configured to look it up.'
      : 'The gateway cannot apply its configuration for this request, so no server was contacted.',
    isResolver
      ? fix('Set `resolver` in that server or location', 'resolver 10.0.0.2 valid=10s;')
      : fix('Correct that setting: the line names it, and `nginx -T` shows where it is', 'nginx -T'),
  );
}

function judgeCode(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  const { text, whole } = line;
  if (
    text.startsWith('access forbidden by rule') ||
    /^\[client [^\]]{1,64}\] ModSecurity: Access denied|^ModSecurity: Access denied/.test(text)
  ) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'A rule of the gateway denies this client.',
      fix('Change the rule if the client should be allowed', 'allow 192.0.2.0/24;'),
    );
  }
  if (text.startsWith('auth request unexpected status: ')) {
    return refused(
      line,
      null,
      'gateway',
      'The authorization subrequest (`auth_request`) failed.',
      fix('Find the failure of the subrequest in the lines before', null),
      true,
    );
  }
  const chosen = judgeChoice(line, context);
  if (chosen !== null) return chosen;
  if (
    /^lua (?:entry thread aborted|user thread aborted|coroutine)|^failed to (?:run|load) .{0,40}_by_lua|^lua handler aborted/.test(
      text,
    ) &&
    !whole.includes(', context: ')
  ) {
    return refused(
      line,
      'proxy_internal_error',
      'gateway',
      'Lua code in the gateway failed, so the gateway answered with an error.',
      fix('Fix or disable that plugin; the line names its file and line', null),
    );
  }
  return null;
}

/**
 * The request for an upgrade was answered with 101 long ago: what ends after it is the tunnel (a WebSocket, mostly), and no
 * request has failed. Errors of the client's connection have the level `info`.
 */
export function judgeTunnel({ action, level, errno, text }: NginxErrorLine): NginxVerdict | null {
  if (action !== 'proxying upgraded connection' || level === 'info') return null;
  const sense = errno === null ? null : errnoSense(errno);
  if (sense === 'timed_out')
    return {
      ...harmless(
        'event',
        'nginx ended a tunnel (a WebSocket, mostly) through which nothing had come for its timeout.',
      ),
      fix: fix(
        'Let the application or the client send pings, or raise the timeout above the longest silence',
        'proxy_read_timeout 3600s;\nproxy_send_timeout 3600s;',
      ),
    };
  if (!/^(?:recv|send|writev|readv|SSL_\w{1,24})\(\)|^upstream /.test(text)) return null;
  return {
    ...harmless('event', 'The application ended a tunnel (a WebSocket, mostly) without closing it in order.'),
    fix: fix('Look whether the application was stopped or crashed then; let it close its tunnels on SIGTERM'),
  };
}
