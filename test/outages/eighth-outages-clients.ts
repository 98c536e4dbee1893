import { boxOffice, boxOfficeFlows } from './box-office.ts';
import { usualBoxOffice } from './eighth-outages-answers.ts';
import { addressesFrom, type Flow } from './flows.ts';
import { afterwards } from './fourth-waves.ts';
import { meterAddresses, meterFlows, meters } from './meters.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair } from './shop.ts';

const bots = addressesFrom(180, 30);
const hoarders = { method: 'POST', path: '/b/holds', perSecond: 40, clients: bots, isOutsider: true } as const;
const testers = { method: 'POST', path: '/b/orders', perSecond: 25, clients: bots, isOutsider: true } as const;
const venue = { method: 'POST', path: '/gate/scans', perSecond: 5, clients: ['127.0.66.120'], timeoutMs: 5000 };
const provider = { method: 'GET', path: '/shows/{n}', perSecond: 3.5, clients: addressesFrom(150, 10) };
const confirm = { method: 'GET', path: '/b/confirm/{n}', perSecond: 5 };
const mailScanners = { ...confirm, clients: ['127.0.66.180', '127.0.66.181'], isOutsider: true } as const;
const deletion = {
  ...{ method: 'DELETE', path: '/b/shows/{n}', perSecond: 20, clients: ['127.0.66.90'] },
  isOutsider: true,
} as const;
const door = { method: 'POST', path: '/gate/scans', perSecond: 0.25, clients: ['127.0.66.122'] };
const stored = {
  ...{ method: 'POST', path: '/m/readings', perSecond: 75, clients: meterAddresses },
  body: `{"stored":"${'7;'.repeat(3000)}"}`,
};
const cookie = { cookie: 'cart=81c2' };
const back: Flow = { method: 'POST', path: '/b/orders/return', perSecond: 2, headers: cookie };
const browsers = { oldest: back, older: back, newer: back, newest: back };

