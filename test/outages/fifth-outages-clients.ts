import { addressesFrom, ordinaryFlows } from './flows.ts';
import { endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const sessions = { method: 'GET', path: '/api/session', perSecond: 110 };
const polls = { method: 'GET', path: '/api/poll', perSecond: 4, timeoutMs: 40_000 };
const logins = { method: 'POST', path: '/api/login', perSecond: 2 };
const guesses = { ...logins, perSecond: 12, clients: addressesFrom(200, 30), isOutsider: true as const };
/** The application refuses them, from addresses that begin so. */
const refusals = ['20', '21', '22'].map((part) => ({
  ...{ path: '/api/login', status: 401, bytes: 40 },
  client: `127.0.66.${part}`,
}));
const invoices = {
  ...{ method: 'POST', path: '/api/import', perSecond: 90, clients: ['127.0.66.90'], isOutsider: true as const },
  timeoutMs: 20_000,
};
const partner = { method: 'GET', path: '/api/orders/{n}', perSecond: 1.3, clients: ['127.0.66.86'] };

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
  await usualShop(lab);
};

/** Clients. */
export const fifthClientOutages: readonly Outage[] = [
  outage('new-app-asks-for-the-session-all-the-time', 'app_release', {
    what: 'A new version of the app asks for the session twenty times as often as before: the application has too much to do.',
    harm: ['slow'],
    suspects: ['traffic_growth'],
    side: 'client',
    names: ['api|shop'],
    setup: shop(
      { ...pair, behaviour: { capacity: 2, queueMax: 40, rules: [{ path: '/api/session', slower: 14 }] } },
      { flows: withoutReports },
    ),
    begin: async (lab) => lab.sendToo({ 'GET /api/session': sessions }),
    end: usualRequests,
  }),
  outage('long-polls-take-every-thread', 'long_poll', {
    what: 'A new page waits for messages by long polls of twenty seconds, each of which takes a thread of the application: nothing is left for others.',
    harm: ['slow'],
    suspects: ['traffic_growth', 'resource_limit', 'slow_application'],
    side: 'client',
    names: ['api|shop'],
    setup: shop({ ...pair, behaviour: { capacity: 15, queueMax: 30 } }),
    begin: async (lab) => lab.sendToo({ polls }),
    end: usualRequests,
  }),
  outage('attackers-lock-accounts', 'locked_accounts', {
    what: 'Thirty addresses try passwords, and the application locks the accounts: six of ten customers who log in get 423.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'traffic_growth'],
    side: 'client',
    names: ['api'],
    setup: shop({ ...pair, behaviour: { rules: refusals } }, { flows: { ...usual, logins } }),
    begin: async (lab) => {
      lab.sendToo({ guesses });
      lab.behave('shop', {
        rules: [...refusals, { path: '/api/login', share: 0.6, status: 423, bytes: 70 }],
      });
    },
    end: usualRequests,
  }),
  outage('job-sends-all-invoices-at-once', 'cron', {
    what: 'A job of the warehouse sends its invoices, ninety a second for twelve of each thirty seconds: customers wait, or get a 503.',
    harm: ['slow'],
    suspects: ['one_client', 'traffic_growth'],
    side: 'client',
    names: ['127.0.66.90'],
    setup: shop(
      { ...pair, behaviour: { capacity: 2, queueMax: 40, rules: [{ path: '/api/import', slower: 3.5 }] } },
      { flows: withoutReports },
    ),
    begin: async (lab) =>
      startWaves(
        30_000,
        12_000,
        () => lab.sendToo({ invoices }),
        () => lab.sendUsual(),
      ),
    end: usualRequests,
  }),
  outage('partner-takes-milliseconds-for-seconds', 'client_timeout', {
    what: 'A partner writes its timeout in seconds, and its library reads milliseconds: it gives each order up after five of them.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['client_timeout', 'one_client'],
    side: 'client',
    names: ['127.0.66.86'],
    setup: shop(pair, { flows: { ...usual, partner } }),
    seconds: 115,
    begin: async (lab) => lab.sendToo({ partner: { ...partner, timeoutMs: 5 } }),
    end: usualRequests,
  }),
];
