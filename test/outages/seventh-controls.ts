import { control } from './control-form.ts';
import { addressesFrom, type Flow, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Control } from './outage.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { managed, pair, shop } from './shop.ts';
import { team, teamFlows } from './team.ts';

const usual = ordinaryFlows();
const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});

const depot = of('POST', '/v2/scans', 12, { clients: ['127.0.66.70'] });
const oldPrograms = of('GET', '/v1/projects/old', 0.8, { clients: addressesFrom(60, 4), isOutsider: true });
const readers = of('GET', '/v1/files/shared/{n}', 4, { clients: addressesFrom(100, 40), isOutsider: true });
const workshop = of('PATCH', '/v1/tasks/w{n}', 6, { body: '{"state":"done"}', clients: addressesFrom(60, 12) });
const scraper = of('GET', '/search?q={n}', 35, { clients: ['127.0.66.96'], isOutsider: true });
const feed = of('GET', '/feed', 1);
const bulk = of('POST', '/v2/parcels/bulk', 2, { clients: ['127.0.66.71'] });

const hinted = `HTTP/1.1 103 Early Hints\r\nLink: </static/style.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n${' '.repeat(5000)}`;

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
};

/** Things that look suspicious, and are innocent. */
export const seventhControls: readonly Control[] = [
  control(
    'release-hints-at-styles',
    'early_hints',
    'A good release tells browsers by an interim response which styles a product page needs, and closes the connection then.',
    {
      setup: shop(managed),
      begin: async (lab) => lab.release('shop', { rules: [{ path: '/products/', raw: hinted }] }),
    },
  ),
  control(
    'a-depot-closes-for-the-holidays',
    'silent_client',
    'The largest depot closes: from one second to the next most scans are missing.',
    {
      setup: parcels({}, { flows: parcelFlows({ depot }) }),
      begin: async (lab) => lab.send(parcelFlows()),
      end: usualRequests,
    },
  ),
  control(
    'snow-delays-parcels',
    'growth',
    'Snow delays parcels, and people look again and again where theirs are: first twice, then four, then seven times as often.',
    {
      setup: parcels(),
      begin: async (lab) => {
        for (const [index, factor] of [1, 3, 6].entries())
          afterwards(index * 10_000, () => lab.sendToo({ worried: of('GET', '/track/{n}', 9 * factor) }));
      },
      end: usualRequests,
    },
  ),
  control(
    'old-api-is-closed-for-seconds-as-announced',
    'brownout',
    'A part of the API ends next month. To remind the few who use it still, it is closed for ten of each thirty seconds, 410, as a mail had announced.',
    {
      setup: team(
        { ...pair, behaviour: { rules: [{ path: '/v1/projects/old' }] } },
        { flows: teamFlows({ oldPrograms }) },
      ),
      begin: async (lab) =>
        lab.behave('team', {
          rules: [{ path: '/v1/projects/old', within: { forMs: 10_000, everyMs: 30_000 }, status: 410, bytes: 120 }],
        }),
      end: async (lab) => lab.behaveUsually('team'),
    },
  ),
  control(
    'links-of-an-old-newsletter',
    'expired_links',
    'An old newsletter is passed around. Its links to shared files have expired, 403, as they should.',
    {
      setup: team({
        ...pair,
        behaviour: { rules: [{ path: '/v1/files/shared', status: 403, type: 'application/json', bytes: 90 }] },
      }),
      begin: async (lab) => lab.sendToo({ readers }),
      end: usualRequests,
    },
  ),
  control(
    'a-workshop-edits-the-same-tasks',
    'edit_conflicts',
    'The people of a workshop all edit the same tasks: four of ten changes meet a newer version, 412, and are made again.',
    {
      setup: team({
        ...pair,
        behaviour: { rules: [{ path: '/v1/tasks/w', method: 'PATCH', share: 0.4, status: 412, bytes: 80 }] },
      }),
      begin: async (lab) => lab.sendToo({ workshop }),
      end: usualRequests,
    },
  ),
  control(
    'reload-limits-one-scraper',
    'rate_limit',
    'A program searches all day. A reload limits how often one address may, which only this program notices.',
    {
      setup: shop(pair, { flows: { ...usual, scraper } }),
      begin: async (lab) => reloadSearch(lab, { rate: '10/s', burst: 20 }),
      end: async (lab) => reloadSearch(lab, undefined),
    },
  ),
  control(
    'reload-redirects-the-feed',
    'redirect',
    'The feed has moved to another page, and a reload redirects those who read it.',
    {
      setup: shop(pair, { flows: { ...usual, feed } }),
      begin: async (lab) =>
        lab.reload(({ routes }) => {
          routes.unshift({ id: 'feed', path: '/feed', redirect: { location: '/products', status: 301 } });
        }),
      end: async (lab) => lab.reload(({ routes }) => void routes.shift()),
    },
  ),
  control(
    'release-answers-much-faster',
    'faster',
    'A good release has a cache: everything takes a third of the time, and everything is the same.',
    {
      setup: parcels({ api: managed }),
      begin: async (lab) => lab.release('api', { rules: [{ slower: 0.35 }] }),
    },
  ),
  control(
    'release-prints-warnings',
    'noisy_output',
    'A good release uses a function that will go next year, and its language prints a warning for half of all calls.',
    {
      setup: shop(managed),
      begin: async (lab) =>
        lab.release('shop', {
          rules: [{ path: '/api', share: 0.5, prints: 'DeprecationWarning: Buffer() is deprecated, error-prone' }],
        }),
    },
  ),
  control(
    'a-person-restarts-the-instances',
    'operator_restart',
    'After an update of the certificates of the system a person restarts both instances, one after the other.',
    {
      setup: parcels({ api: managed }),
      begin: async (lab) => {
        await lab.admin('POST', '/v1/instances/restart', { instance: 'api/1' });
        afterwards(15_000, () => void lab.admin('POST', '/v1/instances/restart', { instance: 'api/2' }));
      },
      end: async () => endWaves(),
    },
  ),
  control(
    'checks-take-longer',
    'slow_checks',
    'The page of the check looks at more things than before, and takes a second. Requests do not.',
    {
      begin: async (lab) => lab.behave('shop', { rules: [{ path: '/healthz', latencyMs: 1000 }] }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
  control(
    'bulk-calls-have-many-statuses',
    'bulk',
    'A shop begins to send its parcels in bulk: the answer has a status for each of them, 207.',
    {
      setup: parcels({
        api: {
          ...pair,
          behaviour: { rules: [{ path: '/v2/parcels/bulk', status: 207, bytes: 5000, latencyMs: 220 }] },
        },
      }),
      begin: async (lab) => lab.sendToo({ bulk }),
      end: usualRequests,
    },
  ),
  control(
    'pages-become-personal',
    'personal_pages',
    'A good release shows each customer other things beside a product: pages are smaller for some, and larger for others.',
    {
      setup: shop(managed),
      begin: async (lab) =>
        lab.release('shop', {
          rules: [
            { path: '/products/', share: 0.3, bytes: 3700 },
            { path: '/products/', share: 0.4, bytes: 7200 },
          ],
        }),
    },
  ),
  control(
    'an-old-application-is-switched-off',
    'retired',
    'An application that nobody has asked for in a year is switched off. Its route stays in the file.',
    {
      setup: retired(),
      begin: async (lab) => {
        for (const one of ['old-1', 'old-2']) await lab.process(one).stop();
      },
    },
  ),
  control(
    'first-searches-build-their-index',
    'first_use',
    'At midnight a new index of the day begins, and the first two searches at each process build it: they take 2.5 s.',
    {
      begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search', times: 2, latencyMs: 2500 }] }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
];

function retired() {
  const { applications, routes, ...rest } = parcels();
  return {
    ...rest,
    applications: { ...applications, old: pair },
    routes: [{ id: 'old', path: '/old', to: 'old' }, ...routes],
  };
}

async function reloadSearch(lab: Lab, limits: unknown): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) if (route['id'] === 'search') route['rate_limits'] = limits;
  });
}
