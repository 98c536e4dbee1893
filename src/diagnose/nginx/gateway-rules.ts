import type { ProxyErrorType } from '../../core/proxy-error.ts';
import type { Whose } from '../../core/shape.ts';
import { words } from './connect-rules.ts';
import { errnoSense } from './errno.ts';
import type { ErrorLine } from './error-line.ts';
import type { Place } from './fixes.ts';
import { fix } from './fixes.ts';
import type { Fix } from '../finding.ts';
import type { Verdict } from './verdict.ts';
import { failed, quiet } from './verdict.ts';

/** What the gateway declines, or cannot do, by itself: limits, settings, code of its own. */
export function judgeGateway(line: ErrorLine, place: Place): Verdict | null {
  return judgeLimits(line) ?? judgeSettings(line) ?? judgeCode(line, place);
}

const refused = (
  line: ErrorLine,
  type: ProxyErrorType | null,
  whose: Whose,
  sentence: string,
  how: Fix | null,
  isConsequence = false,
): Verdict =>
  failed(
    { shape: 'refused_by_gateway', type, stage: 'route', whose, evidence: words(line), sentence, fix: how },
    isConsequence,
  );

function judgeLimits(line: ErrorLine): Verdict | null {
  const { text } = line;
  if (/^delaying (?:request|connections?)|, dry run/.test(text)) return quiet('error');
  if (text.startsWith('limiting requests')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client asked more often than `limit_req` lets it.',
      fix(
        'Raise the rate or the burst of that zone if such clients are meant to be served',
        'limit_req zone=NAME burst=20 nodelay;',
      ),
    );
  }
  if (text.startsWith('limiting connections')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client has more connections open than `limit_conn` lets it.',
      fix('Raise the number if such clients are meant to be served', 'limit_conn NAME 20;'),
    );
  }
  if (/^\d{1,10} worker_connections (?:are not enough|is not enough)/.test(text)) {
    return refused(
      line,
      'connection_limit_reached',
      'operator',
      'The worker has as many connections open as it may have, clients and applications together.',
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
      'The gateway has as many files and connections open as the system lets it.',
      fix('Raise `worker_rlimit_nofile` above twice `worker_connections`', 'worker_rlimit_nofile 65536;'),
    );
  }
  return null;
}

const settings =
  /^no resolver defined to resolve |^no port in upstream |^no host in upstream |^invalid (?:URL prefix|port|host) in |^zero length URI|^no upstream configuration|^upstream "[^"]{0,200}" (?:may not|not found)|^no "ssl_certificate" is defined|^rewrite or internal redirection cycle|^could not find named location|^the (?:rewritten )?(?:length|URI).{0,40}(?:zero|invalid)/;

function judgeSettings(line: ErrorLine): Verdict | null {
  const { text } = line;
  if (!settings.test(text) || line.client === null) return null;
  const isResolver = text.startsWith('no resolver');
  return refused(
    line,
    'proxy_configuration_error',
    'operator',
    isResolver
      ? 'The address of the application has a variable in it, and no name server is set that could look it up.'
      : 'What is configured there cannot be carried out, so nobody was asked.',
    isResolver
      ? fix('Set `resolver` in that server or location', 'resolver 10.0.0.2 valid=10s;')
      : fix('Correct that setting: the line names it, and `nginx -T` shows where it stands', 'nginx -T'),
  );
}

function judgeCode(line: ErrorLine, place: Place): Verdict | null {
  const { text, whole } = line;
  if (
    text.startsWith('access forbidden by rule') ||
    /^\[client [^\]]{1,64}\] ModSecurity: Access denied|^ModSecurity: Access denied/.test(text)
  ) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'A rule of the gateway does not let this client in.',
      fix('Allow it where it is meant to be let in', 'allow 192.0.2.0/24;'),
    );
  }
  if (text.startsWith('auth request unexpected status: ')) {
    return refused(
      line,
      null,
      'gateway',
      'The request that was to say whether the client may enter was itself answered with an error.',
      fix('Look for the failure of the subrequest of `auth_request` in the lines before', null),
      true,
    );
  }
  const chosen = judgeChoice(line, place);
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
      'Code that runs within the gateway failed, so the gateway answered with an error of its own.',
      fix('Mend or disable that plugin; the line names its file and line', null),
    );
  }
  return null;
}

/** Kong, APISIX and ingress-nginx choose the endpoint in Lua, and say there why they could not. */
function judgeChoice(line: ErrorLine, { product }: Place): Verdict | null {
  const { whole } = line;
  if (product === 'nginx') return null;
  if (isEventOfChoice(whole)) return quiet('event', 'The gateway changed its mind about the health of an endpoint.');
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
        : "The name server gave no address for the application's name.",
      fix:
        product === 'kong'
          ? fix(
              'Correct `host` of the service or target, or set `dns_resolver` to the name server that knows it',
              'dns_resolver = 10.0.0.2:53',
            )
          : fix(
              'Correct the host in `nodes`, or set `dns_resolver` to the name server that knows it',
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
      'The route leads to no upstream, so nobody was asked.',
      fix('Give the route an upstream that exists', null),
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
        : 'The upstream has no endpoint that may be asked.',
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

function choiceFix(line: ErrorLine): Fix {
  if (line.product === 'kong')
    return fix(
      'See which targets are healthy, and add or mend them',
      'curl http://localhost:8001/upstreams/NAME/health',
    );
  if (line.product === 'apisix')
    return fix(
      'See that the upstream has `nodes`, and which of them its checks find healthy',
      'curl http://127.0.0.1:9090/v1/healthcheck',
    );
  return fix(
    'See that the Service has endpoints that are ready',
    'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
  );
}
