import type { Control } from './outage.ts';
import { control } from './control-form.ts';
import { managed, pair, shop, single } from './shop.ts';

const named = { ...pair, host: 'shop.internal', named: 1 } as const;

/** What operators do while nothing is wrong, and what applications do at times. */
export const operationControls: readonly Control[] = [
  control('good-release', 'release', 'A release replaces both instances, and works.', {
    setup: shop(managed),
    begin: (lab) => lab.release('shop', {}),
  }),
  control('three-good-releases', 'release', 'Three releases within a minute, all of which work.', {
    setup: shop(managed, { hasStore: true }),
    begin: async (lab) => {
      await lab.release('shop', {});
      setTimeout(() => void lab.release('shop', {}).catch(() => {}), 25_000);
      setTimeout(() => void lab.release('shop', {}).catch(() => {}), 50_000);
    },
  }),
  control('release-with-larger-pages', 'release', 'A release with a new design: pages are a fifth larger.', {
    setup: shop(managed),
    begin: (lab) =>
      lab.release('shop', {
        rules: [
          { path: '/products/', bytes: 6000 },
          { path: '/products', bytes: 10_800 },
        ],
      }),
  }),
  control(
    'rolling-restart',
    'restart',
    'A script restarts the two processes, one after the other, each when the other one serves.',
    {
      setup: shop({ ...pair, instances: 3 }),
      begin: async (lab) => {
        for (const [index, one] of ['shop-1', 'shop-2', 'shop-3'].entries())
          setTimeout(() => void lab.restart(one).catch(() => {}), index * 12_000);
      },
    },
  ),
  control('cold-start', 'cache', 'A release begins with empty caches: twice as slow for half a minute.', {
    setup: shop(managed),
    begin: (lab) => lab.release('shop', { coldMs: 30_000 }),
  }),
  control('nightly-backup', 'backup', 'A backup makes everything half as slow again for a minute.', {
    begin: async (lab) => lab.behave('shop', { rules: [{ slower: 1.5 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  control('streams-end-together', 'streams', 'The service of events ends all its streams, and pages connect again.', {
    setup: shop(pair, { events: 12, sockets: 6 }),
    begin: async (lab) => lab.behave('shop', { streamGeneration: 2 }),
    end: async (lab) => lab.behave('shop', { streamGeneration: 3 }),
  }),
  control('reload-without-changes', 'reload', 'The same configuration is read again.', {
    begin: (lab) => lab.reload(),
  }),
  control('reload-with-a-route', 'reload', 'A reload adds a route for a new section.', {
    begin: async (lab) => {
      await lab.reload(({ routes }) => void routes.unshift({ id: 'feed', path: '/feed', to: 'shop' }));
      lab.sendToo({ feed: { method: 'GET', path: '/feed', perSecond: 2 } });
    },
    end: async (lab) => lab.sendUsual(),
  }),
  control('reload-with-more-workers', 'reload', 'A reload doubles the workers of the gateway.', {
    begin: (lab) => lab.reload((configuration) => Object.assign(configuration, { workers: 2 })),
  }),
  control('maintenance', 'maintenance', 'A person closes the reports for maintenance, as announced.', {
    begin: async (lab) =>
      void (await lab.admin('POST', '/v1/overlay/maintenance', {
        route: 'reports',
        message: 'Back at six.',
        retry_after_s: 600,
      })),
    end: async (lab) => void (await lab.admin('POST', '/v1/overlay/restore', {})),
  }),
  control('planned-drain', 'maintenance', 'A person drains one of three hosts, updates it, and restores it.', {
    setup: shop({ ...pair, instances: 3 }),
    begin: async (lab) => {
      await lab.admin('POST', '/v1/overlay/drain', { endpoint: lab.address('shop-2') });
      setTimeout(() => void lab.restart('shop-2').catch(() => {}), 12_000);
    },
    end: async (lab) => void (await lab.admin('POST', '/v1/overlay/restore', {})),
  }),
  control('move-to-another-host', 'dns', 'The name of the application leads to a second host, which is as good.', {
    setup: shop(named),
    begin: async (lab) => lab.lead('shop.internal', '127.0.67.2'),
    end: async (lab) => lab.lead('shop.internal', '127.0.67.1', '127.0.67.2'),
  }),
  control('scale-out-and-in', 'scaling', 'A reload takes a second host out, and later in again.', {
    begin: (lab) =>
      lab.reload(
        ({ upstreams }) => void Object.assign(upstreams['shop'] ?? {}, { endpoints: [lab.address('shop-1')] }),
      ),
    end: (lab) =>
      lab.reload(
        ({ upstreams }) =>
          void Object.assign(upstreams['shop'] ?? {}, { endpoints: [lab.address('shop-1'), lab.address('shop-2')] }),
      ),
  }),
  control('more-instances', 'scaling', 'A reload runs three instances in place of two.', {
    setup: shop(managed),
    begin: (lab) => lab.reload(({ applications }) => void Object.assign(applications['shop'] ?? {}, { instances: 3 })),
    end: (lab) => lab.reload(({ applications }) => void Object.assign(applications['shop'] ?? {}, { instances: 2 })),
  }),
  control(
    'certificate-is-renewed',
    'certificate',
    'The application gets a new certificate, and is restarted with it host by host.',
    {
      setup: shop({ ...pair, instances: 2, tls: 'usual' }),
      begin: async (lab) => {
        lab.certify('shop', ['shop.internal']);
        await lab.restart('shop-1');
        setTimeout(() => void lab.restart('shop-2').catch(() => {}), 12_000);
      },
    },
  ),
  control('one-pause', 'pause', 'The process collects its garbage once, for 300 ms.', {
    setup: shop(single),
    begin: async (lab) => {
      lab.behave('shop', { blockEvery: { ms: 300, everyMs: 2000 } });
      setTimeout(() => lab.behaveUsually('shop'), 2500);
    },
  }),
];
