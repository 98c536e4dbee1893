import type { Outage } from './outage.ts';
import { managed, pair, shop } from './shop.ts';

export const outages: readonly Outage[] = [
  {
    name: 'release-breaks-checkout',
    kind: 'release',
    lowRate: false,
    no5xx: false,
    harm: [],
    truth: {
      suspects: ['release'],
      side: 'application',
      names: ['checkout'],
      what: 'A release answers 500 to every POST of the checkout; all else works.',
    },
    play: {
      setup: shop(managed, { hasStore: true }),
      seconds: 90,
      begin: (lab) =>
        lab.release('shop', {
          rules: [{ path: '/api/checkout', method: 'POST', status: 500, prints: 'TypeError: total is not a function' }],
        }),
      end: (lab) => lab.release('shop', {}),
    },
  },
  {
    name: 'one-host-is-slow',
    kind: 'one_slow_host',
    lowRate: false,
    no5xx: true,
    harm: ['slow'],
    truth: {
      suspects: ['one_endpoint'],
      side: 'application',
      names: ['{shop-2}'],
      what: 'The disk of one of two hosts is worn out: everything that it answers takes 40 times as long.',
    },
    play: {
      setup: shop({ ...pair, keys: { balance: 'round_robin' } }),
      seconds: 80,
      begin: async (lab) => lab.behave('shop-2', { rules: [{ path: '/healthz', slower: 1 }, { slower: 40 }] }),
      end: async (lab) => lab.behaveUsually('shop-2'),
    },
  },
];
