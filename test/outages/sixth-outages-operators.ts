import type { Behaviour } from './behaviour.ts';
import { addressesFrom, type Flow, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Configuration } from './lab-configuration.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, single } from './shop.ts';
import { team, teamFlows, teamRoutes } from './team.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const { 'POST /api/cart': changes, ...withoutChanges } = usual;
const chunk = { method: 'GET', path: '/static/app-1a2b3c.js', perSecond: 5 };
const preflights = { method: 'OPTIONS', path: '/api/cart', perSecond: 4, headers: { origin: 'https://m.shop.test' } };
const moreOrders = { method: 'GET', path: '/api/orders/{n}', perSecond: 4 };
const invoices = { method: 'GET', path: '/v1/billing/invoices', perSecond: 3 };
const printed = { method: 'GET', path: '/v1/billing/printed/{n}', perSecond: 0.2 };
const plugIn = { method: 'GET', path: '/v1/tasks', perSecond: 5, clients: addressesFrom(60, 12) };

/** What the application for other origins answers to browsers that ask before they send. */
const preflight: Behaviour = { rules: [{ path: '/api', method: 'OPTIONS', status: 204, bytes: 0, latencyMs: 1 }] };
/** Requests that need to know who asks. */
const withSessions: Behaviour = {
  rules: ['/api/session', '/api/cart', '/api/orders'].map((path) => ({
    path,
    lacks: 'cookie',
    status: 401,
    bytes: 60,
  })),
};
/** It answers each path that it does not know with the page that starts the application in the browser. */
const webServer: Behaviour = {
  rules: [
    { path: '/healthz' },
    { path: '/assets' },
    { path: '/ws' },
    { status: 200, type: 'text/html; charset=utf-8', bytes: 2400, latencyMs: 2 },
  ],
};

/** The usual requests, of clients that are logged in. */
function withCookies(): Record<string, Flow> {
  const headers = { cookie: 'session=4f1c; lang=en' };
  return Object.fromEntries(Object.entries(usual).map(([name, flow]) => [name, { ...flow, headers }]));
}

/** A person changes keys of the upstream of the shop, and reloads. */
async function reloadShop(lab: Lab, keys: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.reload(({ upstreams }) => void Object.assign(upstreams['shop'] ?? {}, keys));
}

async function reloadFile(lab: Lab, keys: Readonly<Partial<Configuration>>): Promise<void> {
  await lab.reload((file) => void Object.assign(file, keys));
}

async function reloadMethods(lab: Lab, methods: readonly string[] | undefined): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) route['methods'] = methods;
  });
}

