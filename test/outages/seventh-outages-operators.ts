import type { Flow } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { usualParcels } from './seventh-outages-answers.ts';
import { pair, shop } from './shop.ts';

const program = { method: 'GET', path: '/v2/parcels', perSecond: 0.5 };

/** The usual requests of programs that say their names, and those of one that does not. */
function withNames(): Record<string, Flow> {
  const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
  const named = Object.entries(parcelFlows()).map(([name, flow]) => [name, { ...flow, headers }] as const);
  return { ...Object.fromEntries(named), program };
}

async function reloadRoutes(lab: Lab, ids: readonly string[], keys: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) if (ids.includes(String(route['id']))) Object.assign(route, keys);
  });
}

async function reloadCheck(lab: Lab, check: unknown): Promise<void> {
  await lab.reload(({ upstreams }) => void Object.assign(upstreams['shop'] ?? {}, { check }));
}

async function reloadAccess(lab: Lab, access: unknown): Promise<void> {
  await lab.reload((file) => void Object.assign(file, { access }));
}

/** Changes of the configuration. */
export const seventhOperatorOutages: readonly Outage[] = [
  outage('reload-checks-another-port', 'check_setting', {
    what: 'A reload checks the shop at a port of its own for checks, which it is to have next week. Nothing listens there yet: both hosts are taken out, and every request is 503.',
    suspects: ['configuration_change', 'failing_check'],
    side: 'operator',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => reloadCheck(lab, { path: '/healthz', port: 9 }),
    end: async (lab) => reloadCheck(lab, { path: '/healthz' }),
  }),
  outage('reload-denies-a-network-that-is-too-large', 'deny_list', {
    what: 'Against one attacker a reload denies a network, with a mask that has a digit wrong: half of all customers are in it, and get 403.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: shop(),
    begin: async (lab) => reloadAccess(lab, { deny: '127.0.66.8/29' }),
    end: async (lab) => reloadAccess(lab, undefined),
  }),
  outage('reload-turns-nameless-programs-away', 'user_agents', {
    what: 'A reload keeps scanners and all who do not say what they are from parcels. The old program of some customers never did: one of 35 requests is 403.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['parcels'],
    setup: parcels({}, { flows: withNames() }),
    seconds: 115,
    begin: async (lab) =>
      reloadRoutes(lab, ['parcels'], { access: { user_agents: { deny: ['scanners', 'missing'] } } }),
    end: async (lab) => reloadRoutes(lab, ['parcels'], { access: undefined }),
  }),
  outage('reload-writes-kib-for-mib', 'bandwidth_setting', {
    what: 'A reload bounds how fast files are sent, to twelve KiB a second where MiB were meant: the script of all pages takes two seconds.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: ['static'],
    setup: shop(),
    begin: async (lab) => reloadRoutes(lab, ['static'], { bandwidth: { response: '12KiB/s' } }),
    end: async (lab) => reloadRoutes(lab, ['static'], { bandwidth: undefined }),
  }),
  outage('reload-leads-back-to-the-gateway', 'loop', {
    what: 'A reload gives the pages for tracking an upstream of their own, by the public name of the service, which leads to the gateway: each request comes back to it, in a loop.',
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['track'],
    setup: parcels({ portal: { ...pair, host: 'portal.test' } }),
    begin: async (lab) => {
      lab.lead('www.parcels.test', '127.0.0.1');
      await lab.reload(({ upstreams, routes }) => {
        upstreams['tracking'] = { endpoints: [`www.parcels.test:${lab.listener}`] };
        for (const route of routes) if (route['id'] === 'track') route['to'] = 'tracking';
      });
    },
    end: async (lab) =>
      lab.reload(({ upstreams, routes }) => {
        delete upstreams['tracking'];
        for (const route of routes) if (route['id'] === 'track') route['to'] = 'portal';
      }),
  }),
  outage('reload-tells-the-inner-host', 'host_header', {
    what: 'A reload sends the portal the address of its host in place of the name that visitors used. The portal knows one name alone, and redirects each page to it: browsers go round in circles.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['track|portal'],
    setup: parcels(),
    begin: async (lab) => {
      await reloadRoutes(lab, ['track', 'portal'], { rewrite: { host: 'endpoint' } });
      const others = ['/healthz', '/ws', '/events'];
      lab.behave('portal', {
        rules: [
          ...others.map((path) => ({ path })),
          { status: 301, location: 'https://parcels.test/', type: 'text/html', bytes: 170, latencyMs: 1 },
        ],
      });
    },
    end: async (lab) => {
      await reloadRoutes(lab, ['track', 'portal'], { rewrite: undefined });
      await usualParcels('portal')(lab);
    },
  }),
];
