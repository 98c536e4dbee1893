import { addresses, ordinaryFlows } from './flows.ts';
import type { Control } from './outage.ts';
import { control, nothing } from './control-form.ts';
import { managed, pair, shop, single } from './shop.ts';

const usual = ordinaryFlows();
const sparse = ordinaryFlows(0.04);
const crawl = (perSecond: number, paths: readonly string[], method = 'GET', client = '127.0.66.90') =>
  Object.fromEntries(
    paths.map((path) => [
      path,
      { method, path, perSecond: perSecond / paths.length, clients: [client], isOutsider: true as const },
    ]),
  );
const scanned = ['/wp-login.php', '/.env', '/.git/config', '/admin/{n}', '/phpmyadmin', '/old/{n}.html'];

/** What clients do while nothing is wrong. */
export const trafficControls: readonly Control[] = [
  control('traffic-doubles', 'growth', 'Twice as many customers, whom the application bears.', {
    begin: async (lab) => lab.send(ordinaryFlows(2)),
    end: async (lab) => lab.sendUsual(),
  }),
  control('traffic-triples-slowly', 'growth', 'Three times as many customers within a minute.', {
    begin: async (lab) => {
      for (const [index, factor] of [1.5, 2, 2.5, 3].entries())
        setTimeout(() => lab.send(ordinaryFlows(factor)), index * 15_000);
    },
    end: async (lab) => lab.sendUsual(),
  }),
  control('weekend', 'quiet', 'A twentieth of the customers is left.', {
    begin: async (lab) => lab.send(ordinaryFlows(0.05)),
    end: async (lab) => lab.sendUsual(),
  }),
  control('crawler-of-dead-links', 'crawler', 'A crawler follows dead links: eight 404s a second.', {
    begin: async (lab) => lab.sendToo(crawl(8, scanned)),
    end: async (lab) => lab.sendUsual(),
  }),
  control('scanner-of-methods', 'crawler', 'A scanner tries HEAD and OPTIONS and methods that no page has.', {
    begin: async (lab) =>
      lab.sendToo({
        ...crawl(3, ['/', '/products'], 'HEAD'),
        ...crawl(3, ['/api/cart', '/search'], 'OPTIONS'),
        ...crawl(2, ['/api/orders', '/static/app.js'], 'DELETE'),
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('aborted-downloads', 'aborts', 'People begin downloads, and leave after the first part.', {
    begin: async (lab) =>
      lab.sendToo({
        download: { method: 'GET', path: '/download/{n}', perSecond: 2, leavesAfterBytes: 200_000, isOutsider: true },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('people-click-away', 'aborts', 'Some people leave reports before they come, each after another time.', {
    setup: shop(pair, { flows: { ...usual, ...impatient() } }),
    begin: nothing,
    end: nothing,
  }),
  control('peak-of-a-cron-job', 'peak', 'At the full minute thirty orders come at once, from one host.', {
    begin: async (lab) => {
      for (const at of [2000, 32_000, 62_000]) {
        setTimeout(
          () =>
            lab.sendToo({
              cron: { method: 'GET', path: '/api/orders', perSecond: 60, clients: ['127.0.66.91'], isOutsider: true },
            }),
          at,
        );
        setTimeout(() => lab.sendUsual(), at + 1500);
      }
    },
    end: async (lab) => lab.sendUsual(),
  }),
  control(
    'slow-reports',
    'slow_as_ever',
    'Reports take 1.5 s as ever; there are more of them at the end of the month.',
    {
      begin: async (lab) => lab.sendToo({ month: { method: 'GET', path: '/reports/{n}', perSecond: 3 } }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control('long-polls', 'long_poll', 'A new page waits for messages by long polls of twenty seconds.', {
    begin: async (lab) => lab.sendToo({ poll: { method: 'GET', path: '/api/poll', perSecond: 1, timeoutMs: 60_000 } }),
    end: async (lab) => lab.sendUsual(),
  }),
  control(
    'bad-credentials',
    'credentials',
    'The password of one client has expired: two 401s a second, for it alone.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/api/orders', client: '127.0.66.92', status: 401, bytes: 40 }] },
      }),
      begin: async (lab) =>
        lab.sendToo({
          expired: { method: 'GET', path: '/api/orders', perSecond: 2, clients: ['127.0.66.92'], isOutsider: true },
        }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control('slow-uploads', 'uploads', 'Telephones upload pictures over bad lines: twenty seconds each.', {
    begin: async (lab) =>
      lab.sendToo({
        upload: {
          method: 'POST',
          path: '/upload',
          perSecond: 0.7,
          body: 'x'.repeat(60_000),
          bodyMs: 20_000,
          timeoutMs: 60_000,
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('checks-alone', 'quiet', 'Nobody is awake: only the checks of a load balancer come.', {
    setup: shop(pair, { flows: { check: { method: 'GET', path: '/healthz', perSecond: 1 } }, events: 0, sockets: 0 }),
    begin: nothing,
    end: nothing,
  }),
  control('burst-of-one-client', 'peak', 'One client catches up: a hundred requests a second for ten seconds.', {
    begin: async (lab) => {
      lab.sendToo({
        burst: { method: 'GET', path: '/products/{n}', perSecond: 100, clients: ['127.0.66.93'], isOutsider: true },
      });
      setTimeout(() => lab.sendUsual(), 10_000);
    },
    end: nothing,
  }),
  control('one-lone-500', 'lone_failure', 'Two requests a second, and a single 500 among them.', {
    setup: shop(single, { flows: sparse }),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api', times: 1, status: 500 }] }),
    end: nothing,
  }),
  control('one-lone-timeout', 'lone_failure', 'A single request is never answered, and its client gives up.', {
    begin: async (lab) => {
      lab.behave('shop', { rules: [{ path: '/api/hook', end: 'hang' }] });
      lab.sendToo({ hook: { method: 'POST', path: '/api/hook', perSecond: 0.3, isOutsider: true } });
      setTimeout(() => lab.sendUsual(), 4000);
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  control('failures-as-ever', 'failing_as_ever', 'One of 300 requests has always been 500, and still is.', {
    setup: shop({ ...pair, behaviour: { rules: [{ path: '/api', share: 0.004, status: 500 }] } }),
    begin: async (lab) => lab.send(ordinaryFlows(1.3)),
    end: async (lab) => lab.sendUsual(),
  }),
  control(
    'validation-of-a-batch',
    'credentials',
    'A partner imports a batch at night; a third of its rows are invalid, 400.',
    {
      setup: shop({ ...pair, behaviour: { rules: [{ path: '/api/import', share: 0.33, status: 400, bytes: 90 }] } }),
      begin: async (lab) =>
        lab.sendToo({
          batch: { method: 'POST', path: '/api/import', perSecond: 8, clients: ['127.0.66.94'], isOutsider: true },
        }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control(
    'limit-for-one-client',
    'credentials',
    'The application limits the rate of one greedy client: 429, for it alone.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/search', client: '127.0.66.95', share: 0.7, status: 429, bytes: 30 }] },
      }),
      begin: async (lab) =>
        lab.sendToo({
          greedy: { method: 'GET', path: '/search?q={n}', perSecond: 12, clients: ['127.0.66.95'], isOutsider: true },
        }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
  control('new-page-after-a-mail', 'growth', 'A mail leads many people to a page that nobody has asked for before.', {
    begin: async (lab) => lab.sendToo({ mail: { method: 'GET', path: '/feed/spring', perSecond: 25 } }),
    end: async (lab) => lab.sendUsual(),
  }),
  control(
    'morning-of-logins',
    'growth',
    'Everybody logs in at nine: a third of the first calls are 401, as every morning.',
    {
      setup: shop({
        ...managed,
        behaviour: { rules: [{ path: '/api/session', share: 0.06, status: 401, bytes: 40 }] },
      }),
      begin: async (lab) =>
        lab.sendToo({ login: { method: 'POST', path: '/api/login', perSecond: 8, clients: addresses } }),
      end: async (lab) => lab.sendUsual(),
    },
  ),
];

/** Reports that are given up after a time of their own, at any moment. */
function impatient() {
  return Object.fromEntries(
    [350, 620, 900, 1130, 1400].map((timeoutMs) => [
      `impatient ${timeoutMs}`,
      { method: 'GET', path: '/reports/yearly', perSecond: 0.12, timeoutMs, isOutsider: true as const },
    ]),
  );
}