const releaseOutages: readonly Outage[] = [
  outage('release-removes-the-bundles-of-before', 'old_bundles', {
    what: 'A release has the script in files with new names, and no longer those of before, which pages in open browsers still load: 404, until people load the page anew.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(managed, { flows: { ...usual, chunk } }),
    begin: async (lab) => {
      await lab.release('shop', { rules: [{ path: '/static/app-1a2b3c', status: 404, bytes: 130 }] });
      const anew = { ...chunk, path: '/static/app-9f8e7d.js' };
      for (const [index, share] of [0.1, 0.25, 0.4].entries())
        afterwards(index * 15_000, () =>
          lab.sendToo({
            chunk: { ...chunk, perSecond: 5 * (1 - share) },
            anew: { ...anew, perSecond: 5 * share },
          }),
        );
    },
    end: async (lab) => {
      endWaves();
      lab.sendUsual();
      await lab.release('shop', {});
    },
  }),
  outage('release-forgets-other-origins', 'preflights', {
    what: 'A release lost the answer to preflights: 405. Browsers on the pages for phones, which are of another origin, do not send their changes of carts any more.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['cart'],
    setup: shop({ ...managed, behaviour: preflight }, { flows: { ...usual, preflights } }),
    begin: async (lab) => {
      await lab.release('shop', {});
      lab.send({ ...withoutChanges, preflights, ...(changes && { few: { ...changes, perSecond: 0.4 } }) });
    },
    end: async (lab) => {
      await lab.release('shop', preflight);
      lab.sendUsual();
    },
  }),
  outage('rollback-cannot-read-newer-orders', 'rollback', {
    what: 'A good release writes orders in a new form. A person goes back to the one before for another reason, and that one cannot read them: six of ten orders are 500.',
    suspects: ['release'],
    side: 'application',
    names: ['api'],
    setup: shop(managed, { flows: { ...usual, moreOrders } }),
    before: async (lab) => lab.release('shop', {}),
    begin: async (lab) =>
      lab.release('shop', {
        rules: [
          {
            ...{ path: '/api/orders/', share: 0.6, status: 500, bytes: 60 },
            prints: 'TypeError: cannot read properties of undefined (reading "lines")',
          },
        ],
      }),
    end: async (lab) => lab.release('shop', {}),
  }),
  outage('release-lacks-a-library-for-print', 'base_image', {
    what: 'A release is built on a smaller image of the system, which lacks the library that draws invoices for print: these, one of 25 requests about invoices, are 500.',
    marks: ['low rate'],
    suspects: ['release'],
    side: 'application',
    names: ['billing'],
    setup: team(managed, { flows: teamFlows({ invoices, printed }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.release('team', {
        rules: [
          {
            ...{ path: '/v1/billing/printed', status: 500, bytes: 60 },
            prints: 'error while loading shared libraries: libfontconfig.so.1: cannot open shared object file',
          },
        ],
      }),
    end: async (lab) => lab.release('team', {}),
  }),
];

const configurationOutages: readonly Outage[] = [
  outage('reload-removes-cookies-everywhere', 'stripped_headers', {
    what: 'A reload removes cookies from requests, so that files are cached better. It was meant for files, and does so on all routes: everybody is logged out, 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: shop({ ...pair, behaviour: withSessions }, { flows: withCookies() }),
    begin: async (lab) => reloadFile(lab, { request_headers: { remove: 'Cookie' } }),
    end: async (lab) => reloadFile(lab, { request_headers: undefined }),
  }),
  outage('reload-turns-the-proxy-protocol-on', 'proxy_protocol', {
    what: 'To pass the addresses of clients on, a reload lets connections to the shop begin with the PROXY protocol. The shop does not speak it, and answers 400 to all that comes, checks too.',
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => reloadShop(lab, { proxy_protocol: 'v2' }),
    end: async (lab) => reloadShop(lab, { proxy_protocol: undefined }),
  }),
  outage('reload-puts-the-general-route-first', 'route_order', {
    what: 'A person sorts the routes by their names, so that the one for all paths comes first: the API is answered by the web server, with the page that starts the application, 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: team(pair, {
      applications: { team: pair, web: { ...single, behaviour: webServer } },
      routes: teamRoutes.map((route) =>
        route.id === 'app' || route.id === 'assets' ? { ...route, to: 'web' } : route,
      ),
    }),
    begin: async (lab) =>
      lab.reload(({ routes }) => {
        routes.sort((one, other) => String(one['id']).localeCompare(String(other['id'])));
      }),
    end: async (lab) =>
      lab.reload(({ routes }) => {
        const order = teamRoutes.map(({ id }) => id);
        routes.sort((one, other) => order.indexOf(String(one['id'])) - order.indexOf(String(other['id'])));
      }),
  }),
  outage('reload-forgets-where-sessions-are', 'lost_affinity', {
    what: 'Sessions are in the memory of each process, and clients stay at theirs by their address. A reload balances in another way: half of all carts are empty, and half of all sessions are 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['shop'],
    setup: shop({ ...pair, keys: { balance: { hash: 'address' } } }),
    begin: async (lab) => {
      await reloadShop(lab, { balance: 'round_robin' });
      lab.behave('shop', {
        rules: [
          { path: '/api/session', share: 0.5, status: 401, bytes: 60 },
          { path: '/api/cart', method: 'GET', share: 0.5, bytes: 30 },
        ],
      });
    },
    end: async (lab) => {
      await reloadShop(lab, { balance: { hash: 'address' } });
      await usualShop(lab);
    },
  }),
  outage('reload-forbids-methods', 'methods', {
    what: 'Against scanners a reload allows GET and POST alone on every route. The application changes tasks by PATCH, which the gateway now refuses.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: team(),
    begin: async (lab) => reloadMethods(lab, ['GET', 'POST']),
    end: async (lab) => reloadMethods(lab, undefined),
  }),
  outage('new-page-holds-every-connection', 'client_connections', {
    what: 'The gateway may have 90 connections of clients, since years. A new page of the shop holds some of its own for messages, many people leave it open, and others are refused with 503.',
    suspects: ['gateway_limit', 'traffic_growth'],
    side: 'gateway',
    names: [],
    setup: shop(pair, { keys: { client: { connections_max: 90 } } }),
    begin: async (lab) => lab.order({ kind: 'streams', events: 25, sockets: 40 }),
    end: async (lab) => reloadFile(lab, { client: { connections_max: 1000 } }),
  }),
];

const clientOutages: readonly Outage[] = [
  outage('plug-in-builds-wrong-paths', 'plug_in', {
    what: 'An update of a plug-in that many customers use puts the version into its paths twice: all that it asks for is 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'client',
    names: ['v1'],
    setup: team(pair, { flows: teamFlows({ plugIn }) }),
    begin: async (lab) => lab.sendToo({ plugIn: { ...plugIn, path: '/v1/v1/tasks' } }),
    end: async (lab) => lab.sendUsual(),
  }),
];

/** Releases, changes of the configuration, and clients. */
export const sixthOperatorOutages: readonly Outage[] = [...releaseOutages, ...configurationOutages, ...clientOutages];
