import { control, nothing } from './control-form.ts';
import { addressesFrom, type Flow } from './flows.ts';
import { afterwards, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import { mealFlows, meals } from './meals.ts';
import { asBefore, known } from './ninth-outages-answers.ts';
import type { Control } from './outage.ts';
import { practice, practiceFlows } from './practice.ts';
import { managed, pair, single } from './shop.ts';
import { windowOfNow } from './tenth-outages-operators.ts';

const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});

const archive = of('GET', '/dishes/{n}', 30, { clients: ['127.0.66.81', '127.0.66.82'], isOutsider: true });
const firstPages = of('GET', '/letters/{n}', 9, { headers: { range: 'bytes=0-15999' } });
const cancelled = Object.fromEntries(
  [700, 1500, 2600].map((timeoutMs) => [
    `after ${timeoutMs} ms`,
    of('POST', '/scans', 0.4, { timeoutMs, body: 'x'.repeat(60_000), bodyMs: 4000, isOutsider: true }),
  ]),
);
const reminded = of('GET', '/bookings/confirm/{n}', 45, { clients: addressesFrom(100, 60) });
const deleted = of('GET', '/calendars/deleted', 0.4, { clients: ['127.0.66.85'], isOutsider: true });
const export_ = of('GET', '/patients/export', 0.25, { clients: ['127.0.66.86'], timeoutMs: 60_000 });
const passkeys = of('POST', '/signin/passkey', 2.5);
const fewPasswords = of('POST', '/signin', 0.4);
const fewPositions = of('POST', '/positions', 0.5);
const archivist = of('GET', '/letters/of-2009/{n}', 0.5, { clients: ['127.0.66.87'], isOutsider: true });
const copies = of('GET', '/calendars/{n}', 8, { headers: known });
const whole = of('GET', '/calendars/{n}', 12);

/** The usual requests but for one kind, and these. */
function practiceWithout(name: string, more: Readonly<Record<string, Flow>>): Readonly<Record<string, Flow>> {
  const { [name]: _, ...others } = practiceFlows();
  return { ...others, ...more };
}

const scaled = (flows: Readonly<Record<string, Flow>>, factor: number): Record<string, Flow> =>
  Object.fromEntries(
    Object.entries(flows).map(([name, flow]) => [name, { ...flow, perSecond: flow.perSecond * factor }]),
  );

const knownRanges = {
  rules: [
    { path: '/letters', lacks: 'range' },
    { path: '/letters', status: 206, bytes: 16_000, headers: { 'content-range': 'bytes 0-15999/38000' } },
  ],
};
const revalidated = {
  rules: [
    { path: '/calendars', method: 'GET', lacks: 'if-none-match' },
    { path: '/calendars', method: 'GET', status: 304, bytes: 0, latencyMs: 2 },
  ],
};
const hasExport = { path: '/patients/export', type: 'text/csv', bytes: 400_000, bodyMs: 8000, latencyMs: 300 };

/** A host says by its check that it is about to go, is restarted, and comes back. */
async function leaveAndReturn(lab: Lab, process: string): Promise<void> {
  lab.behave(process, { rules: [{ path: '/healthz', status: 503, bytes: 8 }] });
  afterwards(8000, () => {
    lab.behave(process, {});
    void lab.restart(process).catch(() => {});
  });
}

