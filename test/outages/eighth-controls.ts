import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { boxOffice, boxOfficeFlows } from './box-office.ts';
import { control } from './control-form.ts';
import { testUser } from './eighth-outages-operators.ts';
import { addressesFrom, type Flow } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import { meterAddresses, meterFlows, meters } from './meters.ts';
import type { Control } from './outage.ts';
import { managed, pair } from './shop.ts';

const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});

const halls = of('POST', '/gate/scans', 40, { clients: addressesFrom(120, 12) });
const firmware = of('GET', '/m/firmware/{n}', 4, { clients: meterAddresses });
const stored = of('POST', '/m/readings', 14, { clients: meterAddresses, body: `{"stored":"${'7;'.repeat(1500)}"}` });
const clocks = of('GET', '/m/clock', 45, { clients: meterAddresses });
const longer = of('POST', '/m/readings', 9, { clients: meterAddresses, body: `{"values":"${'7;'.repeat(400)}"}` });
const organizer = of('DELETE', '/b/shows/{n}', 6, { clients: ['127.0.66.90'], isOutsider: true });
const spider = of('GET', '/b/shows/{n}', 3, { clients: ['127.0.66.97'], isOutsider: true });
const strangers = of('GET', '/preview/{n}', 3, { clients: addressesFrom(200, 8), isOutsider: true });
const readers = of('GET', '/posters-2019/{n}', 25, { clients: addressesFrom(100, 60), isOutsider: true });
const hedged = of('GET', '/b/seats/{n}', 8, { clients: ['127.0.66.91'], timeoutMs: 13, isOutsider: true });
const group = of('GET', '/b/tickets/{n}', 22, { clients: ['127.0.66.71'] });
const waiting = of('GET', '/b/seats/{n}', 55, { clients: addressesFrom(100, 80) });
const after = of('GET', '/b/holds/{n}', 4);
const { 'POST /m/readings': readings, ...withoutReadings } = meterFlows();

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
};

