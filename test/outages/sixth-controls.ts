import { control } from './control-form.ts';
import { addresses, addressesFrom, type Flow, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Control } from './outage.ts';
import { managed, pair, shop, single } from './shop.ts';
import { team, teamFlows } from './team.ts';

const usual = ordinaryFlows();
const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});

const loadTest = of('GET', '/v1/tasks', 120, { clients: ['127.0.66.91'], headers: { 'user-agent': 'k6/1.2' } });
const logins = of('POST', '/api/login', 3, { body: '{"user":"a","password":"right"}' });
const mistyped = of('POST', '/api/login', 2.5, { body: '{"user":"a","password":"the old one"}', isOutsider: true });
const typing = of('GET', '/search/suggest?q={n}', 25, { timeoutMs: 7, isOutsider: true });
const mirror = of('GET', '/v1/files/{n}', 15, { clients: ['127.0.66.92'], headers: { 'if-none-match': '"f"' } });
const documents = of('GET', '/documents/{n}', 2);
const attacks = of('GET', '/products/{n}%27+OR+1=1', 9, { clients: ['127.0.66.93'], isOutsider: true });
const injections = of('POST', '/api/cart', 5, {
  ...{ clients: ['127.0.66.93'], body: '{"product":"<script>","count":1}', isOutsider: true },
});
const hooks = of('POST', '/v1/hooks/payments', 1, {
  clients: ['127.0.66.50', '127.0.66.51'],
  body: '{"event":"paid"}',
});
const programs = of('GET', '/v1/me', 3, { clients: addressesFrom(160, 10), headers: { 'x-token': 'new' } });
const expired = of('GET', '/v1/me', 0.1, { clients: addressesFrom(160, 10), isOutsider: true });
const coupons = of('GET', '/api/coupons/{n}', 4);
const compressible = { 'accept-encoding': 'gzip' };
const bargain = of('GET', '/products/417', 40, { clients: addressesFrom(100, 60) });
const bargainCarts = of('POST', '/api/cart', 9, { clients: addressesFrom(100, 60) });
const warmer = of('GET', '/products/{n}', 60, { clients: ['127.0.66.94'], isOutsider: true });

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
};

