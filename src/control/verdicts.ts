import type { EndpointState } from '../core/endpoint.ts';
import type { ServiceVerdict } from '../core/service-verdict.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { type GatewayFacts, judgeGateway, judgeUpstream, recentSeconds } from '../policy/verdict.ts';
import type { LastMinute } from '../record/last-minute.ts';
import type { TrafficHistory } from '../record/traffic-history.ts';
import type { RouteBreakerView } from './circuit-breakers.ts';
import type { GatewayStatus } from './gateway-status.ts';

export interface VerdictParts {
  readonly history: Pick<TrafficHistory, 'recent'>;
  readonly lastMinute: Pick<LastMinute, 'all' | 'of'>;
  readonly breakers: readonly RouteBreakerView[];
}

type EndpointClass = 'usable' | 'unknown' | 'draining' | 'troubled';

const classes: Readonly<Record<EndpointState, EndpointClass>> = {
  starting: 'unknown',
  unknown: 'unknown',
  unchecked: 'usable',
  healthy: 'usable',
  unhealthy: 'troubled',
  ejected: 'troubled',
  probation: 'troubled',
  circuit_open: 'troubled',
  half_open: 'troubled',
  draining: 'draining',
  gone: 'draining',
};

export function verdictOfUpstream({ id, endpoints }: UpstreamSnapshot, parts: VerdictParts): ServiceVerdict {
  const { history, lastMinute, breakers } = parts;
  const count = (wanted: EndpointClass): number => endpoints.filter(({ state }) => classes[state] === wanted).length;
  return judgeUpstream({
    recent: history.recent(`upstream:${id}`, recentSeconds),
    lastMinute: lastMinute.of(id),
    endpoints: endpoints.length,
    usable: count('usable'),
    unknown: count('unknown'),
    draining: count('draining'),
    breakersOpen: breakers.filter(({ upstream, state }) => upstream === id && state !== 'closed').length,
  });
}

export function verdictOfGateway(
  status: Pick<GatewayStatus, 'state' | 'problems' | 'incidents' | 'upstreams'>,
  { history, lastMinute }: VerdictParts,
): ServiceVerdict {
  const facts: GatewayFacts = {
    state: status.state,
    recent: history.recent('all', recentSeconds),
    lastMinute: lastMinute.all,
    problems: status.problems.length,
    incidents: status.incidents.length,
    upstreams: status.upstreams,
  };
  return judgeGateway(facts);
}