/** What clients do, on purpose or not. */
export const eighthClientOutages: readonly Outage[] = [
  outage('bots-hold-the-seats', 'hoarding', {
    what: 'Resellers let programs hold every seat that comes free, from thirty addresses, forty times a second. Three of four customers who want one get 409.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['traffic_growth', 'changed_responses'],
    side: 'client',
    names: ['holds'],
    setup: boxOffice(),
    begin: async (lab) => {
      lab.sendToo({ hoarders });
      lab.behave('office', { rules: [{ path: '/b/holds', share: 0.75, status: 409, bytes: 60, latencyMs: 12 }] });
    },
    end: usualBoxOffice('office'),
  }),
  outage('card-testers-cost-the-account', 'card_testing', {
    what: 'Thieves try stolen cards with small orders, 25 a second from thirty addresses. After eight seconds the payment provider closes the account of the box office, and every order is 402.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'traffic_growth', 'dependency'],
    side: 'client',
    names: ['orders'],
    setup: boxOffice(),
    begin: async (lab) => {
      lab.sendToo({ testers });
      afterwards(8000, () =>
        lab.behave('office', { rules: [{ path: '/b/orders', method: 'POST', status: 402, bytes: 70 }] }),
      );
    },
    end: usualBoxOffice('office'),
  }),
  outage('doors-of-a-hall-share-one-login', 'session_lock', {
    what: 'All scanners of one hall share a login, and the application takes the requests of a login one after the other. A new extension needs 0.45 s for each: those of this hall wait longer and longer, and give up after five seconds.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['one_client', 'slow_application', 'client_timeout'],
    side: 'application',
    names: ['127.0.66.120'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ venue }) }),
    begin: async (lab) =>
      lab.behave('office', { rules: [{ path: '/gate', client: '127.0.66.120', latencyMs: 450, isLocked: true }] }),
    end: usualBoxOffice('office'),
  }),
  outage('names-of-visitors-are-looked-up', 'reverse_lookup', {
    what: 'For its log the site looks up the name of each visitor before it answers. The name server of one provider is gone, and visitors from its network wait 2.6 s.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'one_client'],
    side: 'application',
    names: ['shows'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ provider }) }),
    begin: async (lab) => lab.behave('site', { rules: [{ client: '127.0.66.15', latencyMs: 2600 }] }),
    end: usualBoxOffice('site'),
  }),
  outage('programs-for-mail-use-up-the-links', 'link_scanners', {
    what: 'Against attacks two mail providers now open each link of a mail themselves. Those that confirm an order hold once: most customers come second, and get 410.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'client',
    names: ['b'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ confirm }) }),
    begin: async (lab) => {
      lab.sendToo({ mailScanners });
      lab.behave('office', {
        rules: [
          { path: '/b/confirm', client: '127.0.66.18' },
          { path: '/b/confirm', share: 0.75, status: 410, bytes: 500 },
        ],
      });
    },
    end: usualBoxOffice('office'),
  }),
  outage('browsers-keep-the-cookie-back', 'same_site', {
    what: 'Browsers are updated in the course of a minute, and no longer send the cookie of the cart when the bank leads customers back by POST: the application sends them to the login.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'client',
    names: ['orders'],
    setup: boxOffice(
      {
        office: {
          ...pair,
          behaviour: {
            rules: [{ path: '/b/orders/return', lacks: 'cookie', status: 302, location: '/login', bytes: 0 }],
          },
        },
      },
      { flows: boxOfficeFlows(browsers) },
    ),
    seconds: 100,
    begin: async (lab) => {
      let updated: Record<string, Flow> = {};
      for (const [index, name] of Object.keys(browsers).entries())
        afterwards(index * 9000, () => {
          updated = { ...updated, [name]: { ...back, headers: {} } };
          lab.sendToo(updated);
        });
    },
    end: usualBoxOffice(),
  }),
  outage('partner-deletes-what-is-on-sale', 'mass_deletion', {
    what: 'The program of one organizer deletes all its shows of last season, and takes those on sale for them. A third of the pages and plans of seats are 404 after it.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_client', 'changed_responses'],
    side: 'client',
    names: ['shows|seats'],
    setup: boxOffice(),
    begin: async (lab) => {
      lab.sendToo({ deletion });
      for (const [index, share] of [0.12, 0.35].entries())
        afterwards(2000 + index * 8000, () => {
          lab.behave('site', { rules: [{ path: '/shows/', share, status: 404, bytes: 900 }] });
          lab.behave('office', { rules: [{ path: '/b/seats', share, status: 404, bytes: 60 }] });
        });
      afterwards(16_000, () => lab.sendUsual());
    },
    end: usualBoxOffice('site', 'office'),
  }),
  outage('scanner-has-an-old-header', 'refused_requests', {
    what: 'The scanner of one door was replaced by an old one, whose program writes a header that was given up long ago: the gateway refuses all that it sends.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_client'],
    side: 'client',
    names: ['127.0.66.122'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ door }) }),
    seconds: 115,
    begin: async (lab) => lab.sendToo({ door: { ...door, headers: { 'transfer-encoding': 'identity' } } }),
    end: usualBoxOffice(),
  }),
  outage('meters-send-what-they-have-stored', 'backlog', {
    what: 'A mobile network comes back after a day, and its meters send what they have stored meanwhile, each part of which takes 110 ms as ever: all others wait, or get 503.',
    harm: ['slow'],
    suspects: ['traffic_growth'],
    side: 'application',
    names: ['readings|intake'],
    setup: meters({
      intake: {
        ...pair,
        behaviour: { capacity: 3, queueMax: 30, rules: [{ path: '/m', contains: '"stored"', latencyMs: 110 }] },
      },
    }),
    begin: async (lab) => lab.send(meterFlows({ stored })),
    end: async (lab) => lab.sendUsual(),
  }),
];
