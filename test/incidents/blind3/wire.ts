import type { JudgedScenario } from '../judged-scenario.ts';
import { addresses, applied, overlay, release, unhealthy, upstream } from './events.ts';

/** Connections that end, bytes that are no HTTP, packets that get lost. */
export const wire: readonly JudgedScenario[] = [
  {
    kind: 'keep-alive race',
    name: 'a server closes idle connections after two seconds: three of a hundred POSTs meet one that closes',
    seconds: 150,
    upstreams: { form: upstream(2, 40, 35, 210, { routes: ['/form'] }) },
    steps: [{ from: 70, to: 150, fail: 'closed_before_response', share: 0.03, stale: true }],
    incidents: [{ right: ['keep_alive_race'], shapes: ['reset'], upstream: 'form', from: 70 }],
  },
  {
    kind: 'keep-alive race',
    name: 'a restart brought a shorter keep-alive time: reused connections are reset, most requests are repeated',
    seconds: 170,
    upstreams: { py: upstream(2, 160, 15, 90, { application: 'py', routes: ['/py', '/py/admin'] }) },
    steps: [
      ...release(60, 'py', 2),
      { from: 72, to: 170, fail: 'reset_before_response', share: 0.04, retried: 0.6, stale: true },
    ],
    incidents: [{ right: ['keep_alive_race', 'release'], shapes: ['reset'], upstream: 'py', from: 72 }],
  },
  {
    kind: 'keep-alive race',
    name: 'webhooks on connections that rested: a twentieth fails, a reload of a listener a minute before is harmless',
    seconds: 220,
    upstreams: { hooks: upstream(1, 15, 60, 340, { routes: ['/hook'] }), web: upstream(2, 40, 20, 110) },
    steps: [
      applied(60, 'listeners: http'),
      { from: 120, to: 220, fail: 'closed_before_response', share: 0.05, stale: true },
    ],
    incidents: [{ right: ['keep_alive_race'], shapes: ['reset'], upstream: 'hooks', from: 120 }],
  },
  {
    kind: 'resets',
    name: 'a firewall between them forgets connections: a fifth is reset before, a tenth within the response',
    seconds: 140,
    upstreams: { dc2: upstream(3, 85, 50, 300, { routes: ['/dc2'] }) },
    steps: [
      { from: 66, to: 140, fail: 'reset_before_response', share: 0.2 },
      { from: 66, to: 140, fail: 'response_body_reset', share: 0.1 },
    ],
    incidents: [{ right: ['connections_cut', 'network'], shapes: ['reset'], upstream: 'dc2', from: 66 }],
  },
  {
    kind: 'resets',
    name: 'an application server ends its workers after thirty seconds, in the middle of streams',
    seconds: 160,
    upstreams: { csv: upstream(2, 12, 900, 12_000, { routes: ['/csv', '/head'] }) },
    steps: [{ from: 82, to: 160, fail: 'response_chunked_truncated', share: 0.3, routes: ['/csv'], tookMs: 30_000 }],
    incidents: [{ right: ['connections_cut'], shapes: ['reset'], upstream: 'csv', routes: ['/csv'], from: 82 }],
  },
  {
    kind: 'resets',
    name: 'a load balancer with nothing behind it resets each connection while it is opened',
    seconds: 100,
    upstreams: { lb: upstream(1, 28, 30, 170, { routes: ['/lb'] }) },
    steps: [
      { from: 50, to: 53, fail: 'connect_reset', share: 1 },
      ...unhealthy([53, 100], 'lb', [1], 'reset the connection while it was opened', 'connect_reset'),
      { from: 53, to: 100, fail: 'no_endpoint_ready', share: 1 },
    ],
    incidents: [
      {
        right: ['nothing_listens', 'network', 'connections_cut'],
        shapes: ['unreachable'],
        upstream: 'lb',
        from: 50,
      },
    ],
  },
  {
    kind: 'garbage',
    name: 'a middleware sends Content-Length and Transfer-Encoding together on one route',
    seconds: 120,
    upstreams: { old: upstream(2, 32, 40, 230, { routes: ['/legacy', '/new'] }) },
    steps: [{ from: 57, to: 120, fail: 'response_framing', share: 1, routes: ['/legacy'] }],
    incidents: [{ right: ['invalid_responses'], shapes: ['garbage'], upstream: 'old', routes: ['/legacy'], from: 57 }],
  },
  {
    kind: 'garbage',
    name: 'three of a hundred responses have a line break in a header, at nine hundred requests each second',
    seconds: 80,
    upstreams: { geoip: upstream(6, 900, 4, 22, { routes: ['/ip'] }) },
    steps: [{ from: 50, to: 80, fail: 'response_header', share: 0.03 }],
    incidents: [{ right: ['invalid_responses'], shapes: ['garbage'], upstream: 'geoip', from: 50 }],
  },
  {
    kind: 'garbage',
    name: 'chunks of a stream are broken since the release of a minute ago',
    seconds: 170,
    upstreams: { feed: upstream(2, 26, 120, 900, { application: 'feed', routes: ['/feed', '/top'] }) },
    steps: [...release(70, 'feed', 2), { from: 79, to: 170, fail: 'response_chunk', share: 0.35, routes: ['/feed'] }],
    incidents: [{ right: ['release'], shapes: ['garbage'], upstream: 'feed', routes: ['/feed'], from: 79 }],
  },
  {
    kind: 'network',
    name: 'a zone is cut off: two of four endpoints do not answer packets',
    seconds: 150,
    upstreams: { zone: upstream(4, 130, 22, 130, { routes: ['/z'] }) },
    steps: [
      { from: 78, to: 84, fail: 'connect_timeout', share: 1, endpoints: [3, 4], retried: 0.7, tookMs: 5000 },
      ...unhealthy([84, 150], 'zone', [3, 4], 'did not accept a connection within 2000 ms', 'connect_timeout'),
    ],
    incidents: [{ right: ['network'], shapes: ['unreachable'], upstream: 'zone', endpoints: [3, 4], from: 78 }],
  },
  {
    kind: 'network',
    name: 'packets get lost at five hundred requests each second: a seventh cannot connect in time',
    seconds: 95,
    upstreams: { wan: upstream(5, 500, 18, 100, { routes: ['/w'] }) },
    steps: [{ from: 60, to: 95, fail: 'connect_timeout', share: 0.14, tookMs: 5000 }],
    incidents: [{ right: ['network'], shapes: ['unreachable'], upstream: 'wan', from: 60 }],
  },
  {
    kind: 'network',
    name: 'the tunnel to a subnet is down: there is no route to any endpoint of the partner',
    seconds: 130,
    upstreams: { vpn: upstream(2, 5, 140, 600, { routes: ['/vpn'] }), web: upstream(2, 60, 20, 120) },
    steps: [
      { from: 64, to: 69, fail: 'connect_unroutable', share: 1 },
      ...unhealthy([69, 118], 'vpn', [1, 2], 'no network path leads to 10.99.0.1:443', 'connect_unroutable'),
      { from: 69, to: 118, fail: 'no_endpoint_ready', share: 1 },
    ],
    incidents: [{ right: ['network'], shapes: ['unreachable'], upstream: 'vpn', from: 64 }],
  },
  {
    kind: 'decoys',
    name: 'packets get lost; another upstream is reloaded, a route of it is in maintenance, an application is released',
    seconds: 150,
    upstreams: {
      core: upstream(3, 90, 30, 170, { routes: ['/core'] }),
      blog: upstream(1, 8, 40, 200, { routes: ['/blog'] }),
      shop: upstream(2, 25, 35, 220, { application: 'shop', routes: ['/shop'] }),
    },
    steps: [
      overlay(60, 'maintenance:/blog', { message: 'back at noon', retry_after_s: 600 }),
      { from: 60, to: 120, fail: 'maintenance', share: 1, upstream: 'blog' },
      ...release(66, 'shop', 2),
      applied(77, 'upstreams: blog'),
      { from: 80, to: 150, fail: 'connect_timeout', share: 0.3, tookMs: 5000 },
    ],
    incidents: [{ right: ['network'], shapes: ['unreachable'], upstream: 'core', from: 80 }],
  },
  {
    kind: 'decoys',
    name: 'an application answers 500 to two of five requests; addresses of another name and the log have changed',
    seconds: 150,
    upstreams: {
      bill: upstream(2, 34, 60, 330, { routes: ['/bill'] }),
      news: upstream(3, 50, 15, 90, { dnsName: 'news.internal', routes: ['/news'] }),
    },
    steps: [
      applied(70, 'log'),
      addresses(82, 'news.internal', ['10.8.1.4'], ['10.8.1.2']),
      { from: 84, to: 150, fail: 'app_error', share: 0.4 },
    ],
    incidents: [{ right: ['application_errors', 'not_known'], shapes: ['app_error'], upstream: 'bill', from: 84 }],
  },
];