/** Things that look suspicious, and are innocent. */
export const sixthControls: readonly Control[] = [
  control(
    'release-answers-created',
    'release',
    'A good release answers 201 in place of 200 to new tasks and comments.',
    {
      setup: team(managed),
      begin: async (lab) =>
        lab.release('team', {
          rules: ['/v1/tasks', '/v1/comments'].map((path) => ({ path, method: 'POST', status: 201 })),
        }),
    },
  ),
  control(
    'release-names-the-charset',
    'content_type',
    'A good release updates its framework, which writes the character set behind each type of JSON.',
    {
      setup: team(managed),
      begin: async (lab) =>
        lab.release('team', {
          rules: [{ path: '/v1/files' }, { path: '/v1', type: 'application/json; charset=utf-8' }],
        }),
    },
  ),
  control(
    'release-renames-its-files',
    'new_files',
    'A good release has its script under a new name, keeps the old one, and pages load the new one more and more.',
    {
      setup: shop(managed),
      begin: async (lab) => {
        await lab.release('shop', {});
        for (const [index, perSecond] of [0.5, 1.5, 3].entries())
          afterwards(index * 12_000, () =>
            lab.sendToo({
              'GET /static/app.js': of('GET', '/static/app.js', 3 - perSecond),
              anew: of('GET', '/static/app-77.js', perSecond),
            }),
          );
      },
      end: usualRequests,
    },
  ),
  control(
    'people-find-a-bargain',
    'bargain',
    'A low price is told in a forum: sixty new addresses look at one product and put it into their carts. All are answered.',
    {
      begin: async (lab) => lab.sendToo({ bargain, bargainCarts }),
      end: usualRequests,
    },
  ),
  control(
    'load-test-by-one-machine',
    'load_test',
    'A developer tests with 120 requests a second what the service bears, which it does.',
    {
      setup: team(),
      begin: async (lab) => lab.sendToo({ loadTest }),
      end: usualRequests,
    },
  ),
  control(
    'new-passwords-are-mistyped',
    'passwords',
    'All had to choose new passwords, and many type the old one first: nearly half of all logins are 401, and then right.',
    {
      setup: shop(
        { ...pair, behaviour: { rules: [{ path: '/api/login', contains: 'old one', status: 401, bytes: 50 }] } },
        { flows: { ...usual, logins, mistyped: { ...mistyped, perSecond: 0.2 } } },
      ),
      begin: async (lab) => lab.sendToo({ logins: { ...logins, perSecond: 5 }, mistyped }),
      end: usualRequests,
    },
  ),
  control(
    'typing-cancels-suggestions',
    'mobile_aborts',
    'The new app asks for suggestions with each letter, and leaves the request of the letter before.',
    {
      begin: async (lab) => lab.sendToo({ typing }),
      end: usualRequests,
    },
  ),
  control(
    'partner-mirrors-all-files',
    'sync',
    'A program of a partner compares all files with its own each night: nearly all answers are 304.',
    {
      setup: team({
        ...pair,
        behaviour: { rules: [{ path: '/v1/files', client: '127.0.66.92', share: 0.97, status: 304, bytes: 0 }] },
      }),
      begin: async (lab) => lab.sendToo({ mirror }),
      end: usualRequests,
    },
  ),
  control(
    'town-without-power',
    'quiet',
    'A town has no power: from one second to the next, half of the customers are gone.',
    {
      begin: async (lab) => lab.send(halfOfTheClients()),
      end: usualRequests,
    },
  ),
  control(
    'reload-adds-a-slow-service',
    'new_routes',
    'A reload adds a route to a new service that makes documents, each in some 1.2 s.',
    {
      setup: team(pair, {
        applications: {
          team: pair,
          documents: {
            ...single,
            behaviour: {
              rules: [{ path: '/documents', status: 200, type: 'application/pdf', bytes: 40_000, latencyMs: 1200 }],
            },
          },
        },
      }),
      begin: async (lab) => {
        await lab.reload(({ routes }) => void routes.unshift({ id: 'documents', path: '/documents', to: 'documents' }));
        lab.sendToo({ documents });
      },
      end: usualRequests,
    },
  ),
  control(
    'database-is-switched-in-a-pause',
    'maintenance',
    'A person lets requests for carts wait while the database is switched, which takes 1.2 s. All are answered then.',
    {
      begin: async (lab) => {
        await lab.admin('POST', '/v1/overlay/pause', { target: 'route:cart', wait_ms: 5000, waiters_max: 200 });
        afterwards(1200, () => void lab.admin('POST', '/v1/overlay/restore', {}).catch(() => {}));
      },
      end: async (lab) => {
        endWaves();
        await lab.admin('POST', '/v1/overlay/restore', {});
      },
    },
  ),
  control(
    'hired-testers-attack',
    'penetration_test',
    'A company was hired to attack the shop from one address: its requests are 400 and 403, those of customers go on.',
    {
      setup: shop({
        ...pair,
        behaviour: {
          rules: [
            { client: '127.0.66.93', path: '/products', status: 400, bytes: 80 },
            { client: '127.0.66.93', path: '/api/cart', status: 403, bytes: 80 },
          ],
        },
      }),
      begin: async (lab) => lab.sendToo({ attacks, injections }),
      end: usualRequests,
    },
  ),
  control(
    'provider-sends-what-was-held-back',
    'webhooks',
    'The payment provider had an outage of its own, and now sends what it held back: forty calls a second, then ten.',
    {
      setup: team(pair, { flows: teamFlows({ hooks }) }),
      begin: async (lab) => {
        lab.sendToo({ hooks: { ...hooks, perSecond: 40 } });
        afterwards(20_000, () => lab.sendToo({ hooks: { ...hooks, perSecond: 10 } }));
      },
      end: usualRequests,
    },
  ),
  control(
    'tokens-expire-on-the-hour',
    'token_refresh',
    'Tokens that were issued at the start of the day expire: programs get one 401 each, fetch another token, and go on.',
    {
      setup: team(
        {
          ...pair,
          behaviour: { rules: [{ path: '/v1/me', client: '127.0.66.16', lacks: 'x-token', status: 401, bytes: 40 }] },
        },
        { flows: teamFlows({ programs, expired }) },
      ),
      begin: async (lab) => {
        lab.sendToo({ expired: { ...expired, perSecond: 4 }, 'POST /oauth/token': of('POST', '/oauth/token', 6) });
        afterwards(15_000, () => lab.sendToo({ expired: { ...expired, perSecond: 1 } }));
      },
      end: usualRequests,
    },
  ),
  control(
    'coupons-of-a-magazine',
    'lookups',
    'A magazine prints codes for coupons, and people try which of them hold still: most are 404, as the application means it.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/api/coupons', share: 0.25, status: 200, bytes: 90 }] },
      }),
      begin: async (lab) => lab.sendToo({ coupons }),
      end: usualRequests,
    },
  ),
  control(
    'compression-is-turned-on',
    'compression',
    'A reload compresses answers for clients that accept it: they get much smaller.',
    {
      setup: shop(pair, { flows: withHeaders(compressible) }),
      begin: async (lab) => lab.reload((file) => void Object.assign(file, { compress: true })),
      end: async (lab) => lab.reload((file) => void Object.assign(file, { compress: undefined })),
    },
  ),
  control(
    'dump-of-the-database-slows-writes',
    'backup',
    'The dump of the night makes changes a third slower, and reads a fifth.',
    {
      begin: async (lab) =>
        lab.behave('shop', {
          rules: [
            { path: '/api', method: 'POST', slower: 1.35 },
            { path: '/api', slower: 1.2 },
            { path: '/products', slower: 1.2 },
          ],
        }),
      end: async (lab) => lab.behaveUsually('shop'),
    },
  ),
  control(
    'cache-is-filled-before-the-sale',
    'cache_warm_up',
    'Before a sale a program asks for every product in short runs, so that they are in the cache.',
    {
      begin: async (lab) =>
        startWaves(
          15_000,
          5000,
          () => lab.sendToo({ warmer }),
          () => lab.sendUsual(),
        ),
      end: usualRequests,
    },
  ),
];

/** Customers of the second half of the addresses alone. */
function halfOfTheClients(): Record<string, Flow> {
  const clients = addresses.slice(addresses.length / 2);
  return Object.fromEntries(Object.entries(ordinaryFlows(0.5)).map(([name, flow]) => [name, { ...flow, clients }]));
}

function withHeaders(headers: Readonly<Record<string, string>>): Record<string, Flow> {
  return Object.fromEntries(Object.entries(usual).map(([name, flow]) => [name, { ...flow, headers }]));
}
