import { addressesFrom } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { usualParcels } from './seventh-outages-answers.ts';
import { managed, pair, shop } from './shop.ts';
import { usualTeam } from './sixth-outages-answers.ts';
import { team, teamFlows } from './team.ts';
import { usualShop } from './third-outages-applications.ts';

const moreParcels = { method: 'POST', path: '/v2/parcels', perSecond: 3 };
const moreFiles = { method: 'GET', path: '/v1/files/{n}', perSecond: 4 };
const moreComments = { method: 'POST', path: '/v1/comments', perSecond: 3 };
const queries = { method: 'POST', path: '/v1/comments', perSecond: 0.2, body: '{"text":"try SELECT name FROM users"}' };
const fans = { method: 'GET', path: '/track/417', perSecond: 70, clients: addressesFrom(100, 60) };

/** Calls the steps one after the other, the first one now. */
function inSteps(everyMs: number, ...steps: readonly (() => void)[]): void {
  for (const [index, step] of steps.entries())
    if (index === 0) step();
    else afterwards(index * everyMs, step);
}

const endSteps =
  (usual: (lab: Lab) => Promise<void>) =>
  async (lab: Lab): Promise<void> => {
    endWaves();
    await usual(lab);
  };

const loginOfTheFirewall =
  'HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1:1003/login?from=10.0.4.7\r\nContent-Type: text/html\r\nContent-Length: 41\r\nConnection: close\r\n\r\n<html><body>Please log in.</body></html>\n';

