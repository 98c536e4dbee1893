import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { ordinaryFlows } from './flows.ts';
import { managed, pair, shop, shopNeeds, shopWithDatabase, single } from './shop.ts';

const front = ordinaryFlows();
const inTime = Object.fromEntries(Object.entries(front).map(([name, flow]) => [name, { ...flow, timeoutMs: 20_000 }]));
const withAuth = { ...pair, dependencies: ['auth'], behaviour: { needs: { '/api': ['auth'] } } };

/** What is behind the application: databases, third parties, caches. */
export const dependencyOutages: readonly Outage[] = [
  outage('migration-locks-orders', 'database', {
    what: 'A migration locks a table: requests for orders wait, and get a 503 of the application after five seconds.',
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: ['api'],
    setup: shopWithDatabase(),
    begin: async (lab) => lab.behave('database', { rules: [{ path: '/dependency/api/orders', end: 'hang' }] }),
    end: async (lab) => lab.behave('database', {}),
  }),
  outage('database-is-slow', 'database', {
    what: 'Statistics of the database are old: each query takes 300 ms.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: [],
    setup: shopWithDatabase(),
    begin: async (lab) => lab.behave('database', { rules: [{ latencyMs: 300 }] }),
    end: async (lab) => lab.behave('database', {}),
  }),
  outage('database-is-down', 'database', {
    what: 'The database is stopped: what needs it is 500 at once, files and searches are served.',
    suspects: ['dependency', 'application_errors'],
    side: 'application',
    names: ['cart'],
    setup: shopWithDatabase(managed, { hasStore: true }),
    begin: (lab) => lab.process('database').stop(),
    end: (lab) => lab.start('database'),
  }),
  outage('deadlocks-at-checkout', 'database', {
    what: 'Two of a hundred transactions of the checkout end in a deadlock.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(managed, {
      hasStore: true,
      flows: { ...front, more: { method: 'POST', path: '/api/checkout', perSecond: 6 } },
    }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/api/checkout', method: 'POST', share: 0.03, status: 500, prints: 'ERROR:  deadlock detected' },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('pool-leaks-connections', 'connection_pool', {
    what: 'The application gives connections to its database back only mostly: its pool runs dry, and requests get 503 after two seconds.',
    suspects: ['dependency', 'slow_application', 'application_errors'],
    side: 'application',
    names: [],
    setup: shopWithDatabase(single),
    seconds: 100,
    begin: async (lab) => lab.behave('shop', { needs: shopNeeds, poolLeak: 0.03, dependencyTimeoutMs: 2000 }),
    end: async (lab) => {
      lab.behaveUsually('shop');
      await lab.restart('shop-1');
    },
  }),
  outage('pool-is-too-small', 'connection_pool', {
    what: 'A changed setting leaves one connection to the database: everything queues for it.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: [],
    setup: shopWithDatabase(single),
    begin: async (lab) => {
      lab.behave('database', { rules: [{ latencyMs: 26 }] });
      lab.behave('shop', { needs: shopNeeds, pool: 1, dependencyTimeoutMs: 9000 });
    },
    end: async (lab) => {
      lab.behave('database', {});
      lab.behaveUsually('shop');
    },
  }),
  outage('replica-lags', 'replica', {
    what: 'A replica is behind: one in eleven orders is not there yet, 404.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/orders/', share: 0.09, status: 404, bytes: 60 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('payments-slow-down', 'third_party', {
    what: 'The payment provider takes four seconds in place of a few milliseconds. Clients wait.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: ['checkout'],
    setup: shopWithDatabase({ ...pair, behaviour: { needs: shopNeeds, pool: 80 } }),
    before: (lab) => lab.reload(),
    begin: async (lab) => lab.behave('payments', { rules: [{ latencyMs: 4000 }] }),
    end: async (lab) => lab.behave('payments', {}),
  }),
  outage('payments-refuse', 'third_party', {
    what: 'The payment provider answers 503 to cards of one bank, one in twenty: the application passes it on as 502 at the checkout.',
    marks: ['low rate'],
    suspects: ['dependency', 'application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/checkout', share: 0.05, status: 502, body: '{"error":"payment provider unavailable"}' }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('fraud-check-times-out', 'third_party', {
    what: 'One of 25 checks for fraud is never answered: those checkouts get a 504 of the application after eight seconds.',
    marks: ['low rate'],
    suspects: ['dependency', 'slow_application', 'application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shop(pair, {
      flows: { ...inTime, more: { method: 'POST', path: '/api/checkout', perSecond: 4, timeoutMs: 20_000 } },
    }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/checkout', method: 'POST', share: 0.04, latencyMs: 8000, status: 504 }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('third-party-limits-rates', 'third_party', {
    what: 'A third party limits the rate of searches: the application passes on its 429 for one in twenty of them.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['search'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search', share: 0.045, status: 429, bytes: 50 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('auth-provider-is-down', 'auth', {
    what: 'The provider of logins is down: the application takes every session for expired, 401 for the whole API.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api', status: 401, bytes: 40 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('auth-provider-is-slow', 'auth', {
    what: 'The provider of logins takes a second and a half for one in twenty calls of the API.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: ['api'],
    setup: shop(withAuth),
    begin: async (lab) => lab.behave('auth', { rules: [{ share: 0.045, latencyMs: 1500 }] }),
    end: async (lab) => lab.behave('auth', {}),
  }),
  outage('signing-key-was-rotated', 'auth', {
    what: 'One of two hosts has an old signing key: a few sessions are refused with 403, those issued in the last minutes.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_endpoint'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) => lab.behave('shop-1', { rules: [{ path: '/api', share: 0.06, status: 403, bytes: 40 }] }),
    end: async (lab) => lab.behaveUsually('shop-1'),
  }),
  outage('cache-is-lost', 'cache', {
    what: 'The cache is empty after its restart: products take half a second, which grows less within two minutes.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    seconds: 90,
    begin: async (lab) => {
      lab.behave('shop', { rules: [{ path: '/products', share: 0.85, latencyMs: 500 }] });
      setTimeout(() => lab.behave('shop', { rules: [{ path: '/products', share: 0.5, latencyMs: 400 }] }), 40_000);
      setTimeout(() => lab.behave('shop', { rules: [{ path: '/products', share: 0.25, latencyMs: 300 }] }), 65_000);
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('slow-shard', 'cache', {
    what: 'One shard of twenty is slow: one order in twenty takes three seconds.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/orders', share: 0.05, latencyMs: 3000 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
];
