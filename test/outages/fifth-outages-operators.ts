import { addressesFrom, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, shopNeeds, shopWithDatabase, single } from './shop.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const downloads = { method: 'GET', path: '/download/{n}', perSecond: 1.2 };
const office = {
  ...{ method: 'GET', path: '/reports/monthly', perSecond: 3, clients: ['127.0.66.30'] },
  // Each comes on a connection of its own.
  headers: { connection: 'close' },
};
const longSearches = {
  ...{ method: 'GET', path: `/search?q={n}&filter=${'colour.red,'.repeat(20)}`, perSecond: 1.2 },
  headers: { connection: 'close' },
};
const moreReports = { method: 'GET', path: '/reports/weekly', perSecond: 1.5 };
const shareholders = {
  ...{ method: 'GET', path: '/reports/{n}', perSecond: 20 },
  clients: addressesFrom(100, 50),
};
/** What the host of the application itself asks for. */
const ownCalls = {
  ...{ method: 'GET', path: '/api/session', perSecond: 120, clients: ['127.0.66.88'], isOutsider: true as const },
  timeoutMs: 5000,
};
const slowSessions = { capacity: 2, queueMax: 40, rules: [{ path: '/api/session', slower: 14 }] } as const;
const failing = { path: '/search/suggest', share: 0.02, status: 500 } as const;

/** A person changes keys of a route, and reloads. Keys that are undefined are removed. */
async function reloadRoute(lab: Lab, id: string, keys: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) if (route['id'] === id) Object.assign(route, keys);
  });
}

async function reloadClient(lab: Lab, keys: Readonly<Record<string, unknown>> | undefined): Promise<void> {
  await lab.reload((file) => {
    file['client'] = keys;
  });
}

const releaseOfBefore = async (lab: Lab): Promise<void> => lab.release('shop', {});