/** Things that look suspicious, and are innocent. */
export const tenthControls: readonly Control[] = [
  control(
    'a-bad-release-is-refused',
    'refused_release',
    'A release lacks a setting and ends at its start. The gateway refuses it, and the one before serves on.',
    {
      setup: meals({ couriers: managed }),
      begin: async (lab) =>
        void lab
          .release('couriers', { start: 'exits', exitCode: 3, lastWords: 'Error: COURIERS_URL is not set' })
          .catch(() => {}),
      end: async (lab) => lab.release('couriers', {}),
    },
  ),
  control(
    'an-archive-copies-every-picture',
    'archive',
    'Two machines of an archive fetch every picture of a dish once, four times as many as customers look at.',
    { setup: meals(), begin: async (lab) => lab.sendToo({ archive }), end: asBefore() },
  ),
  control(
    'first-pages-of-letters-are-enough',
    'ranges',
    'A new viewer fetches the first page of each letter in a list, and no more: 206 in place of 200.',
    {
      setup: practice({ records: { ...pair, behaviour: knownRanges } }),
      begin: async (lab) => lab.sendToo({ firstPages }),
      end: asBefore(),
    },
  ),
  control(
    'people-send-the-wrong-picture',
    'cancelled_uploads',
    'The app shows a picture while it is sent, and people who see that it is the wrong one stop it: some early, some late.',
    { setup: practice(), begin: async (lab) => lab.sendToo(cancelled), end: asBefore() },
  ),
  control(
    'reminders-go-out-each-quarter',
    'reminders',
    'Messages remind of appointments, many at a time. Sixty people confirm theirs within three seconds, again and again.',
    {
      setup: practice(),
      begin: async (lab) =>
        startWaves(
          17_000,
          3000,
          () => lab.sendToo({ reminded }),
          () => lab.sendUsual(),
        ),
      end: asBefore(),
    },
  ),
  control(
    'a-cold-host-gets-few-requests-at-first',
    'slow_start',
    'A reload adds a host whose caches are empty. It is slower at first, and gets its share little by little.',
    {
      setup: meals({
        menu: { ...pair, instances: 3, keys: { slow_start: '15s' } },
      }),
      before: async (lab) => {
        lab.behave('menu-3', { coldMs: 110_000 });
        await menuAt(lab, 'menu-1', 'menu-2');
      },
      begin: async (lab) => menuAt(lab, 'menu-1', 'menu-2', 'menu-3'),
      end: async (lab) => menuAt(lab, 'menu-1', 'menu-2'),
    },
  ),
  control(
    'friday-afternoon',
    'quiet',
    'Practices close, and people are gone within seconds. A program asks on for a calendar that was deleted long ago, 404 as ever: it is now a large part of all.',
    {
      setup: practice(
        {
          feeds: { ...single, behaviour: { rules: [{ path: '/calendars/deleted', status: 404, bytes: 60 }] } },
        },
        { flows: practiceFlows({ deleted }) },
      ),
      begin: async (lab) => lab.send({ ...scaled(practiceFlows(), 0.02), deleted }),
      end: asBefore(),
    },
  ),
  control(
    'accountants-want-the-whole-year',
    'slow_export',
    'A practice exports its year for the accountants. Each export is written for eight seconds while it is made, as ever.',
    {
      setup: practice({ records: { ...pair, behaviour: { rules: [hasExport] } } }),
      begin: async (lab) => lab.sendToo({ export: export_ }),
      end: asBefore(),
    },
  ),
  control(
    'release-brings-keys-in-place-of-passwords',
    'passkeys',
    'A good release lets people sign in with a key of their telephone, under a path of its own. Passwords become few, and one of eight people who are asked for the key says no: 401.',
    {
      setup: practice({ booking: managed }),
      begin: async (lab) => {
        await lab.release('booking', { rules: [{ path: '/signin/passkey', share: 0.12, status: 401, bytes: 50 }] });
        lab.send(practiceWithout('POST /signin', { fewPasswords, passkeys }));
      },
      end: async (lab) => {
        lab.sendUsual();
        await lab.release('booking', {});
      },
    },
  ),
  control(
    'couriers-keep-a-line-open',
    'other_protocol',
    'The app of the couriers tells where they are over a WebSocket from now on: thirty are open, and reports by POST nearly end.',
    {
      setup: meals(),
      begin: async (lab) => {
        lab.order({ kind: 'streams', events: 0, sockets: 30 });
        const { 'POST /positions': _, ...others } = mealFlows();
        lab.send({ ...others, fewPositions });
      },
      end: asBefore(),
    },
  ),
  control(
    'letters-of-2009-are-moved-as-announced',
    'planned_window',
    'A window for maintenance closes the oldest letters while they are moved, as practices were told. One program, whose answers no person reads, asks on and gets 503 with the time of the end.',
    {
      setup: oldLetters(),
      begin: async (lab) => windowForOldLetters(lab, windowOfNow()),
      end: async (lab) => windowForOldLetters(lab, undefined),
    },
  ),
  control(
    'a-network-gives-out-other-addresses',
    'new_addresses',
    'A mobile network gives out addresses of another block: all customers come from forty that were never seen, and the old ones are silent.',
    {
      setup: meals(),
      begin: async (lab) => {
        const clients = addressesFrom(180, 40);
        const flows = Object.entries(mealFlows());
        lab.send(Object.fromEntries(flows.map(([name, flow]) => [name, { ...flow, clients }])));
      },
      end: asBefore(),
    },
  ),
  control(
    'telephones-forget-their-calendars',
    'full_copies',
    'An update of telephones throws away what they had kept. They fetch each calendar whole, once and once again, where nearly all answers were 304.',
    {
      setup: practice(
        { feeds: { ...single, behaviour: revalidated } },
        { flows: practiceWithout('GET /calendars/{n}', { copies }) },
      ),
      begin: async (lab) => {
        lab.send(practiceWithout('GET /calendars/{n}', { whole, copies: { ...copies, perSecond: 1 } }));
        afterwards(30_000, () => lab.sendUsual());
      },
      end: asBefore(),
    },
  ),
  control(
    'hosts-say-when-they-go',
    'graceful_restart',
    'A script updates two of three hosts, one after the other. Each fails its check first, so that it gets nothing more, and is restarted eight seconds later.',
    {
      setup: meals({ kitchen: { ...pair, instances: 3 } }),
      begin: async (lab) => {
        await leaveAndReturn(lab, 'kitchen-1');
        afterwards(22_000, () => void leaveAndReturn(lab, 'kitchen-2'));
      },
      end: asBefore('kitchen'),
    },
  ),
  control(
    'restaurants-close-for-the-night',
    'closing_time',
    'One restaurant after the other closes: its menu is a page without dishes, half as large, and fewer and fewer people order.',
    {
      setup: meals(),
      begin: async (lab) => {
        for (const [index, [share, factor]] of (
          [
            [0.1, 0.85],
            [0.2, 0.65],
            [0.35, 0.45],
            [0.5, 0.3],
          ] as const
        ).entries())
          afterwards(index * 15_000, () => {
            lab.behave('menu', { rules: [{ path: '/menus/', share, bytes: 4200 }] });
            lab.send(scaled(mealFlows(), factor));
          });
      },
      end: asBefore('menu'),
    },
  ),
  control(
    'reload-gives-routes-other-names',
    'renamed_routes',
    'A person gives all routes names of a common form, and reloads. They match what they matched, and lead where they led.',
    {
      setup: practice(),
      begin: async (lab) =>
        lab.reload(({ routes }) => {
          for (const route of routes) route['id'] = `practice-${String(route['id'])}`;
        }),
      end: nothing,
    },
  ),
];

function menuAt(lab: Lab, ...processes: readonly string[]): Promise<void> {
  const endpoints = processes.map((process) => lab.address(process));
  return lab.reload(({ upstreams }) => void Object.assign(upstreams['menu'] ?? {}, { endpoints }));
}

function oldLetters(): ReturnType<typeof practice> {
  const setup = practice({}, { flows: practiceFlows({ archivist }) });
  return { ...setup, routes: [{ id: 'old-letters', path: '/letters/of-2009', to: 'records' }, ...setup.routes] };
}

async function windowForOldLetters(lab: Lab, window: Record<string, unknown> | undefined): Promise<void> {
  await lab.reload(({ routes }) => {
    for (const route of routes) if (route['id'] === 'old-letters') route['maintenance_windows'] = window;
  });
}
