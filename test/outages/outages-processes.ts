import { ordinaryFlows } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, shopWithSearch, single } from './shop.ts';

const oneManaged = { ...managed, instances: 1 };
const poison = {
  method: 'POST',
  path: '/api/import',
  perSecond: 0.25,
  clients: ['127.0.66.40'],
  body: '{"rows":"poison"}',
  isOutsider: true,
} as const;

/** What happens to the processes of an application, or to one of its hosts. */
export const processOutages: readonly Outage[] = [
  outage('crash-loop', 'crash_loop', {
    what: 'A damaged file ends the application two seconds after each start.',
    suspects: ['crash'],
    side: 'application',
    names: ['shop'],
    setup: shop(oneManaged, { hasStore: true }),
    begin: async (lab) => {
      lab.behave('shop', {
        exitAfterMs: 2000,
        lastWords: 'Error: corrupt index file',
        rules: [{ path: '/api/cart', share: 0.3, exit: 1 }],
      });
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('poison-ends-processes', 'poison', {
    what: 'One client imports a file again and again that ends the process that reads it: requests of others are cut.',
    suspects: ['crash', 'one_client'],
    side: 'application',
    names: ['shop|127.0.66.40'],
    setup: shop({
      ...managed,
      behaviour: {
        rules: [
          { path: '/api/import', contains: 'poison', exit: 139 },
          { path: '/api/checkout', method: 'POST', latencyMs: 250 },
        ],
      },
    }),
    seconds: 110,
    begin: async (lab) => lab.sendToo({ poison }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('rare-crashes', 'crash', {
    what: 'A library ends the process in one of 400 checkouts and searches; what it was about to answer is lost.',
    marks: ['low rate'],
    suspects: ['crash'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...managed, behaviour: { rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 400 }] } }),
    seconds: 118,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/search', method: 'GET', share: 0.008, exit: 134, prints: 'free(): invalid pointer' },
          { path: '/api/checkout', method: 'POST', latencyMs: 400 },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('all-processes-are-gone', 'gone', {
    what: 'A clean-up script ends both processes, which nobody starts again for more than a minute.',
    suspects: ['nothing_listens', 'crash'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) await lab.process(one).stop('SIGKILL');
    },
    end: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) await lab.start(one);
    },
  }),
  outage('restart-does-not-come-up', 'not_started', {
    what: 'The application ends, and its new process waits for a lock that another program holds: it never listens.',
    suspects: ['not_started', 'crash'],
    side: 'application',
    names: ['shop'],
    setup: shop(oneManaged, { hasStore: true }),
    begin: async (lab) => {
      lab.behave('shop', {
        start: 'never_listens',
        rules: [{ path: '/api/cart', exit: 1, prints: 'Error: lost the lock' }],
      });
    },
    end: async (lab) => {
      lab.behaveUsually('shop');
      await lab.release('shop', {});
    },
  }),
  outage('memory-runs-out', 'memory', {
    what: 'A leak of 25 MiB a second: the kernel kills the instance at 300 MiB, again and again.',
    suspects: ['out_of_memory', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop({
      ...oneManaged,
      memoryMib: 300,
      behaviour: { rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 900 }] },
    }),
    seconds: 110,
    begin: async (lab) =>
      lab.behave('shop', { leakMibPerSecond: 25, rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 900 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('garbage-collection-pauses', 'pauses', {
    what: 'The heap is nearly full: the process stands still for 700 ms in every three seconds.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop(oneManaged),
    begin: async (lab) => lab.behave('shop', { blockEvery: { ms: 700, everyMs: 3000 } }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('event-loop-hangs', 'hang', {
    what: 'A loop without end: the only process accepts connections, and answers nothing for more than a minute.',
    suspects: ['slow_application', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop(single, { keys: { timeouts: { response_head: '5s' } } }),
    seconds: 70,
    begin: async (lab) => lab.process('shop-1').signal('SIGSTOP'),
    end: async (lab) => lab.process('shop-1').signal('SIGCONT'),
  }),
  outage('job-takes-the-processor', 'processor', {
    what: 'A job runs in the control group of the application: what is left is a hundredth of a core.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['resource_limit', 'slow_application'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...oneManaged, hasCpuGroup: true }),
    begin: async (lab) => lab.limitProcessor('shop', 0.012),
    end: async (lab) => lab.limitProcessor('shop', 0),
  }),
  outage('cron-job-computes', 'processor', {
    what: 'A report is computed in the process that serves: three quarters of each half second are gone.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['resource_limit', 'slow_application'],
    side: 'application',
    names: ['shop'],
    setup: shop(oneManaged),
    seconds: 60,
    isHeavy: true,
    begin: async (lab) => lab.behave('shop', { burnEvery: { ms: 380, everyMs: 500 } }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('disk-is-full', 'disk', {
    what: 'The disk of the application is full: whatever writes is 500, reading goes on.',
    suspects: ['resource_limit', 'application_errors'],
    side: 'application',
    names: ['cart'],
    setup: shop(managed, { hasStore: true }),
    begin: async (lab) => lab.behave('shop', { rules: [{ method: 'POST', writesToFullDisk: true }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('disk-is-slow', 'disk', {
    what: 'The disk stalls at times: one of twenty writes takes 2.5 s.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit'],
    side: 'application',
    names: ['cart'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ method: 'POST', share: 0.05, latencyMs: 2500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('descriptors-run-out', 'descriptors', {
    what: 'The application opens files and forgets them: it accepts no connection once its limit is reached.',
    suspects: ['application_descriptors', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...oneManaged, descriptors: 90, keys: { connections: { idle_timeout: '1s' } } }),
    seconds: 110,
    begin: async (lab) => lab.behave('shop', { leakDescriptorsPerSecond: 6, keepAliveMs: 1200 }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('one-host-is-slow', 'one_host', {
    what: 'The disk of one of two hosts is worn out: everything that it answers takes forty times as long.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['one_endpoint'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop({ ...pair, keys: { balance: 'round_robin' } }),
    begin: async (lab) => lab.behave('shop-2', { rules: [{ path: '/healthz' }, { path: '/reports' }, { slower: 40 }] }),
    end: async (lab) => lab.behaveUsually('shop-2'),
  }),
  outage('one-host-fails-at-times', 'one_host', {
    what: 'One of two hosts has broken memory: a tenth of its answers are 500.',
    marks: ['low rate'],
    suspects: ['one_endpoint'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    before: (lab) => lab.reload(),
    begin: async (lab) => lab.behave('shop-2', { rules: [{ path: '/healthz' }, { share: 0.08, status: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop-2'),
  }),
  outage('one-host-cannot-reach-database', 'one_host', {
    what: 'One of two hosts lost its way to the database after a change of its firewall: it is 500 for carts and orders.',
    suspects: ['one_endpoint'],
    side: 'application',
    names: ['{shop-1}'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop-1', {
        rules: [
          { path: '/api/cart', status: 500 },
          { path: '/api/orders', status: 500 },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop-1'),
  }),
  outage('one-host-resets-at-times', 'one_host', {
    what: 'The network card of one of three hosts resets five of a hundred connections in the middle of a POST.',
    marks: ['low rate'],
    suspects: ['one_endpoint', 'connections_cut'],
    side: 'application',
    names: ['{shop-3}'],
    setup: shop({ ...pair, instances: 3 }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop-3', { rules: [{ method: 'POST', share: 0.3, end: 'reset' }] }),
    end: async (lab) => lab.behaveUsually('shop-3'),
  }),
  outage('one-host-stands-still', 'one_host', {
    what: 'One of three hosts stands still: the kernel still accepts its connections, and nothing is answered.',
    suspects: ['one_endpoint'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop({ ...pair, instances: 3, keys: { check: 'tcp' } }, { keys: { timeouts: { response_head: '4s' } } }),
    seconds: 70,
    begin: async (lab) => lab.process('shop-2').signal('SIGSTOP'),
    end: async (lab) => lab.process('shop-2').signal('SIGCONT'),
  }),
  outage('one-host-has-old-prices', 'one_host', {
    what: 'One of two hosts serves an error page of its web server with 200 for a tenth of the product pages.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['products|{shop-1}'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) => lab.behave('shop-1', { rules: [{ path: '/products', share: 0.09, bytes: 700 }] }),
    end: async (lab) => lab.behaveUsually('shop-1'),
  }),
  outage('search-service-is-gone', 'gone', {
    what: 'The service of searches is ended by its supervisor while the shop serves on.',
    suspects: ['nothing_listens', 'crash'],
    side: 'application',
    names: ['search'],
    setup: shopWithSearch(),
    begin: (lab) => lab.process('search-1').stop(),
    end: (lab) => lab.start('search-1'),
  }),
  outage('stale-worker-of-many', 'workers', {
    what: 'One of some 25 worker threads of the application lost its state: one request in 25 of any kind is 500.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['shop'],
    setup: shop(oneManaged, { flows: ordinaryFlows(1.3) }),
    seconds: 110,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/healthz' }, { share: 0.035, status: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
];