const releaseOutages: readonly Outage[] = [
  outage('release-comes-before-its-migration', 'migration', {
    what: 'A release is started before the migration that it needs: a column of orders is missing, and each request for them is a 500.',
    suspects: ['release'],
    side: 'application',
    names: ['api'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.release('shop', {
        rules: [{ path: '/api/orders', status: 500, prints: 'error: column orders.gift_note does not exist' }],
      }),
    end: releaseOfBefore,
  }),
  outage('release-uses-up-the-connections-of-the-database', 'late_release', {
    what: 'A release opens a connection to the database for each request and closes none: ten seconds later a third of all queries is refused.',
    suspects: ['release', 'dependency', 'application_errors'],
    side: 'application',
    names: ['cart|products|checkout|api|shop'],
    setup: shopWithDatabase(managed),
    begin: async (lab) => {
      await lab.release('shop', { needs: shopNeeds });
      afterwards(10_000, () => lab.behave('database', { rules: [{ share: 0.35, end: 'close' }] }));
    },
    end: async (lab) => {
      endWaves();
      lab.behave('database', {});
      await lab.release('shop', { needs: shopNeeds });
    },
  }),
  outage('release-leaks-until-its-heap-ends', 'memory_leak', {
    what: 'A release keeps every answer in memory: each instance ends after twelve seconds, when its heap is full, and again.',
    harm: ['slow'],
    suspects: ['release', 'out_of_memory', 'crash'],
    side: 'application',
    names: ['shop'],
    setup: shop(managed, { flows: { ...usual, moreReports } }),
    begin: async (lab) =>
      lab.release('shop', {
        exitAfterMs: 12_000,
        exitCode: 134,
        lastWords: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
      }),
    end: releaseOfBefore,
  }),
  outage('release-asks-itself', 'self_calls', {
    what: 'A release asks for the session through its own public name, again and again for each page: the application has too much to do.',
    harm: ['slow'],
    suspects: ['release', 'one_client', 'traffic_growth'],
    side: 'application',
    names: ['api|shop'],
    setup: shop({ ...managed, behaviour: slowSessions }, { flows: withoutReports }),
    begin: async (lab) => {
      await lab.release('shop', slowSessions);
      lab.sendToo({ ownCalls });
    },
    end: async (lab) => {
      lab.sendUsual();
      await lab.release('shop', slowSessions);
    },
  }),
  outage('release-ships-the-bundle-for-developers', 'large_bundle', {
    what: 'A release ships the bundle for developers: the script of all pages has 600 kB in place of 24, and takes half a second.',
    marks: ['no 5xx'],
    harm: ['different', 'slow'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(managed),
    begin: async (lab) => lab.release('shop', { rules: [{ path: '/static/app', bytes: 600_000, bodyMs: 450 }] }),
    end: releaseOfBefore,
  }),
  outage('release-turns-older-apps-away', 'old_apps', {
    what: 'A release demands the newest app, which has not been published yet: customers with the others get 426 from the API.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['api|cart|checkout'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.release('shop', { rules: [{ path: '/api', client: '127.0.66.1', status: 426, bytes: 80 }] }),
    end: releaseOfBefore,
  }),
];

const configurationOutages: readonly Outage[] = [
  outage('reload-ends-long-downloads', 'timeout_setting', {
    what: 'A reload gives each request for pages and files two seconds in all: downloads, which take three, end in the middle.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['configuration_change', 'timeout_too_short', 'gateway_limit'],
    side: 'operator',
    names: ['pages'],
    setup: shop(
      { ...pair, behaviour: { rules: [{ path: '/download', bytes: 400_000, bodyMs: 3000 }] } },
      { flows: { ...usual, downloads } },
    ),
    seconds: 115,
    begin: async (lab) => reloadRoute(lab, 'pages', { timeouts: { exchange: '2s' } }),
    end: async (lab) => reloadRoute(lab, 'pages', { timeouts: undefined }),
  }),
  outage('checkout-moves-to-a-name-without-a-host', 'redirect', {
    what: 'A reload redirects the checkout to a new name, under which nothing is served yet.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['checkout'],
    setup: shop(),
    begin: async (lab) =>
      reloadRoute(lab, 'checkout', { to: undefined, redirect: { location: 'https://pay.shop.test', status: 308 } }),
    end: async (lab) => reloadRoute(lab, 'checkout', { to: 'shop', redirect: undefined }),
  }),
  outage('weights-are-the-wrong-way-round', 'weights', {
    what: 'A reload gives the old host, which was to get a twentieth of the requests, nearly all: it cannot bear them.',
    harm: ['slow'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['shop'],
    setup: shop(
      {
        ...pair,
        behaviour: { capacity: 2, queueMax: 20, rules: [{ slower: 4 }] },
        keys: { balance: 'round_robin' },
      },
      { flows: withoutReports },
    ),
    begin: async (lab) => reloadWeights(lab, 1, 20),
    end: async (lab) => reloadWeights(lab, 1, 1),
  }),
  outage('reload-takes-an-office-for-an-attack', 'connection_limit', {
    what: 'A reload allows two connections of an address at a time: most requests of an office behind one address are refused.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: [],
    setup: shop(pair, { flows: { ...usual, office } }),
    begin: async (lab) => reloadClient(lab, { connections_per_address_max: 2 }),
    end: async (lab) => reloadClient(lab, undefined),
  }),
  outage('breaker-opens-for-usual-failures', 'circuit_breaker', {
    what: 'Two of a hundred suggestions have always been 500. A reload adds a circuit breaker that opens at one of a hundred: searches are 503.',
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: ['search'],
    setup: shop({ ...pair, behaviour: { rules: [failing] } }),
    begin: async (lab) =>
      reloadRoute(lab, 'search', {
        circuit_breaker: {
          ...{ window: '10s', requests_min: 10, failures_max: '1%', server_errors: true },
          ...{ open: '8s', open_max: '10s' },
        },
      }),
    end: async (lab) => reloadRoute(lab, 'search', { circuit_breaker: undefined }),
  }),
  outage('reload-bounds-answers', 'answer_limit', {
    what: 'A reload allows answers of 16 KiB at most for files: the script of all pages is larger, and gets a 502.',
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: ['static'],
    setup: shop(),
    begin: async (lab) => reloadRoute(lab, 'static', { response_body_max: '16KiB' }),
    end: async (lab) => reloadRoute(lab, 'static', { response_body_max: undefined }),
  }),
  outage('reload-refuses-long-addresses', 'long_addresses', {
    what: 'A reload allows 160 bytes for a path and its query: searches with many filters, one of fifty requests, get 414.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: [],
    setup: shop(pair, { flows: { ...usual, longSearches } }),
    seconds: 115,
    begin: async (lab) => reloadClient(lab, { target_max: '160B' }),
    end: async (lab) => reloadClient(lab, undefined),
  }),
  outage('shareholders-read-their-reports', 'pool_full', {
    what: 'A mail to the shareholders brings twenty reports a second, of 1.5 s each; the gateway may have twenty connections to the application. Others get 503.',
    harm: ['slow'],
    suspects: ['pool_full', 'traffic_growth'],
    side: 'gateway',
    names: ['shop'],
    setup: shop({ ...single, keys: { connections: { max: 20, queue_max: 10, queue_timeout: '1s' } } }),
    begin: async (lab) => lab.sendToo({ shareholders }),
    end: async (lab) => lab.sendUsual(),
  }),
];

async function reloadWeights(lab: Lab, first: number, second: number): Promise<void> {
  await lab.reload(({ upstreams }) => {
    upstreams['shop'] = {
      ...upstreams['shop'],
      endpoints: [
        { address: lab.address('shop-1'), weight: first },
        { address: lab.address('shop-2'), weight: second },
      ],
    };
  });
}

/** Releases, and changes of the configuration. */
export const fifthOperatorOutages: readonly Outage[] = [...releaseOutages, ...configurationOutages];
