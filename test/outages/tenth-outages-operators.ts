import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import type { Flow } from './flows.ts';
import type { Lab } from './lab.ts';
import { meals } from './meals.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { practice, practiceFlows } from './practice.ts';

const ofRecords = ['letters', 'scans', 'patients'];
const rooms = practice(
  {},
  {
    flows: practiceFlows({
      'GET /rooms/now.webp': { method: 'GET', path: '/rooms/now.webp', perSecond: 4 },
      'GET /rooms/timeline.webp': { method: 'GET', path: '/rooms/timeline.webp', perSecond: 3 },
    }),
  },
);
const pictures = join(repositoryRoot, 'docs/dashboard');
const letters: Flow = { method: 'GET', path: '/letters/{n}', perSecond: 10 };

async function reloadRoutes(lab: Lab, ids: readonly string[], keys: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) if (ids.includes(String(route['id']))) Object.assign(route, keys);
  });
}

async function reloadUpstream(lab: Lab, name: string, keys: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.reload(({ upstreams }) => void Object.assign(upstreams[name] ?? {}, keys));
}

/** The window of an hour that began two minutes ago. */
export function windowOfNow(): Record<string, unknown> {
  const begin = new Date(Date.now() - 120_000);
  return {
    ...{ schedule: `${begin.getUTCMinutes()} ${begin.getUTCHours()} * * *`, for: '1h', time_zone: 'Etc/UTC' },
    message: 'We are back at four.',
  };
}

const recordsAt = (lab: Lab, ...processes: readonly string[]): Promise<void> =>
  reloadUpstream(lab, 'records', { endpoints: processes.map((process) => lab.address(process)) });

/** Changes of the configuration. */
export const tenthOperatorOutages: readonly Outage[] = [
  outage('window-of-the-night-is-written-in-another-time', 'maintenance_window', {
    what: 'A person gives what is kept about patients a window for maintenance, at three at night, and writes it in the time zone of the provider. There it is three now: every letter, scan and file is 503.',
    suspects: ['configuration_change', 'operator_action'],
    side: 'operator',
    names: ['letters|scans|patients'],
    setup: practice(),
    begin: async (lab) => reloadRoutes(lab, ofRecords, { maintenance_windows: windowOfNow() }),
    end: async (lab) => reloadRoutes(lab, ofRecords, { maintenance_windows: undefined }),
  }),
  outage('two-hosts-keep-files-apart', 'local_files', {
    what: 'A reload adds a second host for more room. Each keeps the letters on its own disk: those that are asked for at the other one, nearly half, are 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'changed_responses'],
    side: 'operator',
    names: ['letters'],
    setup: practice({}, { flows: practiceFlows({ 'GET /letters/{n}': letters }) }),
    before: async (lab) => recordsAt(lab, 'records-1'),
    begin: async (lab) => {
      lab.behave('records', { rules: [{ path: '/letters', share: 0.45, status: 404, bytes: 90, latencyMs: 2 }] });
      await recordsAt(lab, 'records-1', 'records-2');
    },
    end: async (lab) => {
      await recordsAt(lab, 'records-1');
      lab.behaveUsually('records');
    },
  }),
  outage('reload-speaks-the-second-version-of-http', 'http2_setting', {
    what: 'A reload has the gateway speak HTTP/2 with the service that knows where couriers are, which speaks HTTP/1.1 alone: customers see none any more.',
    suspects: ['configuration_change', 'invalid_responses'],
    side: 'operator',
    names: ['couriers|positions'],
    setup: meals(),
    begin: async (lab) => reloadUpstream(lab, 'couriers', { http2: true }),
    end: async (lab) => reloadUpstream(lab, 'couriers', { http2: false }),
  }),
  outage('reload-leads-to-an-empty-folder', 'empty_folder', {
    what: 'The gateway sends the pictures of practices from a folder, and asks the application for what is not there. A reload names the folder of the next version, which is to be filled tonight: every picture is 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'changed_responses'],
    side: 'operator',
    names: ['rooms'],
    setup: {
      ...rooms,
      routes: [
        { id: 'rooms', path: '/rooms', to: 'booking', keys: { files: pictures, rewrite: { path: '/' } } },
        ...rooms.routes,
      ],
    },
    begin: async (lab) => {
      const folder = join(dirname(lab.socket), 'pictures-of-next-version');
      mkdirSync(folder, { recursive: true });
      await reloadRoutes(lab, ['rooms'], { files: folder });
    },
    end: async (lab) => reloadRoutes(lab, ['rooms'], { files: pictures }),
  }),
];
