import { addressesFrom, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, single } from './shop.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const phones = {
  ...{ method: 'POST', path: '/upload', perSecond: 1.2, body: 'x'.repeat(6000), bodyMs: 3000 },
  clients: addressesFrom(60, 20),
  // Each comes on a connection of its own.
  headers: { connection: 'close' },
};
const deadLinks = { method: 'GET', path: '/pages/winter-{n}', perSecond: 1.5 };

/** Changes of the configuration, and releases. */
export const fourthOperatorOutages: readonly Outage[] = [
  outage('reload-demands-fast-uploads', 'minimum_rate', {
    what: 'Against slow attacks a reload demands a rate of uploads that phones do not reach: they get 408.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['configuration_change', 'gateway_limit'],
    harm: ['different'],
    side: 'operator',
    names: [],
    setup: shop(pair, { flows: { ...usual, phones } }),
    seconds: 115,
    begin: async (lab) =>
      lab.reload((file) => {
        file['client'] = { body_rate_min: '20KiB', rate_grace: '1s' };
      }),
    end: async (lab) =>
      lab.reload((file) => {
        delete file['client'];
      }),
  }),
  outage('maintenance-page-on-the-wrong-route', 'maintenance_page', {
    what: 'The reports are to be closed for maintenance; a person closes the API.',
    suspects: ['configuration_change', 'operator_action'],
    side: 'operator',
    names: ['api'],
    setup: shop(),
    begin: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes)
          if (route['id'] === 'api') {
            delete route['to'];
            route['maintenance'] = true;
          }
      }),
    end: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes)
          if (route['id'] === 'api') {
            delete route['maintenance'];
            route['to'] = 'shop';
          }
      }),
  }),
  outage('canary-by-hand-lacks-a-setting', 'canary_by_hand', {
    what: 'A reload sends one of sixteen pages of products to a new version, which lacks the address of its database: 500.',
    marks: ['low rate'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['beta|products'],
    setup: shop(pair, {
      applications: { shop: pair, beta: { ...single, behaviour: { rules: [{ path: '/products', status: 500 }] } } },
    }),
    seconds: 115,
    begin: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes) if (route['id'] === 'products') route['to'] = { shop: 94, beta: 6 };
      }),
    end: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes) if (route['id'] === 'products') route['to'] = 'shop';
      }),
  }),
  outage('savings-leave-one-instance', 'scale_down', {
    what: 'To save money a reload leaves one instance of four, which cannot do the work alone.',
    harm: ['slow'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['shop'],
    setup: shop(
      {
        ...{ by: 'candor', instances: 4 },
        behaviour: { capacity: 2, queueMax: 30, rules: [{ slower: 4 }] },
      },
      { flows: withoutReports },
    ),
    begin: async (lab) =>
      lab.reload(({ applications }) => {
        applications['shop'] = { ...applications['shop'], instances: 1 };
      }),
    end: async (lab) =>
      lab.reload(({ applications }) => {
        applications['shop'] = { ...applications['shop'], instances: 4 };
      }),
  }),
  outage('release-grows-slow-with-its-cache', 'late_release', {
    what: 'A release searches its own cache from end to end: ten seconds after it searches and pages of products are eight times as slow.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['release', 'slow_application'],
    side: 'application',
    names: ['search|products'],
    setup: shop(managed),
    begin: async (lab) => {
      await lab.release('shop', {});
      const rules = [
        { path: '/products', slower: 12 },
        { path: '/search', slower: 8 },
      ];
      afterwards(8000, () => lab.behave('shop', { rules }));
    },
    end: async (lab) => {
      endWaves();
      await lab.release('shop', {});
    },
  }),
  outage('release-fails-where-nothing-is-found', 'error_page', {
    what: 'A release lacks the template for what is not found: requests for pages of old newsletters are 500 in place of 404.',
    marks: ['low rate'],
    suspects: ['release'],
    side: 'application',
    names: ['pages'],
    setup: shop(managed, { flows: { ...usual, newsletters: deadLinks } }),
    seconds: 115,
    begin: async (lab) =>
      lab.release('shop', {
        rules: [{ path: '/pages', status: 500, prints: 'Error: Failed to lookup view "404" in views directory' }],
      }),
    end: async (lab) => lab.release('shop', {}),
  }),
];
