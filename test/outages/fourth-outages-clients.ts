import { addressesFrom, ordinaryFlows } from './flows.ts';
import { endWaves, startWaves } from './fourth-waves.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop, single } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const shoppers = {
  ...{ method: 'GET', path: '/api/cart', perSecond: 1.5, clients: ['127.0.66.3', '127.0.66.8'] },
  headers: { cookie: 'consent=yes' },
};
const devices = {
  ...{ method: 'GET', path: '/api/orders', perSecond: 6 },
  clients: addressesFrom(60, 30),
};
const scrapers = {
  ...{ method: 'GET', path: '/search?q={n}', perSecond: 70, isOutsider: true as const },
  clients: addressesFrom(100, 60),
};
const partner = {
  ...{ method: 'POST', path: '/api/import', perSecond: 1.2, clients: ['127.0.66.80'], timeoutMs: 5000 },
  body: '{"line":"Gruesse"}',
};

/** Clients, and who may be one. */
export const fourthClientOutages: readonly Outage[] = [
  outage('cookies-of-a-banner-grow', 'cookies', {
    what: 'A banner adds to its cookie with each page: the heads of some customers have 40 kB, and they get 431.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['gateway_limit', 'resource_limit', 'one_client', 'changed_responses'],
    side: 'client',
    names: [],
    setup: shop(pair, { flows: { ...usual, shoppers } }),
    seconds: 115,
    begin: async (lab) =>
      lab.sendToo({ shoppers: { ...shoppers, headers: { cookie: `consent=${'yes.'.repeat(10_000)}` } } }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('devices-wake-in-the-same-second', 'synchronized_clients', {
    what: 'Devices with the same clock all ask for orders within the same second and a half, again and again: the application refuses many.',
    suspects: ['traffic_growth'],
    side: 'client',
    names: ['api|shop'],
    setup: shop(
      { ...pair, behaviour: { capacity: 3, queueMax: 15, rules: [{ path: '/api/orders', slower: 5 }] } },
      { flows: { ...withoutReports, devices } },
    ),
    begin: async (lab) =>
      startWaves(
        10_000,
        1500,
        () => lab.sendToo({ devices: { ...devices, perSecond: 200 } }),
        () => lab.sendUsual(),
      ),
    end: async (lab) => {
      endWaves();
      lab.sendUsual();
    },
  }),
  outage('scrapers-read-every-search', 'scrapers', {
    what: 'Programs that collect texts search from sixty addresses, seventy times a second: the application has too much to do.',
    harm: ['slow'],
    suspects: ['traffic_growth'],
    side: 'client',
    names: ['search'],
    setup: shop({ ...single, behaviour: { capacity: 2, queueMax: 40 } }, { flows: withoutReports }),
    begin: async (lab) => lab.sendToo({ scrapers }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('partner-counts-more-bytes-than-it-sends', 'wrong_length', {
    what: 'A library of a partner announces more bytes than it sends: the gateway waits for the others, and the partner gives up.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['one_client', 'client_timeout'],
    side: 'client',
    names: ['127.0.66.80'],
    setup: shop(pair, { flows: { ...usual, partner } }),
    seconds: 115,
    begin: async (lab) => lab.sendToo({ partner: { ...partner, headers: { 'content-length': '60' } } }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('list-of-attackers-has-a-customer', 'blocked_client', {
    what: 'A bought list of attackers has the address of a provider: all of its customers get 403 from the application.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_client'],
    side: 'application',
    names: ['127.0.66.9'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ client: '127.0.66.9', status: 403, bytes: 90 }] }),
    end: usualShop,
  }),
];
