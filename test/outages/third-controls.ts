import { setTimeout as sleep } from 'node:timers/promises';
import { control, nothing } from './control-form.ts';
import { addressesFrom, ordinaryFlows } from './flows.ts';
import type { Control } from './outage.ts';
import { managed, pair, shop, single } from './shop.ts';

const usual = ordinaryFlows();
const testers = { method: 'GET', path: '/products', perSecond: 3, headers: { 'x-version': 'next' } };
const monitors = addressesFrom(150, 12);
const monitored = { perSecond: 3, clients: monitors, isOutsider: true, timeoutMs: 2000 } as const;
const soldOut = { method: 'POST', path: '/api/cart', perSecond: 6, body: '{"product":"sold-out","count":1}' };

/** The third set of what happens while nothing is wrong. */
export const thirdControls: readonly Control[] = [
  control(
    'testers-get-the-next-version',
    'canary',
    'A reload sends requests with a header to a new version, which is good.',
    {
      setup: shop(pair, { applications: { shop: pair, next: single }, flows: { ...usual, testers } }),
      begin: async (lab) =>
        lab.reload(({ routes }) => {
          routes.unshift({ id: 'next', path: '/', headers: { 'x-version': 'next' }, to: 'next' });
        }),
    },
  ),
  control(
    'search-moves-to-a-service-of-its-own',
    'reload',
    'A reload sends searches to a service that answers as before.',
    {
      setup: shop(pair, { applications: { shop: pair, search: single } }),
      begin: async (lab) =>
        lab.reload(({ routes }) => {
          for (const route of routes) if (route['id'] === 'search') route['to'] = 'search';
        }),
    },
  ),
  control(
    'names-in-another-order',
    'dns',
    'The name server gives the same two addresses in turn, first this one, then that one.',
    {
      setup: shop({ by: 'others', instances: 2, host: 'shop.test' }),
      begin: async (lab) => {
        for (let turn = 0; turn < 6; turn++) {
          const order = turn % 2 === 0 ? ['127.0.67.2', '127.0.67.1'] : ['127.0.67.1', '127.0.67.2'];
          lab.lead('shop.test', ...order);
          await sleep(10_000);
        }
      },
    },
  ),
  control(
    'product-is-sold-out',
    'conflicts',
    'All want a product that is sold out: two of three changes of carts are a 409.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/api/cart', contains: 'sold-out', status: 409, bytes: 90 }] },
      }),
      begin: async (lab) => lab.sendToo({ soldOut }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control(
    'recommendations-fall-back',
    'fallback',
    'A service of recommendations is gone. The application says so in its output, and shows the products without them.',
    {
      setup: shop(managed),
      begin: async (lab) =>
        lab.behave('shop', {
          rules: [
            { path: '/products', share: 0.7, prints: 'Error: recommendations: connect ECONNREFUSED 10.0.0.7:8080' },
          ],
        }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
  control(
    'cache-grows-and-is-emptied',
    'memory',
    'The cache of the application grows for a minute, then it is emptied.',
    {
      setup: shop(managed),
      begin: async (lab) => lab.behave('shop', { leakMibPerSecond: 2 }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
  control(
    'index-is-rebuilt',
    'slow_as_ever',
    'An index is rebuilt: every response takes 40 % longer, and no client gives up.',
    {
      begin: async (lab) => lab.behave('shop', { rules: [{ path: '/healthz' }, { slower: 1.4 }] }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
  control('night-without-requests', 'quiet', 'For forty seconds no client sends anything, then all do again.', {
    begin: async (lab) => {
      lab.send({});
      await sleep(40_000);
      lab.sendUsual();
    },
    end: nothing,
  }),
  control(
    'monitors-from-many-places',
    'monitors',
    'Twelve places of a monitoring service begin to ask for pages and sessions.',
    {
      begin: async (lab) =>
        lab.sendToo({
          'monitors of pages': { method: 'GET', path: '/', ...monitored },
          'monitors of sessions': { method: 'HEAD', path: '/api/session', ...monitored },
        }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control(
    'old-phones-ask-for-what-is-gone',
    'old_clients',
    'Old phones wake up and ask for a path that was removed a year ago.',
    {
      begin: async (lab) => lab.sendToo({ old: { method: 'GET', path: '/api/v1/start', perSecond: 5 } }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
];
