import { setTimeout as sleep } from 'node:timers/promises';
import { ordinaryFlows } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, shopWithDatabase } from './shop.ts';

const usual = ordinaryFlows();
export const moreCarts = { ...usual, more: { method: 'POST', path: '/api/cart', perSecond: 6 } };
export const moreCheckouts = { ...usual, more: { method: 'POST', path: '/api/checkout', perSecond: 6 } };
const imports = { method: 'POST', path: '/api/import', perSecond: 2.5, body: `{"lines":"${'x'.repeat(6000)}"}` };
export const withImports = { ...usual, imports };

export const usualShop = async (lab: Lab): Promise<void> => lab.behaveUsually('shop');
const usualDatabase = async (lab: Lab): Promise<void> => lab.behave('database', {});

/** What is behind the application. */
const dependencyOutages: readonly Outage[] = [
  outage('certificate-of-the-bank-expires', 'third_party', {
    what: 'The certificate of the payment provider has expired: each handshake of the application fails, checkouts are 500.',
    suspects: ['dependency', 'application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shopWithDatabase(),
    begin: async (lab) => lab.behave('payments', { rules: [{ end: 'reset' }] }),
    end: async (lab) => lab.behave('payments', {}),
  }),
  outage('database-fails-over', 'failover', {
    what: 'The host of the database stands still, then refuses connections; the standby that takes over has an empty cache.',
    harm: ['slow'],
    suspects: ['dependency', 'application_errors', 'slow_application'],
    side: 'application',
    names: ['cart|products|checkout'],
    setup: shopWithDatabase(),
    seconds: 90,
    begin: async (lab) => {
      const database = lab.process('database');
      database.signal('SIGSTOP');
      await sleep(15_000);
      await database.stop('SIGKILL');
      lab.behave('database', { rules: [{ latencyMs: 250 }] });
      await sleep(8000);
      await lab.start('database');
    },
    end: usualDatabase,
  }),
  outage('database-has-too-many-clients', 'database', {
    what: 'The database has no connection left for four of a hundred queries: it closes them, and the requests are 500.',
    marks: ['low rate'],
    suspects: ['dependency', 'application_errors', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shopWithDatabase(),
    seconds: 110,
    begin: async (lab) => lab.behave('database', { rules: [{ share: 0.04, end: 'close' }] }),
    end: usualDatabase,
  }),
  outage('impatient-phones-retry', 'retry_storm', {
    what: 'Queries of the database take 90 ms. Phones give up after 600 ms and ask three times more, so that its queue only grows.',
    harm: ['slow'],
    suspects: ['dependency', 'slow_application', 'client_retries'],
    side: 'application',
    names: ['products|cart'],
    setup: shopWithDatabase(pair, {
      flows: { ...usual, phones: { method: 'GET', path: '/products', perSecond: 8, timeoutMs: 600, retries: 3 } },
    }),
    begin: async (lab) => lab.behave('database', { capacity: 3, queueMax: 60, rules: [{ latencyMs: 90 }] }),
    end: usualDatabase,
  }),
  outage('entry-of-the-cache-expires-for-all', 'stampede', {
    what: 'Each twenty seconds an entry of the cache expires, and all compute it at once: for four seconds products are slow or 503.',
    harm: ['slow'],
    suspects: ['application_errors', 'slow_application', 'dependency'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    seconds: 100,
    begin: async (lab) => {
      const within = { forMs: 4000, everyMs: 20_000 };
      const rebuilt = { path: '/products', within };
      lab.behave('shop', {
        rules: [
          { ...rebuilt, share: 0.5, latencyMs: 900, status: 503 },
          { ...rebuilt, latencyMs: 1400 },
        ],
      });
    },
    end: usualShop,
  }),
  outage('token-of-a-service-expires', 'token', {
    what: 'The token by which the application reads orders from another service has expired: it passes the 401 on.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/orders', status: 401, bytes: 90 }] }),
    end: usualShop,
  }),
];

/** The program itself. */
const programOutages: readonly Outage[] = [
  outage('threads-are-stuck', 'thread_pool', {
    what: 'All threads of each process but one wait for ever: while that one makes a report, requests wait, or get a 503.',
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit', 'application_errors'],
    side: 'application',
    names: ['shop'],
    setup: shop(pair, { flows: { ...usual, reports: { method: 'GET', path: '/reports/weekly', perSecond: 0.4 } } }),
    begin: async (lab) => lab.behave('shop', { capacity: 1, queueMax: 12 }),
    end: usualShop,
  }),
  outage('checkouts-wait-for-one-lock', 'lock', {
    what: 'Checkouts hold the lock of one row of stock for 170 ms each, and wait for each other.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(pair, { flows: moreCheckouts }),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 170, isLocked: true }] }),
    end: usualShop,
  }),
  outage('flag-breaks-coupons', 'feature_flag', {
    what: 'A flag switches the new computation of coupons on: checkouts with a coupon, one of fifty requests, are 500.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shop(managed, {
      flows: {
        ...usual,
        coupons: { method: 'POST', path: '/api/checkout', perSecond: 1.2, body: '{"product":12,"coupon":"MAY"}' },
      },
    }),
    seconds: 110,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            path: '/api/checkout',
            contains: 'coupon',
            status: 500,
            prints: "TypeError: Cannot read properties of null (reading 'percent')",
          },
        ],
      }),
    end: usualShop,
  }),
  outage('bundle-is-compressed-twice', 'compression', {
    what: 'The script of all pages is compressed twice by a new step of the build, and no browser can read it.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/static/app', bytes: 7000, headers: { 'content-encoding': 'gzip, gzip' } }],
      }),
    end: usualShop,
  }),
  outage('length-counts-characters', 'content_length', {
    what: 'Product pages in Cyrillic: Content-Length counts characters, the body has twice as many bytes. Pages end in the middle.',
    harm: ['different'],
    suspects: ['invalid_responses', 'changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products', announcedShare: 0.5 }] }),
    end: usualShop,
  }),
  outage('two-lengths-in-a-head', 'invalid_responses', {
    what: 'A module writes a second Content-Length that is another one: four of a hundred changes of carts.',
    marks: ['low rate'],
    suspects: ['invalid_responses'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: moreCarts }),
    seconds: 110,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            path: '/api/cart',
            method: 'POST',
            share: 0.04,
            raw: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300\r\nContent-Length: 271\r\n\r\n${' '.repeat(300)}`,
          },
        ],
      }),
    end: usualShop,
  }),
  outage('temporary-disk-is-full', 'disk', {
    what: 'The disk for temporary files is full: imports, one of 25 requests, cannot be written and are 500.',
    marks: ['low rate'],
    suspects: ['resource_limit', 'application_errors'],
    side: 'application',
    names: ['api'],
    setup: shop(managed, { flows: withImports }),
    seconds: 110,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/import', writesToFullDisk: true }] }),
    end: usualShop,
  }),
];

/** The third set: outages of applications and of what is behind them. */
export const thirdApplicationOutages: readonly Outage[] = [...dependencyOutages, ...programOutages];