/** Things that look suspicious, and are innocent. */
export const eighthControls: readonly Control[] = [
  control('a-stadium-opens-its-doors', 'rush', 'A stadium opens its doors: eight times as many scans, for a minute.', {
    setup: boxOffice(),
    begin: async (lab) => lab.sendToo({ halls }),
    end: usualRequests,
  }),
  control(
    'meters-fetch-their-firmware',
    'firmware',
    'Meters fetch a new firmware of 300 kB, four a second, under a path that nobody has asked for before.',
    { setup: meters(), begin: async (lab) => lab.sendToo({ firmware }), end: usualRequests },
  ),
  control(
    'meters-are-without-a-network',
    'silent_devices',
    'Three of four meters have no network for twenty seconds, and then send what they have stored, which is taken.',
    {
      setup: meters(),
      begin: async (lab) => {
        lab.send({ ...withoutReadings, ...(readings && { few: { ...readings, perSecond: 4 } }) });
        afterwards(20_000, () => lab.sendToo({ stored }));
        afterwards(45_000, () => lab.sendUsual());
      },
      end: usualRequests,
    },
  ),
  control(
    'clocks-are-set',
    'clock_change',
    'Summer ends, and all meters ask for the time, again and again for half a minute.',
    {
      setup: meters(),
      begin: async (lab) => {
        lab.sendToo({ clocks });
        afterwards(30_000, () => lab.sendUsual());
      },
      end: usualRequests,
    },
  ),
  control(
    'meters-send-half-as-often',
    'fewer_requests',
    'To save their batteries meters now send half as often, and twice as many readings at a time.',
    {
      setup: meters(),
      begin: async (lab) => lab.send({ ...withoutReadings, longer }),
      end: usualRequests,
    },
  ),
  control(
    'last-season-is-cleared',
    'deletion',
    'An organizer deletes the shows of last season. The program of a search engine still asks for them, and gets 410.',
    {
      setup: boxOffice({
        office: { ...pair, behaviour: { rules: [{ path: '/b/shows', method: 'GET', status: 410, bytes: 60 }] } },
      }),
      begin: async (lab) => lab.sendToo({ organizer, spider }),
      end: usualRequests,
    },
  ),
  control(
    'instances-are-replaced-in-turn',
    'rolling',
    'A good release replaces three instances, one after the other.',
    {
      setup: boxOffice({ site: { ...managed, instances: 3, keys: { releases: { strategy: 'rolling' } } } }),
      begin: async (lab) => lab.release('site', {}),
    },
  ),
  control(
    'reload-protects-pages',
    'headers',
    'A reload adds headers by which browsers protect pages; nothing needs what they forbid.',
    {
      setup: boxOffice(),
      begin: async (lab) => lab.reload((file) => void Object.assign(file, { security_headers: 'strict' })),
      end: async (lab) => lab.reload((file) => void delete file['security_headers']),
    },
  ),
  control(
    'reload-opens-a-preview-with-a-password',
    'preview',
    'A reload adds a preview of the next site, which needs a password. Strangers who have read of it get 401.',
    {
      setup: boxOffice(),
      begin: async (lab) => {
        const file = join(dirname(lab.socket), 'users');
        writeFileSync(file, testUser, { mode: 0o600 });
        const authentication = { basic: { users_file: file } };
        await lab.reload(({ routes }) => {
          routes.unshift({ id: 'preview', path: '/preview', to: 'site', authentication });
        });
        lab.sendToo({ strangers });
      },
      end: async (lab) => {
        await usualRequests(lab);
        await lab.reload(({ routes }) => void routes.shift());
      },
    },
  ),
  control(
    'reload-tries-a-limit',
    'dry_run',
    'A reload tries a limit of requests that would refuse many, and refuses none yet.',
    {
      setup: boxOffice(),
      begin: async (lab) =>
        lab.reload((file) => void Object.assign(file, { rate_limits: { rate: '1/s', burst: 2, dry_run: true } })),
      end: async (lab) => lab.reload((file) => void delete file['rate_limits']),
    },
  ),
  control(
    'release-leads-on-after-a-hold',
    'redirect_after_post',
    'After a good release a page is shown once a seat is held: 303 in place of 200, and then a request for that page.',
    {
      setup: boxOffice({ office: managed }),
      begin: async (lab) => {
        await lab.release('office', {
          rules: [{ path: '/b/holds', method: 'POST', status: 303, location: '/b/holds/17', bytes: 0 }],
        });
        lab.sendToo({ after });
      },
      end: usualRequests,
    },
  ),
  control(
    'a-paper-has-old-links',
    'moved_pages',
    'A paper prints links to posters of 2019, which moved long ago: sixty new addresses are redirected, as they should.',
    {
      setup: boxOffice({
        site: {
          ...pair,
          behaviour: { rules: [{ path: '/posters-2019', status: 301, location: '/posters/1', bytes: 0 }] },
        },
      }),
      begin: async (lab) => lab.sendToo({ readers }),
      end: usualRequests,
    },
  ),
  control(
    'a-program-asks-twice-and-takes-the-first',
    'hedging',
    'A partner sends each question twice, keeps the answer that is there first, and leaves the other request.',
    { setup: boxOffice(), begin: async (lab) => lab.sendToo({ hedged }), end: usualRequests },
  ),
  control('cookies-get-longer', 'cookies', 'For a new law each request has 3 kB more of cookies, which all can bear.', {
    setup: boxOffice(),
    begin: async (lab) => {
      const headers = { cookie: `choices=${'a1'.repeat(1500)}` };
      lab.send(
        Object.fromEntries(Object.entries(boxOfficeFlows()).map(([name, flow]) => [name, { ...flow, headers }])),
      );
    },
    end: usualRequests,
  }),
  control(
    'a-group-prints-its-tickets',
    'batch',
    'An organizer of journeys fetches the tickets of a group, 22 a second for twenty seconds.',
    {
      setup: boxOffice(),
      begin: async (lab) => {
        lab.sendToo({ group });
        afterwards(20_000, () => lab.sendUsual());
      },
      end: usualRequests,
    },
  ),
  control(
    'all-look-at-one-plan-before-the-sale',
    'anticipation',
    'Before a sale eighty new addresses look at plans of seats again and again: nine times as many as usual, all answered.',
    { setup: boxOffice(), begin: async (lab) => lab.sendToo({ waiting }), end: usualRequests },
  ),
];
