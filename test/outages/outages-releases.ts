import type { Outage } from './outage.ts';
import { managed, pair, shop, shopWithSearch } from './shop.ts';
import { outage } from './outage-form.ts';

/** What a person or a pipeline changes: releases and configurations. */
export const releaseOutages: readonly Outage[] = [
  outage('release-breaks-checkout', 'release', {
    what: 'A release answers 500 to every POST of the checkout; all else works.',
    suspects: ['release'],
    side: 'application',
    names: ['checkout'],
    setup: shop(managed, { hasStore: true }),
    begin: (lab) =>
      lab.release('shop', {
        rules: [{ path: '/api/checkout', method: 'POST', status: 500, prints: 'TypeError: total is not a function' }],
      }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-fails-for-some-carts', 'release', {
    what: 'A release answers 500 to one in 25 requests for a cart: those with a coupon.',
    marks: ['low rate'],
    suspects: ['release'],
    side: 'application',
    names: ['cart'],
    setup: shop(managed),
    seconds: 110,
    begin: (lab) => lab.release('shop', { rules: [{ path: '/api/cart', share: 0.04, status: 500 }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-loses-a-route', 'release', {
    what: 'A release no longer has the orders: 404 for all of them.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['api'],
    setup: shop(managed),
    begin: (lab) =>
      lab.release('shop', { rules: [{ path: '/api/orders', status: 404, body: '{"error":"no such route"}' }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-slows-search', 'release', {
    what: 'A release searches without an index for long words: one in twenty takes 2.5 s.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['release', 'slow_application'],
    side: 'application',
    names: ['search'],
    setup: shop(managed),
    begin: (lab) => lab.release('shop', { rules: [{ path: '/search', share: 0.045, latencyMs: 2500 }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-shows-login-page', 'release', {
    what: 'A release answers API calls with the page of the login, as 200 and HTML.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['cart'],
    setup: shop(managed),
    begin: (lab) => lab.release('shop', { rules: [{ path: '/api/cart', type: 'text/html', bytes: 5200 }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-with-empty-pages', 'release', {
    what: 'A release answers one product page in 25 with an empty body and 200.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(managed),
    seconds: 110,
    begin: (lab) => lab.release('shop', { rules: [{ path: '/products', share: 0.04, bytes: 0 }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('deploy-by-script-breaks-products', 'unseen_release', {
    what: 'A script restarts both processes with faulty code, one after the other: product pages are 500.',
    suspects: ['application_errors', 'release'],
    side: 'application',
    names: ['products'],
    setup: shop(pair),
    begin: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) {
        lab.behave(one, { rules: [{ path: '/products/', status: 500 }] });
        await lab.restart(one);
      }
    },
    end: async (lab) => {
      lab.behaveUsually('shop');
      for (const one of ['shop-1', 'shop-2']) await lab.restart(one);
    },
  }),
  outage('release-leaves-one-instance-broken', 'partial_release', {
    what: 'The deploy reached one of two hosts only: it answers 404 for the new files that a few pages name.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['static|{shop-2}'],
    setup: shop(pair),
    begin: async (lab) =>
      lab.behave('shop-2', { rules: [{ path: '/static', share: 0.09, status: 404, type: 'text/html', bytes: 300 }] }),
    end: async (lab) => lab.behaveUsually('shop-2'),
  }),
  outage('feature-flag-for-some-customers', 'feature_flag', {
    what: 'A flag is switched on for one of fourteen customers: most of its carts are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'one_client'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/cart', client: '127.0.66.3', share: 0.6, status: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('feature-flag-halves-lists', 'feature_flag', {
    what: 'A flag changes the list of products: three quarters of it are missing.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(managed),
    before: (lab) => lab.reload(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products', bytes: 2100 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('reload-sends-search-elsewhere', 'configuration', {
    what: 'A reload sends searches to the shop, which knows none: 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['search'],
    setup: shopWithSearch({ ...pair, behaviour: { rules: [{ path: '/search', status: 404, bytes: 90 }] } }),
    begin: (lab) => lab.reload(({ routes }) => toOf(routes, 'search', 'shop')),
    end: (lab) => lab.reload(({ routes }) => toOf(routes, 'search', 'search')),
  }),
  outage('reload-names-a-wrong-port', 'configuration', {
    what: 'A reload has a wrong port for the search.',
    suspects: ['configuration_change', 'nothing_listens'],
    side: 'operator',
    names: ['search'],
    setup: shopWithSearch(),
    before: (lab) => lab.reload(),
    begin: (lab) => lab.reload(({ upstreams }) => endpointsOf(upstreams, 'search', ['127.0.0.1:9'])),
    end: (lab) => lab.reload(({ upstreams }) => endpointsOf(upstreams, 'search', [lab.address('search-1')])),
  }),
  outage('reload-shortens-a-timeout', 'configuration', {
    what: 'A reload gives the reports one second, of which all need more.',
    suspects: ['configuration_change', 'timeout_too_short'],
    side: 'operator',
    names: ['reports'],
    setup: shop(pair),
    seconds: 110,
    begin: (lab) => lab.reload(({ routes }) => keysOf(routes, 'reports', { timeouts: { response_head: '1s' } })),
    end: (lab) => lab.reload(({ routes }) => keysOf(routes, 'reports', { timeouts: { response_head: '60s' } })),
  }),
  outage('reload-loses-a-prefix', 'configuration', {
    what: 'A reload has a rewrite too many: the application is asked for carts under a path that it does not have.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['cart'],
    setup: shop(pair),
    begin: (lab) => lab.reload(({ routes }) => keysOf(routes, 'cart', { rewrite: { path: '/v2/cart' } })),
    end: (lab) => lab.reload(({ routes }) => void delete (routes.find(({ id }) => id === 'cart') ?? {})['rewrite']),
  }),
  outage('reload-bounds-checkout', 'configuration', {
    what: 'A reload lets one checkout pass at a time, and none wait.',
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: ['checkout'],
    setup: shop({ ...pair, behaviour: { rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 300 }] } }),
    begin: (lab) =>
      lab.reload(({ routes }) =>
        keysOf(routes, 'checkout', { concurrency: { max: 1, queue_max: 1, queue_timeout: '100ms' } }),
      ),
    end: (lab) =>
      lab.reload(({ routes }) => void delete (routes.find(({ id }) => id === 'checkout') ?? {})['concurrency']),
  }),
  outage('operator-drains-too-much', 'operator', {
    what: 'A person drains one of two hosts; the other one cannot bear all of the load, and answers 503 to the rest.',
    suspects: ['operator_action'],
    side: 'operator',
    names: ['{shop-2}'],
    setup: shop({
      ...pair,
      behaviour: {
        capacity: 4,
        queueMax: 8,
        rules: [
          { path: '/search', latencyMs: 200 },
          { path: '/products', latencyMs: 90 },
          { path: '/api/cart', latencyMs: 60 },
        ],
      },
    }),
    begin: async (lab) => void (await lab.admin('POST', '/v1/overlay/drain', { endpoint: lab.address('shop-2') })),
    end: async (lab) => void (await lab.admin('POST', '/v1/overlay/restore', {})),
  }),
  outage('operator-pauses-and-forgets', 'operator', {
    what: 'A person pauses the checkout for two seconds each, and forgets it.',
    suspects: ['operator_action'],
    side: 'operator',
    names: ['checkout'],
    setup: shop(pair),
    seconds: 70,
    begin: async (lab) =>
      void (await lab.admin('POST', '/v1/overlay/pause', {
        target: 'route:checkout',
        wait_ms: 2000,
        waiters_max: 100,
      })),
    end: async (lab) => void (await lab.admin('POST', '/v1/overlay/restore', {})),
  }),
];

type Section = Record<string, unknown>;

function keysOf(routes: Section[], id: string, keys: Section): void {
  for (const route of routes) if (route['id'] === id) Object.assign(route, keys);
}

function toOf(routes: Section[], id: string, to: string): void {
  keysOf(routes, id, { to });
}

function endpointsOf(upstreams: Record<string, Section>, name: string, endpoints: readonly string[]): void {
  Object.assign(upstreams[name] ?? {}, { endpoints });
}
