import type { JudgedScenario } from '../judged-scenario.ts';
import {
  addresses,
  applied,
  certificate,
  disagreement,
  exited,
  overlay,
  release,
  unhealthy,
  upstream,
} from './events.ts';

/** Two faults at once, harmless changes beside a fault, faults that come and go, and what cannot be told. */
export const together: readonly JudgedScenario[] = [
  {
    kind: 'two faults at once',
    name: 'an instance of one upstream crashes, and five seconds later a certificate of another one expires',
    seconds: 150,
    upstreams: {
      app: upstream(3, 66, 30, 170, { application: 'app', routes: ['/app'] }),
      bank: upstream(1, 4, 120, 700, { routes: ['/bank'] }),
    },
    steps: [
      ...exited(80, 'app/2', { code: 139, ranS: 4000, output: ['Segmentation fault'] }, { afterS: 1, readyS: 5 }),
      { from: 80, to: 80.7, fail: 'reset_before_response', share: 1, endpoints: [2], retried: 0.4 },
      { from: 80.7, to: 82, fail: 'connect_refused', share: 1, endpoints: [2], retried: 0.8 },
      ...unhealthy([82, 86], 'app', [2], 'refuses connections', 'connect_refused'),
      certificate(85, 'endpoint:bank/1', 'expired', 'api.bank.example', 0),
      { from: 85, to: 150, fail: 'tls_certificate_expired', share: 1, upstream: 'bank' },
    ],
    incidents: [
      { right: ['crash'], shapes: ['reset', 'unreachable'], upstream: 'app', endpoints: [2], from: 80 },
      { right: ['certificate'], shapes: ['unreachable'], upstream: 'bank', from: 85 },
    ],
  },
  {
    kind: 'two faults at once',
    name: 'a release answers 500, and the name of another upstream moves to an address that does not answer',
    seconds: 160,
    upstreams: {
      shop: upstream(2, 48, 35, 200, { application: 'shop', routes: ['/', '/basket'] }),
      maps: upstream(1, 10, 20, 120, { dnsName: 'maps.example', routes: ['/maps'] }),
    },
    steps: [
      ...release(76, 'shop', 2),
      { from: 81, to: 160, fail: 'app_error', share: 0.5 },
      addresses(82, 'maps.example', ['192.0.2.90'], ['192.0.2.61']),
      { from: 83, to: 95, fail: 'connect_timeout', share: 1, upstream: 'maps', tookMs: 5000 },
      ...unhealthy([95, 160], 'maps', [1], 'did not accept a connection within 2000 ms', 'connect_timeout'),
      { from: 95, to: 160, fail: 'no_endpoint_ready', share: 1, upstream: 'maps' },
    ],
    incidents: [
      { right: ['release'], shapes: ['app_error'], upstream: 'shop', from: 81 },
      { right: ['dns_change'], shapes: ['unreachable'], upstream: 'maps', from: 83 },
    ],
  },
  {
    kind: 'two faults at once',
    name: 'one route of an upstream times out, and another one of it answers with bytes that are no valid response',
    seconds: 160,
    upstreams: { mix: upstream(2, 72, 35, 200, { routes: ['/find', '/rss', '/index'] }) },
    steps: [
      { from: 75, to: 160, fail: 'response_head_timeout', share: 0.6, routes: ['/find'], tookMs: 15_000 },
      { from: 95, to: 160, fail: 'response_framing', share: 1, routes: ['/rss'] },
    ],
    incidents: [
      { right: ['slow_application'], shapes: ['too_slow'], upstream: 'mix', routes: ['/find'], from: 75 },
      { right: ['invalid_responses'], shapes: ['garbage'], upstream: 'mix', routes: ['/rss'], from: 95 },
    ],
  },
  {
    kind: 'two faults at once',
    name: 'a server of one upstream hangs while traffic of another one outgrows its connections',
    seconds: 150,
    upstreams: {
      left: upstream(4, 80, 20, 110, { routes: ['/left'] }),
      right: upstream(1, 30, 25, 140, { routes: ['/right'] }),
    },
    steps: [
      { from: 78, to: 150, fail: 'response_head_timeout', share: 0.3, endpoints: [4], tookMs: 10_000 },
      { from: 76, to: 150, rate: 190, upstream: 'right' },
      { from: 80, to: 150, fail: 'pool_full', share: 0.4, upstream: 'right' },
    ],
    incidents: [
      { right: ['one_endpoint'], shapes: ['too_slow'], upstream: 'left', endpoints: [4], from: 78 },
      { right: ['traffic_growth', 'pool_full'], shapes: ['refused_by_gateway'], upstream: 'right', from: 80 },
    ],
  },
  {
    kind: 'decoys',
    name: 'a process is killed for its memory; meanwhile the log is reloaded and traffic elsewhere doubles',
    seconds: 150,
    upstreams: {
      pdf: upstream(2, 22, 200, 1400, { application: 'pdf', routes: ['/pdf'] }),
      web: upstream(2, 50, 20, 100, { routes: ['/'] }),
    },
    steps: [
      applied(72, 'log'),
      { from: 60, to: 150, rate: 105, upstream: 'web' },
      ...exited(90, 'pdf/1', { signal: 'SIGKILL', outOfMemory: true, ranS: 9000 }, { afterS: 1, readyS: 7 }),
      { from: 90, to: 90.8, fail: 'reset_before_response', share: 1, endpoints: [1] },
      { from: 90.8, to: 92, fail: 'connect_refused', share: 1, endpoints: [1], retried: 0.6 },
      ...unhealthy([92, 98], 'pdf', [1], 'refuses connections', 'connect_refused'),
    ],
    incidents: [
      { right: ['out_of_memory'], shapes: ['reset', 'unreachable'], upstream: 'pdf', endpoints: [1], from: 90 },
    ],
  },
  {
    kind: 'decoys',
    name: 'a name moves to an address that does not answer; its upstream was reloaded six minutes before, without any effect',
    seconds: 500,
    upstreams: { kyc: upstream(1, 3, 150, 800, { dnsName: 'kyc.vendor.example', routes: ['/kyc'] }) },
    steps: [
      applied(60, 'upstreams: kyc'),
      addresses(420, 'kyc.vendor.example', ['192.0.2.200'], ['192.0.2.140']),
      { from: 421, to: 440, fail: 'connect_timeout', share: 1, tookMs: 5000 },
      ...unhealthy([440, 500], 'kyc', [1], 'did not accept a connection within 2000 ms', 'connect_timeout'),
      { from: 440, to: 500, fail: 'no_endpoint_ready', share: 1 },
    ],
    incidents: [{ right: ['dns_change'], shapes: ['unreachable'], upstream: 'kyc', from: 421 }],
  },
  {
    kind: 'decoys',
    name: 'one of four servers fails; an operator changed the weight of another upstream, a certificate has a week left',
    seconds: 150,
    upstreams: {
      q: upstream(4, 64, 25, 150, { routes: ['/q'] }),
      r: upstream(2, 30, 25, 150, { routes: ['/r'] }),
    },
    steps: [
      overlay(70, 'weight:r/1', { weight: 10 }),
      certificate(74, 'listener:https', 'expiring', 'www.example.org', 7),
      { from: 79, to: 150, fail: 'app_error', share: 0.75, endpoints: [2] },
    ],
    incidents: [
      { right: ['one_endpoint', 'lying_check'], shapes: ['app_error'], upstream: 'q', endpoints: [2], from: 79 },
    ],
  },
  {
    kind: 'comes and goes',
    name: 'a link that drops packets for fifteen seconds, three times in four minutes',
    seconds: 300,
    upstreams: { sat: upstream(2, 24, 300, 900, { routes: ['/sat'] }) },
    steps: [80, 150, 220].map((from) => ({
      ...{ from, to: from + 15, tookMs: 5000 },
      fail: 'connect_timeout' as const,
      share: 0.7,
    })),
    incidents: [{ right: ['network'], shapes: ['unreachable'], upstream: 'sat', from: 80 }],
  },
  {
    kind: 'comes and goes',
    name: 'a dependency that is down for twenty seconds at a time',
    seconds: 240,
    upstreams: { feat: upstream(2, 60, 15, 85, { routes: ['/feat'] }) },
    steps: [75, 135, 195].flatMap((from) => [
      { from, to: from + 20, advice: 'mongo:ping fails: no primary' },
      { from, to: from + 20, fail: 'app_error' as const, share: 0.65 },
    ]),
    incidents: [{ right: ['dependency'], shapes: ['app_error'], upstream: 'feat', from: 75 }],
  },
  {
    kind: 'gateway worker',
    name: 'a worker of the gateway breaks one of its own rules, answers 500 and is lost',
    seconds: 110,
    upstreams: { all: upstream(2, 100, 20, 120, { routes: ['/all'] }) },
    steps: [
      { from: 60, to: 64, fail: 'gateway_fault', share: 0.5 },
      {
        at: 64,
        event: {
          kind: 'worker_lost',
          subject: 'gateway',
          reason: 'Worker 1 has crashed.',
          evidence: {
            reason: 'crashed',
            exchangesLost: 9,
            unreadConnections: 0,
            error: 'TypeError: undefined is not a function',
            code: null,
          },
        },
      },
    ],
    incidents: [{ right: ['gateway_worker'], shapes: ['refused_by_gateway'], upstream: 'all', from: 60 }],
  },
  {
    kind: 'application errors',
    name: 'a third of the responses are 5xx on all endpoints and routes, and nothing has changed',
    seconds: 130,
    upstreams: { cms: upstream(3, 51, 45, 270, { routes: ['/cms', '/edit'] }) },
    steps: [{ from: 72, to: 130, fail: 'app_error', share: 0.34 }],
    incidents: [{ right: ['application_errors', 'not_known'], shapes: ['app_error'], upstream: 'cms', from: 72 }],
  },
  {
    kind: 'cannot be told',
    name: 'an application is released and its upstream reloaded within a second; its 5xx begin right after',
    seconds: 150,
    upstreams: { dual: upstream(2, 38, 30, 190, { application: 'dual', routes: ['/dual'] }) },
    steps: [
      applied(80, 'upstreams: dual', 'routes: /dual', 'applications: dual'),
      ...release(80, 'dual', 2, { configuration: false, eachS: 2 }),
      { from: 84, to: 150, fail: 'app_error', share: 0.55 },
    ],
    incidents: [{ right: ['release', 'configuration_change'], shapes: ['app_error'], upstream: 'dual', from: 84 }],
  },
  {
    kind: 'cannot be told',
    name: 'a few requests of each kind fail for a minute: cut, late, 500; nothing says why',
    seconds: 150,
    upstreams: { odd: upstream(4, 110, 40, 250, { routes: ['/x', '/y'] }) },
    steps: [
      { from: 76, to: 136, fail: 'response_head_timeout', share: 0.03, tookMs: 10_000 },
      { from: 76, to: 136, fail: 'app_error', share: 0.03 },
      { from: 76, to: 136, fail: 'closed_before_response', share: 0.03 },
    ],
    incidents: [
      {
        right: ['not_known', 'slow_application', 'application_errors', 'connections_cut'],
        shapes: ['too_slow', 'app_error', 'reset'],
        upstream: 'odd',
        from: 76,
      },
    ],
  },
  {
    kind: 'hang',
    name: 'the only instance answers its checks and hardly any request; the circuit breaker of the route opens',
    seconds: 150,
    upstreams: { calc: upstream(1, 19, 25, 140, { application: 'calc', routes: ['/calc'] }) },
    steps: [
      { from: 74, to: 86, fail: 'response_head_timeout', share: 0.95, tookMs: 10_000 },
      disagreement(84, 'calc/1', { requests: 180, failures: 171, cause: 'response_head_timeout' }),
      { from: 86, to: 150, fail: 'circuit_open', share: 0.9 },
      { from: 86, to: 150, fail: 'response_head_timeout', share: 0.5, tookMs: 10_000 },
    ],
    incidents: [{ right: ['slow_application', 'lying_check'], shapes: ['too_slow'], upstream: 'calc', from: 74 }],
  },
];
