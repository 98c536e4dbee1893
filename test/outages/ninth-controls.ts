import { certificateAuthority } from '../../src/testing/certificates.ts';
import { dnsAddresses } from '../../src/testing/dns-server.ts';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { boxOffice } from './box-office.ts';
import { control } from './control-form.ts';
import { courseFlows, courses } from './courses.ts';
import { addressesFrom, type Flow } from './flows.ts';
import { afterwards } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import { meterAddresses, meterFlows, meters } from './meters.ts';
import { asBefore, known, revalidated } from './ninth-outages-answers.ts';
import { askOtherServer, askUsualServer, keyedFlows, trust, writeKeys } from './ninth-outages-operators.ts';
import type { Control } from './outage.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { registry } from './registry.ts';
import { pair, single } from './shop.ts';
import { team } from './team.ts';

const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});

const farm = addressesFrom(100, 40);
const heads = of('HEAD', '/tar/{n}', 25, { clients: farm });
const recheck = of('GET', '/tar/{n}', 20, { clients: farm, headers: known });
const free = of('GET', '/pkg/my-new-{n}', 10, { clients: ['127.0.66.95'], isOutsider: true });
const liveList = of('GET', '/media/live/list', 5);
const liveParts = of('GET', '/media/live/part/{n}', 5);
const late = of('GET', '/media/live/list', 0.4, { clients: addressesFrom(160, 3), isOutsider: true });
const better = of('GET', '/media/1080/part/{n}', 4);
const essays = of('POST', '/submissions/essays', 0.5);
const classroom = of('POST', '/progress/join', 3, { clients: addressesFrom(170, 25), isOutsider: true });
const retired = of('POST', '/builds', 1, {
  clients: ['127.0.66.94'],
  headers: { authorization: 'Bearer key-of-a-program-of-2019-of-the-registry' },
  isOutsider: true,
});
const tokens = of('POST', '/oauth/token', 8);
const longLists = of('GET', '/v2/parcels?limit=200', 3);
const packed = of('GET', '/m/firmware/{n}', 3, { clients: meterAddresses, headers: { 'accept-encoding': 'gzip' } });
const whole = of('GET', '/m/firmware/{n}', 3, { clients: meterAddresses });
const pictures = of('PUT', '/drafts/{n}', 3, { body: `{"text":"<img src='${'iVBOR'.repeat(30_000)}'>"}` });
const trials = of('GET', '/v1/tasks', 2, { clients: addressesFrom(190, 3), isOutsider: true });

/** The usual host and the next one share the requests, of which the next one gets so many of a hundred. */
const share = (lab: Lab, percent: number): Promise<void> =>
  lab.reload(({ upstreams }) => {
    const endpoints = [
      { address: lab.address('api-1'), weight: 100 - percent },
      { address: lab.address('api-2'), weight: percent },
    ];
    Object.assign(upstreams['api'] ?? {}, { endpoints });
  });

