import type { Fix } from '../finding.ts';
import type { NginxErrorLine } from './error-line.ts';
import type { FixContext } from './fixes.ts';
import { fix } from './fixes.ts';
import { refused } from './refused.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed, harmless } from './verdict.ts';

/** Kong, APISIX and ingress-nginx choose the endpoint in Lua, and log there why they could not. */
export function judgeChoice(line: NginxErrorLine, { product }: FixContext): NginxVerdict | null {
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
