import type { Control } from './outage.ts';
import { managed, shop } from './shop.ts';

export const controls: readonly Control[] = [
  {
    name: 'good-release',
    kind: 'release',
    what: 'A release replaces both instances, and works.',
    play: {
      setup: shop(managed),
      seconds: 60,
      begin: (lab) => lab.release('shop', {}),
      end: async () => {},
    },
  },
];