/** Things that look suspicious, and are innocent. */
export const ninthControls: readonly Control[] = [
  control(
    'a-farm-of-builders-joins',
    'new_clients',
    'Forty machines that build packages are new: they ask for the heads of files, and whether their copies are the newest, twice as often as all others ask for anything.',
    {
      setup: registry({ store: { ...single, behaviour: revalidated } }),
      begin: async (lab) => lab.sendToo({ heads, recheck }),
      end: asBefore(),
    },
  ),
  control(
    'names-are-looked-up-before-a-choice',
    'free_names',
    'A program asks ten times a second whether names of packages are still free. They are: 404.',
    {
      setup: registry({
        index: { ...pair, behaviour: { rules: [{ path: '/pkg/my-new-', status: 404, bytes: 60, latencyMs: 3 }] } },
      }),
      begin: async (lab) => lab.sendToo({ free }),
      end: asBefore(),
    },
  ),
  control(
    'a-live-lesson-ends',
    'end_of_event',
    'A live lesson ends, and all leave within seconds. A few forgotten players ask on for its list, and get 410.',
    {
      setup: courses({}, { flows: courseFlows({ liveList, liveParts }) }),
      begin: async (lab) => {
        lab.send(courseFlows({ late }));
        lab.behave('media', { rules: [{ path: '/media/live/list', status: 410, bytes: 40 }] });
      },
      end: asBefore('media'),
    },
  ),
  control(
    'players-learn-a-better-quality',
    'new_quality',
    'New players ask for films of a better quality under a path of its own: parts are three times as large, and a little later.',
    {
      setup: courses({
        media: { ...single, behaviour: { rules: [{ path: '/media/1080', bytes: 180_000, latencyMs: 12 }] } },
      }),
      begin: async (lab) => lab.sendToo({ better }),
      end: asBefore(),
    },
  ),
  control(
    'week-of-essays',
    'longer_work',
    'Essays are due. Each is compared with many others for 1.4 s, as ever; there are ten times as many as usual.',
    {
      setup: courses(
        { grader: { ...pair, behaviour: { rules: [{ path: '/submissions/essays', latencyMs: 1400 }] } } },
        { flows: courseFlows({ essays }) },
      ),
      begin: async (lab) => lab.sendToo({ essays: { ...essays, perSecond: 5 } }),
      end: asBefore(),
    },
  ),
  control(
    'a-class-mistypes-its-code',
    'wrong_codes',
    'A teacher wrote a code on the board that is hard to read: for fifteen seconds most of a class get 403, and then come in.',
    {
      setup: courses({
        learn: { ...pair, behaviour: { rules: [{ path: '/progress/join', share: 0.8, status: 403, bytes: 60 }] } },
      }),
      begin: async (lab) => {
        lab.sendToo({ classroom });
        afterwards(15_000, () => lab.sendUsual());
      },
      end: asBefore(),
    },
  ),
  control(
    'a-good-version-gets-more-and-more',
    'gradual_weights',
    'A good new version is on the second host. Reloads give it first a tenth of the requests, then half, then nearly all.',
    {
      setup: parcels(),
      before: async (lab) => share(lab, 1),
      begin: async (lab) => {
        for (const [index, percent] of [10, 50, 95].entries())
          afterwards(index * 7000, () => void share(lab, percent).catch(() => {}));
      },
      end: async (lab) => share(lab, 50),
    },
  ),
  control(
    'spare-host-serves-during-an-update',
    'spare_host',
    'A person drains the host that serves, updates and restarts it, and restores it. The spare one, which has all data, serves meanwhile.',
    {
      setup: boxOffice(),
      before: async (lab) => {
        const endpoints = ['office-1', 'office-2'].map((name, priority) => ({ address: lab.address(name), priority }));
        await lab.reload(({ upstreams }) => void Object.assign(upstreams['office'] ?? {}, { endpoints }));
      },
      begin: async (lab) => {
        await lab.admin('POST', '/v1/overlay/drain', { endpoint: lab.address('office-1') });
        afterwards(9000, () => void lab.restart('office-1').catch(() => {}));
      },
      end: async (lab) => void (await lab.admin('POST', '/v1/overlay/restore', {})),
    },
  ),
  control(
    'keys-are-exchanged',
    'key_rotation',
    'A reload adds a key to those of programs. One program still comes with a key that was taken away years ago: 401.',
    {
      setup: registry({}, { flows: keyedFlows }),
      before: async (lab) => writeKeys(lab, ['older', 'newer']),
      begin: async (lab) => {
        await writeKeys(lab, ['older', 'newer', 'next']);
        lab.sendToo({ retired });
      },
      end: asBefore(),
    },
  ),
  control(
    'tokens-live-shorter',
    'token_lifetime',
    'For the sake of security tokens live a quarter as long: programs fetch them four times more often, in time, and no call fails.',
    { setup: team(), begin: async (lab) => lab.sendToo({ tokens }), end: asBefore() },
  ),
  control(
    'new-program-asks-for-longer-lists',
    'longer_lists',
    'The new program of some shops asks for lists of two hundred parcels in place of twenty: ten times as large, and slower.',
    {
      setup: parcels(
        { api: { ...pair, behaviour: { rules: [{ path: '/v2/parcels/' }] } } },
        { flows: parcelFlows({ longLists: { ...longLists, perSecond: 0 } }) },
      ),
      begin: async (lab) => {
        const rules = [
          { path: '/v2/parcels/' },
          { path: '/v2/parcels', client: '127.0.66.15', bytes: 70_000, latencyMs: 70 },
        ];
        lab.behave('api', { rules });
        lab.sendToo({ longLists: { ...longLists, clients: addressesFrom(150, 10) } });
      },
      end: asBefore('api'),
    },
  ),
  control(
    'meters-accept-packed-firmware',
    'compression',
    'A new program of the meters says that it can unpack, and gets its firmware packed: a third of the size.',
    {
      setup: meters(
        {
          intake: {
            ...pair,
            behaviour: {
              rules: [
                { path: '/m/firmware', lacks: 'accept-encoding' },
                {
                  path: '/m/firmware',
                  bytes: 95_000,
                  headers: { 'content-encoding': 'gzip', vary: 'accept-encoding' },
                },
              ],
            },
          },
        },
        { flows: meterFlows({ whole }) },
      ),
      begin: async (lab) => lab.send(meterFlows({ packed })),
      end: asBefore(),
    },
  ),
  control(
    'texts-come-with-pictures',
    'larger_requests',
    'A new editor writes pictures into texts: what is saved has 150 kB in place of twenty bytes, which the application can bear.',
    {
      setup: courses(),
      begin: async (lab) => lab.send(courseFlows({ 'PUT /drafts/{n}': pictures })),
      end: asBefore(),
    },
  ),
  control(
    'trials-come-to-their-end',
    'expired_trials',
    'The trial of a company ends: the programs of its three people go on asking, and get 402. Customers notice nothing.',
    {
      setup: team({
        ...pair,
        behaviour: { rules: [{ client: '127.0.66.19', path: '/v1', status: 402, bytes: 90, latencyMs: 2 }] },
      }),
      begin: async (lab) => lab.sendToo({ trials }),
      end: asBefore(),
    },
  ),
  control(
    'authority-is-going-to-change',
    'trusted_authority',
    'A reload trusts the next authority beside the one of today, long before the store has a certificate of it.',
    {
      setup: registry({ store: { ...single, tls: 'usual' } }),
      begin: async (lab) => {
        const today = readFileSync(join(dirname(lab.socket), 'authority.pem'), 'utf8');
        await trust(lab, [today, certificateAuthority(Date.now(), 'Next Authority').certificate]);
      },
    },
  ),
  control(
    'name-server-is-exchanged',
    'dns_setting',
    'A reload has another name server asked, which leads all names to where they led before.',
    {
      setup: courses({ learn: { ...pair, host: 'learn.internal' } }),
      begin: async (lab) =>
        askOtherServer(lab, (server) => server.on('learn.internal', dnsAddresses(5, '127.0.67.1', '127.0.67.2'))),
      end: askUsualServer,
    },
  ),
];
