import { control } from './control-form.ts';
import { addressesFrom, ordinaryFlows } from './flows.ts';
import { endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Control } from './outage.ts';
import { managed, pair, shop, single } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const previews = { method: 'GET', path: '/', perSecond: 30, clients: addressesFrom(60, 40) };
const warmer = { method: 'GET', path: '/products/{n}', perSecond: 60, clients: ['127.0.66.50'] };
const stock = { method: 'GET', path: '/products/{n}', perSecond: 100, clients: ['127.0.66.51'] };
const reports = { method: 'GET', path: '/reports/monthly', perSecond: 4 };
const films = { method: 'GET', path: '/download/film', perSecond: 2 };
const parts = { method: 'GET', path: '/download/film', perSecond: 1.5 };
const bots = {
  method: 'GET',
  path: '/products',
  perSecond: 15,
  clients: addressesFrom(200, 25),
  isOutsider: true as const,
};

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
};

/** The fourth set of what happens while nothing is wrong. */
export const fourthControls: readonly Control[] = [
  control(
    'a-link-goes-round',
    'previews',
    'A link is posted in large groups: forty programs fetch the start page to preview it.',
    {
      begin: async (lab) =>
        startWaves(
          20_000,
          5000,
          () => lab.sendToo({ previews }),
          () => lab.sendUsual(),
        ),
      end: usualRequests,
    },
  ),
  control(
    'caches-are-warmed-after-a-release',
    'cache_warm_up',
    'A good release is slower while its cache is cold, and a program asks for every product.',
    {
      setup: shop(managed),
      begin: async (lab) => {
        await lab.release('shop', { coldMs: 15_000 });
        lab.sendToo({ warmer });
      },
      end: usualRequests,
    },
  ),
  control('release-closes-every-connection', 'release', 'A good release ends each connection with its response.', {
    setup: shop(managed),
    begin: async (lab) => lab.release('shop', { rules: [{ headers: { connection: 'close' } }] }),
  }),
  control(
    'stock-is-compared-by-cron',
    'cron_peak',
    'A program of the warehouse asks for a hundred products within a second, four times a minute.',
    {
      begin: async (lab) =>
        startWaves(
          15_000,
          1000,
          () => lab.sendToo({ stock }),
          () => lab.sendUsual(),
        ),
      end: usualRequests,
    },
  ),
  control(
    'last-day-of-the-month',
    'slow_reports',
    'All departments ask for their reports, which take as long as ever: thirteen times as many as usual.',
    {
      begin: async (lab) => lab.sendToo({ 'GET /reports/monthly': reports }),
      end: usualRequests,
    },
  ),
  control(
    'viewers-skip-through-a-film',
    'aborted_downloads',
    'People skip through a film: their players leave each download after a part of it.',
    {
      setup: shop(pair, { flows: { ...usual, films } }),
      begin: async (lab) => lab.sendToo({ films: { ...films, perSecond: 5, leavesAfterBytes: 200_000 } }),
      end: usualRequests,
    },
  ),
  control(
    'sale-begins-at-noon',
    'other_mix',
    'At noon searches become few, and orders and checkouts five times as many. All are answered.',
    {
      begin: async (lab) =>
        lab.sendToo({
          'GET /search?q={n}': { method: 'GET', path: '/search?q={n}', perSecond: 0.5 },
          'GET /search/suggest?q={n}': { method: 'GET', path: '/search/suggest?q={n}', perSecond: 0.4 },
          'POST /api/checkout': { method: 'POST', path: '/api/checkout', perSecond: 15 },
          'GET /api/orders': { method: 'GET', path: '/api/orders', perSecond: 15 },
        }),
      end: usualRequests,
    },
  ),
  control(
    'half-of-the-pages-try-a-new-design',
    'experiment',
    'Half of the pages of products get a new design, which is a quarter larger and a little slower.',
    {
      begin: async (lab) =>
        lab.behave('shop', { rules: [{ path: '/products/', share: 0.5, bytes: 6200, slower: 1.3 }] }),
      end: usualShop,
    },
  ),
  control(
    'bots-are-turned-away',
    'blocked_bots',
    'Bots from 25 new addresses are turned away with 403. Customers notice nothing.',
    {
      setup: shop({
        ...pair,
        behaviour: {
          rules: [
            { client: '127.0.66.20', path: '/products', status: 403, bytes: 90 },
            { client: '127.0.66.21', path: '/products', status: 403, bytes: 90 },
            { client: '127.0.66.22', path: '/products', status: 403, bytes: 90 },
          ],
        },
      }),
      begin: async (lab) => lab.sendToo({ bots }),
      end: usualRequests,
    },
  ),
  control('downloads-go-on-in-parts', 'ranges', 'A new player asks for parts of films: the application answers 206.', {
    begin: async (lab) => {
      lab.behave('shop', {
        rules: [{ path: '/download', status: 206, headers: { 'content-range': 'bytes 0-1499999/9000000' } }],
      });
      lab.sendToo({ parts: { ...parts, perSecond: 4, headers: { range: 'bytes=0-1499999' } } });
    },
    end: async (lab) => {
      await usualRequests(lab);
      await usualShop(lab);
    },
  }),
  control(
    'a-third-host-is-farther-away',
    'farther_host',
    'A reload adds a host in another town. It answers as the others do, twenty milliseconds later.',
    {
      setup: shop(pair, { applications: { shop: pair, far: { ...single, hasRelay: true } } }),
      begin: async (lab) => {
        lab.relay('far-1').behaviour = { delayMs: 10 };
        await lab.reload(({ upstreams }) => {
          upstreams['shop'] = {
            ...upstreams['shop'],
            endpoints: ['shop-1', 'shop-2', 'far-1'].map((one) => lab.address(one)),
          };
        });
      },
    },
  ),
  control(
    'reload-with-longer-limits',
    'reload',
    'A reload makes many limits longer, and asks the application for more connections.',
    {
      begin: async (lab) =>
        lab.reload((file) => {
          file['timeouts'] = { connect: '8s', response_head: '50s', idle: '90s' };
          file['client'] = { keep_alive: '90s', body_max: '64MiB' };
          file.upstreams['shop'] = { ...file.upstreams['shop'], connections: { max: 200, idle_max: 64 } };
        }),
    },
  ),
];