/** What applications run on, what is behind them and between. */
export const seventhApplicationOutages: readonly Outage[] = [
  outage('half-of-the-workers-run-old-programs', 'opcode_cache', {
    what: 'A script copies new pages beneath the running portal. Some of its workers keep the programs that they have compiled, which do not fit the new templates: three of ten pages are 500.',
    suspects: ['application_errors', 'release'],
    side: 'application',
    names: ['track|portal'],
    setup: parcels(),
    begin: async (lab) => {
      const others = ['/healthz', '/portal', '/ws', '/events'];
      lab.behave('portal', {
        rules: [...others.map((path) => ({ path })), { share: 0.3, status: 500, type: 'text/html', bytes: 340 }],
      });
    },
    end: usualParcels('portal'),
  }),
  outage('visits-run-the-jobs-of-the-site', 'jobs_on_visits', {
    what: 'The portal runs its jobs when somebody visits, and a job of a new extension takes four seconds: four of a hundred visitors wait for it.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['track'],
    setup: parcels(),
    seconds: 115,
    begin: async (lab) => lab.behave('portal', { rules: [{ path: '/track', share: 0.04, latencyMs: 4200 }] }),
    end: usualParcels('portal'),
  }),
  outage('browsers-that-draw-labels-become-zombies', 'zombie_processes', {
    what: 'Labels are drawn by browsers without a screen. Some never end and hold their place: labels wait, and then many of them get 503.',
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit', 'application_errors'],
    side: 'application',
    names: ['labels'],
    setup: parcels(),
    begin: async (lab) => {
      const rules = [{ path: '/v2/labels', slower: 2.2 }];
      inSteps(
        8000,
        () => lab.behave('labels', { rules, capacity: 2, queueMax: 8 }),
        () => lab.behave('labels', { rules, capacity: 1, queueMax: 8 }),
      );
    },
    end: endSteps(usualParcels('labels')),
  }),
  outage('sequence-is-behind-after-a-restore', 'restored_database', {
    what: 'A table was restored from a backup, and its sequence of numbers was not: new parcels get numbers that are taken, 500. Each try takes one further, and gaps let more and more pass.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['parcels'],
    setup: parcels({ api: managed }, { flows: parcelFlows({ moreParcels }) }),
    begin: async (lab) => {
      const step = (share: number) => (): void =>
        lab.behave('api', {
          rules: [
            {
              ...{ path: '/v2/parcels', method: 'POST', share, status: 500, bytes: 60 },
              prints: 'error: duplicate key value violates unique constraint "parcels_pkey"',
            },
          ],
        });
      inSteps(18_000, step(0.97), step(0.8), step(0.6), step(0.4));
    },
    end: endSteps(usualParcels('api')),
  }),
  outage('dead-connections-stay-in-the-pool', 'network_blip', {
    what: 'The network between the application and its database was away for two seconds. The pool keeps connections that are dead: every fifth query waits three seconds on one of them, and gets a 503.',
    suspects: ['application_errors', 'slow_application', 'dependency'],
    side: 'application',
    names: ['cart|products|api'],
    setup: shop(),
    begin: async (lab) => {
      const rules = (share: number) =>
        ['/api/cart', '/api/orders', '/products'].map((path) => ({ path, share, latencyMs: 3000, status: 503 }));
      inSteps(
        40_000,
        () => lab.behave('shop', { rules: rules(0.2) }),
        () => lab.behave('shop', { rules: rules(0.12) }),
      );
    },
    end: endSteps(usualShop),
  }),
  outage('credits-of-the-storage-are-used-up', 'burst_credits', {
    what: 'The rented storage is fast only as long as there are credits, and they are used up: files begin at once and then come slowly, more slowly from step to step.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency', 'resource_limit'],
    side: 'application',
    names: ['files'],
    setup: team(pair, { flows: teamFlows({ moreFiles }) }),
    begin: async (lab) => {
      const step = (bodyMs: number) => (): void => lab.behave('team', { rules: [{ path: '/v1/files', bodyMs }] });
      inSteps(10_000, step(400), step(900), step(2000));
    },
    end: endSteps(usualTeam),
  }),
  outage('fans-follow-one-parcel', 'hot_key', {
    what: 'A star shows the number of a parcel, and seventy people a second look where it is. Its history is long and takes 120 ms each time as ever: the portal has too much to do, and answers 503 to many.',
    harm: ['slow'],
    suspects: ['traffic_growth'],
    side: 'application',
    names: ['track'],
    setup: parcels({
      portal: {
        ...pair,
        behaviour: { capacity: 3, queueMax: 40, rules: [{ path: '/track/417', latencyMs: 120 }] },
      },
    }),
    begin: async (lab) => lab.sendToo({ fans }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('inspection-resets-texts-with-queries', 'deep_inspection', {
    what: 'A device that looks for attacks got new patterns. It resets connections on which a comment has words of SQL, which one of 36 has, since the customers are programmers.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'network'],
    side: 'network',
    names: ['comments'],
    setup: team(pair, { flows: teamFlows({ moreComments, queries }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', { rules: [{ path: '/v1/comments', contains: 'SELECT', latencyMs: 1, end: 'reset' }] }),
    end: usualTeam,
  }),
  outage('one-of-eight-paths-is-broken', 'multipath', {
    what: 'One of eight paths between the racks is broken: a connection that is hashed to it opens, and then nothing comes back. The shop closes each connection with its answer, so that one of eight requests is not answered.',
    suspects: ['network', 'slow_application'],
    side: 'network',
    names: ['shop'],
    setup: shop(
      { ...pair, hasRelay: true, behaviour: { rules: [{ headers: { connection: 'close' } }] } },
      { keys: { timeouts: { response_head: '4s' } } },
    ),
    begin: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = { silentShare: 0.125 };
    },
    end: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = {};
    },
  }),
  outage('firewall-wants-a-login', 'captive_portal', {
    what: 'The session of the gateway at a firewall between it and the shop has ended: the firewall redirects whatever it sends to a page for a login, until a person logs in.',
    harm: ['different'],
    suspects: ['network', 'changed_responses', 'another_program'],
    side: 'network',
    names: ['shop'],
    setup: shop({ ...pair, hasRelay: true }),
    begin: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = { answerShare: 1, answer: loginOfTheFirewall };
    },
    end: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = {};
    },
  }),
];
