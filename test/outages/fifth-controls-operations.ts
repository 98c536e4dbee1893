import { control } from './control-form.ts';
import { addresses, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Control } from './outage.ts';
import { managed, pair, shop } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const spring = { method: 'GET', path: '/products/spring', perSecond: 8 };
const feed = { method: 'GET', path: '/feed', perSecond: 1 };
const shortPolls = { method: 'GET', path: '/api/poll', perSecond: 3, timeoutMs: 30_000 };
const pollsEnd = { path: '/api/poll', latencyMs: 2500 } as const;
/** The paths of all routes but that of the start page. */
const known = ['/api', '/search', '/static', '/products', '/reports', '/healthz', '/ws', '/events'];
const secondVersion = { method: 'GET', path: '/api/cart/v2', perSecond: 4 };

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
  await usualShop(lab);
};

/** What operators and releases do while nothing is wrong. */
export const fifthOperationControls: readonly Control[] = [
  control('release-brings-a-new-section', 'new_paths', 'A good release has new pages, which many look at.', {
    setup: shop(managed),
    begin: async (lab) => {
      await lab.release('shop', {});
      lab.sendToo({ spring });
    },
    end: async (lab) => lab.sendUsual(),
  }),
  control(
    'apps-learn-the-second-version-of-the-api',
    'new_paths',
    'Customers update their app in the course of a minute, and it asks for the cart under another path.',
    {
      begin: async (lab) => {
        for (const [index, share] of [0.25, 0.5, 0.75, 1].entries())
          afterwards(index * 12_000, () =>
            lab.sendToo({
              'GET /api/cart': { method: 'GET', path: '/api/cart', perSecond: 6 * (1 - share) },
              secondVersion: { ...secondVersion, perSecond: 6 * share },
            }),
          );
      },
      end: usualRequests,
    },
  ),
  control(
    'feed-is-retired',
    'retired_paths',
    'A release retires the feed, as announced a year ago: the few programs that still read it get 410.',
    {
      setup: shop(managed, { flows: { ...usual, feed } }),
      begin: async (lab) => lab.release('shop', { rules: [{ path: '/feed', status: 410, bytes: 60 }] }),
    },
  ),
  control(
    'start-page-leads-to-languages',
    'redirect',
    'A release redirects a third of those who ask for the start page to one in their language, as planned.',
    {
      setup: shop(managed),
      begin: async (lab) => {
        await lab.release('shop', {
          rules: [
            ...known.map((path) => ({ path })),
            { path: '/en', status: 200, type: 'text/html; charset=utf-8', bytes: 6100 },
            { path: '/', share: 0.33, status: 302, location: '/en/', bytes: 0 },
          ],
        });
        lab.sendToo({ english: { method: 'GET', path: '/en/', perSecond: 1 } });
      },
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control(
    'release-with-smaller-files',
    'release',
    'A good release compresses its files better: scripts and styles are an eighth smaller.',
    {
      setup: shop(managed),
      begin: async (lab) =>
        lab.release('shop', {
          rules: [
            { path: '/static/app', bytes: 21_000 },
            { path: '/static', bytes: 7900 },
          ],
        }),
    },
  ),
  control(
    'release-while-polls-wait',
    'long_poll',
    'A good release replaces both instances while pages wait for messages by polls of 2.5 s.',
    {
      setup: shop({ ...managed, behaviour: { rules: [pollsEnd] } }, { flows: { ...usual, shortPolls } }),
      begin: async (lab) => lab.release('shop', { rules: [pollsEnd] }),
    },
  ),
  control(
    'hosts-with-many-sockets-are-restarted',
    'websockets',
    'A script restarts two of three hosts, one after the other. Each closes its WebSockets, which connect again.',
    {
      setup: shop({ ...pair, instances: 3 }, { sockets: 18, events: 6 }),
      begin: async (lab) => {
        for (const [index, one] of ['shop-1', 'shop-3'].entries())
          afterwards(index * 20_000, () => void lab.restart(one).catch(() => {}));
      },
      end: async () => endWaves(),
    },
  ),
  control(
    'all-hosts-are-replaced',
    'blue_green',
    'A reload leads all requests from two old hosts to two new ones, which are a little faster.',
    {
      setup: shop(pair, {
        applications: { shop: pair, green: { ...pair, behaviour: { rules: [{ path: '/healthz' }, { slower: 0.8 }] } } },
      }),
      begin: async (lab) =>
        lab.reload(({ upstreams }) => {
          upstreams['shop'] = {
            ...upstreams['shop'],
            endpoints: ['green-1', 'green-2'].map((one) => lab.address(one)),
          };
        }),
    },
  ),
  control(
    'reload-balances-in-another-way',
    'reload',
    'A reload balances round robin, and repeats requests that are answered by 503 once.',
    {
      begin: async (lab) =>
        lab.reload((file) => {
          file.upstreams['shop'] = { ...file.upstreams['shop'], balance: 'round_robin' };
          file['retry'] = { attempts: 2, statuses: [503] };
        }),
    },
  ),
  control(
    'cache-is-emptied-on-purpose',
    'cache_warm_up',
    'A person empties the cache after a change of prices: products take twice as long, and less from ten to ten seconds.',
    {
      begin: async (lab) => {
        for (const [index, slower] of [2, 1.7, 1.4, 1.2].entries())
          afterwards(index * 10_000, () => lab.behave('shop', { rules: [{ path: '/products', slower }] }));
      },
      end: usualRequests,
    },
  ),
  control(
    'search-tries-another-order',
    'experiment',
    'For a tenth of all searches another order of what is found is tried: they take 60 % longer, and find less.',
    {
      begin: async (lab) =>
        lab.behave('shop', {
          rules: [{ path: '/search/suggest' }, { path: '/search', share: 0.1, slower: 1.6, bytes: 3300 }],
        }),
      end: usualShop,
    },
  ),
  control(
    'yearly-report-is-made',
    'slow_reports',
    'A release has a new report of the year, which takes six seconds; those who ask for it wait.',
    {
      setup: shop(managed),
      begin: async (lab) => {
        await lab.release('shop', { rules: [{ path: '/reports/yearly', latencyMs: 6000 }] });
        lab.sendToo({
          yearly: {
            method: 'GET',
            path: '/reports/yearly',
            perSecond: 0.7,
            clients: addresses.slice(0, 4),
            timeoutMs: 60_000,
          },
        });
      },
      end: async (lab) => lab.sendUsual(),
    },
  ),
];
