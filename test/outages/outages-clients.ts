import { addresses, ordinaryFlows } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, single } from './shop.ts';

const usual = ordinaryFlows();
/** Requests of these paths are given up after a time, as somebody in front of the gateway does. */
const givenUp = (path: string, timeoutMs: number) =>
  Object.fromEntries(
    Object.entries(usual).map(([name, flow]) => [name, flow.path.startsWith(path) ? { ...flow, timeoutMs } : flow]),
  );
const retrying = (factor: number, retries: number) =>
  Object.fromEntries(
    Object.entries(ordinaryFlows(factor)).map(([name, flow]) => [name, { ...flow, retries, timeoutMs: 4000 }]),
  );
/** An application that bears some 120 requests a second. */
const bounded = {
  ...single,
  behaviour: { capacity: 6, queueMax: 40, rules: [{ path: '/healthz' }, { path: '/reports' }, { latencyMs: 40 }] },
};

/** What clients do, and what is in front of the gateway. */
export const clientOutages: readonly Outage[] = [
  outage('front-gives-up-on-search', 'front_timeout', {
    what: 'Searches take three seconds. A proxy in front of the gateway gives up after two, each time.',
    marks: ['no 5xx'],
    suspects: ['client_timeout', 'slow_application'],
    side: 'application',
    names: ['search'],
    setup: shop(pair, { flows: givenUp('/search', 2000) }),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search', latencyMs: 3000 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('front-gives-up-on-some-orders', 'front_timeout', {
    what: 'Three of a hundred orders take nine seconds; the load balancer in front ends them after three.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['client_timeout', 'slow_application'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, {
      flows: {
        ...givenUp('/api/orders', 3000),
        more: { method: 'GET', path: '/api/orders', perSecond: 6, timeoutMs: 3000 },
      },
    }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/orders', share: 0.035, latencyMs: 9000 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('front-got-a-shorter-limit', 'front_timeout', {
    what: 'Somebody gave the proxy in front a limit of one second: the reports, which take longer, are all given up.',
    marks: ['no 5xx'],
    suspects: ['client_timeout'],
    side: 'client',
    names: ['reports'],
    setup: shop(pair, { flows: { ...usual, more: { method: 'GET', path: '/reports/weekly', perSecond: 1 } } }),
    seconds: 100,
    begin: async (lab) =>
      lab.send({
        ...givenUp('/reports', 1000),
        more: { method: 'GET', path: '/reports/weekly', perSecond: 1, timeoutMs: 1000 },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('clients-retry-what-fails', 'retries', {
    what: 'A hiccup of six seconds, after which the application is just too slow; clients send again up to five times what fails, and multiply its load.',
    suspects: ['client_retries', 'traffic_growth', 'slow_application', 'application_errors'],
    side: 'client',
    names: [],
    setup: shop(bounded, { flows: retrying(1.3, 5) }),
    begin: async (lab) => {
      lab.behave('shop', { ...bounded.behaviour, rules: [{ path: '/healthz' }, { latencyMs: 900 }] });
      setTimeout(
        () => lab.behave('shop', { ...bounded.behaviour, rules: [{ path: '/healthz' }, { latencyMs: 95 }] }),
        6000,
      );
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('one-client-floods-search', 'one_client', {
    what: 'The script of one client asks for 150 searches a second: the application answers late to all.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['one_client', 'traffic_growth'],
    side: 'client',
    names: ['127.0.66.50'],
    setup: shop({ ...single, behaviour: { capacity: 5 } }),
    seconds: 70,
    begin: async (lab) =>
      lab.sendToo({
        flood: {
          method: 'GET',
          path: '/search?q=a',
          perSecond: 160,
          clients: ['127.0.66.50'],
          isOutsider: true,
          timeoutMs: 5000,
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('crawler-asks-for-reports', 'crawler', {
    what: 'A crawler follows links to reports, each of which keeps a permit of the application for 1.5 s: others wait or get 503.',
    suspects: ['one_client', 'traffic_growth', 'slow_application'],
    side: 'client',
    names: ['127.0.66.60|reports'],
    setup: shop({ ...single, behaviour: { capacity: 8, queueMax: 20 } }),
    begin: async (lab) =>
      lab.sendToo({
        crawler: {
          method: 'GET',
          path: '/reports/{n}',
          perSecond: 9,
          clients: ['127.0.66.60'],
          isOutsider: true,
          headers: { 'user-agent': 'crawler/1.0' },
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('one-partner-sends-poison', 'one_client', {
    what: 'One partner sends orders in an old form: they are 500, and only theirs.',
    marks: ['low rate'],
    suspects: ['one_client', 'application_errors'],
    side: 'client',
    names: ['127.0.66.70'],
    setup: shop(
      { ...pair, behaviour: { rules: [{ path: '/api/import', contains: 'old-form', status: 500 }] } },
      {
        flows: {
          ...usual,
          partner: { method: 'POST', path: '/api/import', perSecond: 1.2, clients: ['127.0.66.70', '127.0.66.71'] },
        },
      },
    ),
    seconds: 110,
    begin: async (lab) =>
      lab.sendToo({
        partner: { method: 'POST', path: '/api/import', perSecond: 1.2, clients: ['127.0.66.71'] },
        poison: {
          method: 'POST',
          path: '/api/import',
          perSecond: 1.2,
          clients: ['127.0.66.70'],
          body: '{"old-form":1}',
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('one-client-blocks-the-loop', 'one_client', {
    what: 'One client posts a text on which a regular expression takes a second: everything else waits meanwhile.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['one_client', 'slow_application', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...single, behaviour: { rules: [{ path: '/api/import', contains: 'aaaa', blockMs: 1200 }] } }),
    seconds: 90,
    begin: async (lab) =>
      lab.sendToo({
        poison: {
          method: 'POST',
          path: '/api/import',
          perSecond: 0.3,
          clients: ['127.0.66.80'],
          body: 'aaaaaaaaaaaa!',
          isOutsider: true,
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('campaign-overloads', 'traffic', {
    what: 'A campaign brings five times as many customers: the application answers 503 to what it cannot bear.',
    suspects: ['traffic_growth'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...single, behaviour: { ...bounded.behaviour, capacity: 6, queueMax: 30 } }),
    seconds: 70,
    begin: async (lab) => lab.send(ordinaryFlows(4)),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('connections-are-too-few', 'pool_full', {
    what: 'The application got slower, and the twelve connections that the configuration allows are all in use.',
    suspects: ['pool_full', 'slow_application'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...single, keys: { connections: { max: 12, queue_max: 10, queue_timeout: '1s' } } }),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/healthz' }, { path: '/static' }, { latencyMs: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('office-reaches-its-limit', 'gateway_limit', {
    what: 'A route has a bound of three checkouts at a time; on the day of a sale more come than that.',
    suspects: ['gateway_limit', 'traffic_growth', 'pool_full'],
    side: 'gateway',
    names: ['checkout'],
    setup: {
      ...shop({ ...pair, behaviour: { rules: [{ path: '/api/checkout', method: 'POST', latencyMs: 220 }] } }),
      routes: shop().routes.map((route) =>
        route.id === 'checkout'
          ? { ...route, keys: { concurrency: { max: 3, queue_max: 3, queue_timeout: '300ms' } } }
          : route,
      ),
    },
    begin: async (lab) => lab.sendToo({ sale: { method: 'POST', path: '/api/checkout', perSecond: 25 } }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('new-app-version-sends-nonsense', 'client_release', {
    what: 'A release of the mobile app asks for a cart in a form that the application does not know: 400, for a third of the customers.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_client'],
    side: 'client',
    names: ['cart'],
    setup: shop({
      ...managed,
      behaviour: { rules: [{ path: '/api/cart', method: 'POST', contains: 'v9', status: 400, bytes: 70 }] },
    }),
    before: (lab) =>
      lab.release('shop', { rules: [{ path: '/api/cart', method: 'POST', contains: 'v9', status: 400, bytes: 70 }] }),
    begin: async (lab) =>
      lab.sendToo({
        'POST /api/cart': {
          method: 'POST',
          path: '/api/cart',
          perSecond: 3,
          clients: addresses.slice(0, 5),
          body: '{"v9":true}',
        },
        rest: { method: 'POST', path: '/api/cart', perSecond: 4, clients: addresses.slice(5) },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
];
