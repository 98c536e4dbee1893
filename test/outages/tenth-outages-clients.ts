import { addressesFrom, type Flow } from './flows.ts';
import { mealFlows, mealRoutes, meals } from './meals.ts';
import { asBefore } from './ninth-outages-answers.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { practice, practiceFlows } from './practice.ts';
import { pair } from './shop.ts';

const readers: Flow = {
  ...{ method: 'GET', path: '/menus/{n}?m=8c41f7', perSecond: 45, clients: addressesFrom(100, 60) },
};
const moreScans: Flow = { method: 'POST', path: '/scans', perSecond: 12 };
const telephones: Flow = {
  ...{ method: 'POST', path: '/scans', perSecond: 0.4, timeoutMs: 20_000 },
  ...{ body: `{"picture":"${'/9j/4'.repeat(24_000)}"}`, bodyMs: 5000 },
};
const few = { capacity: 2, queueMax: 20 };

const allowed = ['127.0.66.70', '127.0.66.71'];
/** Tills, of which two chains have all: the first asks from one address, and the second from these. */
const tills = (...second: readonly string[]): Record<string, Flow> => {
  const clients = ['127.0.66.70', ...second];
  return {
    'GET /tills/open': { method: 'GET', path: '/tills/open', perSecond: 8, clients },
    'POST /tills/done': { method: 'POST', path: '/tills/done', perSecond: 4, clients },
  };
};

/** What clients do, on purpose or not. */
export const tenthClientOutages: readonly Outage[] = [
  outage('links-of-a-mail-miss-the-cache', 'cache_busting', {
    what: 'A mail goes to all customers, and the program that sends it gives each link a parameter of its own. No menu comes from the cache of pages, which has no room for others any more: each takes 90 ms, and many get 503.',
    harm: ['slow'],
    suspects: ['traffic_growth', 'slow_application'],
    side: 'client',
    names: ['menus|menu'],
    setup: meals({ menu: { ...pair, behaviour: few } }),
    begin: async (lab) => {
      lab.behave('menu', { ...few, rules: [{ path: '/menus', latencyMs: 90 }] });
      lab.sendToo({ readers });
    },
    end: asBefore('menu'),
  }),
  outage('app-gives-a-scan-three-seconds', 'upload_timeout', {
    what: 'A new version of the app gives each request three seconds. Scans from telephones on slow lines, one of forty, take five: they are given up in the middle, each time.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['client_timeout'],
    side: 'client',
    names: ['scans'],
    setup: practice({}, { flows: practiceFlows({ moreScans, telephones }) }),
    seconds: 115,
    begin: async (lab) => lab.sendToo({ telephones: { ...telephones, timeoutMs: 3000 } }),
    end: asBefore(),
  }),
  outage('a-chain-changes-its-provider', 'allow_list', {
    what: 'Tills may ask from two addresses alone, those of the two chains. One of them has another provider since this morning, and did not tell the operator: its tills get 403 from the gateway.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_client'],
    side: 'client',
    names: ['127.0.66.72|tills'],
    setup: {
      ...meals({}, { flows: mealFlows(tills('127.0.66.71')) }),
      routes: mealRoutes.map((route) =>
        route.id === 'tills' ? { ...route, keys: { access: { allow: allowed } } } : route,
      ),
    },
    begin: async (lab) => lab.sendToo(tills('127.0.66.72')),
    end: asBefore(),
  }),
  outage('a-new-front-has-one-address', 'new_front', {
    what: 'The gateway lets each address send fifteen requests a second, more than any customer does. A person puts a network for faster pages in front of it, and does not tell the gateway: all customers come from one address, and three of four get 429.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['gateway_limit', 'one_client'],
    side: 'operator',
    names: ['127.0.66.90|menus|meals|town|positions'],
    setup: meals({}, { keys: { rate_limits: { rate: '15/s', burst: 60 } } }),
    begin: async (lab) => {
      const flows = Object.entries(mealFlows());
      lab.send(Object.fromEntries(flows.map(([name, flow]) => [name, { ...flow, clients: ['127.0.66.90'] }])));
    },
    end: asBefore(),
  }),
];
