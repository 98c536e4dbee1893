import type { Flow } from './flows.ts';
import { afterwards } from './fourth-waves.ts';
import { mealFlows, meals } from './meals.ts';
import { asBefore } from './ninth-outages-answers.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { practice, practiceFlows } from './practice.ts';
import { managed } from './shop.ts';

const get = (path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method: 'GET', path, perSecond },
  ...more,
});

const moreLetters = get('/letters/{n}', 6);
const histories = get('/letters/history/{n}', 0.4);
const chain = get('/tills/all', 0.4, { clients: ['127.0.66.70'] });
const moreTills = get('/tills/open', 10);
const morePatients = get('/patients/{n}', 7);
const moreSlots = get('/slots/{n}', 6);
const polls = get('/tills/next', 3);
const signOut = get('/signin/out', 8);

const error = { status: 500, bytes: 70 };
const full = {
  ...{ ...error, method: 'POST', share: 0.7, latencyMs: 4 },
  prints: "ReplyError: OOM command not allowed when used memory > 'maxmemory'",
};
const election = {
  ...{ status: 503, bytes: 80, latencyMs: 15, within: { forMs: 2500, everyMs: 8000 } },
  prints: 'Error: no leader: election timeout reached, starting a new election',
};
const signOutKnown = { path: '/signin/out', status: 302, location: '/', bytes: 0, latencyMs: 3 };

/** Programs, what they run on, and what is behind them. */
export const tenthApplicationOutages: readonly Outage[] = [
  outage('store-of-sessions-has-no-room', 'store_memory', {
    what: 'The store in memory that keeps sessions and seats on hold is full, and was told to throw nothing away. It refuses to write: seven of ten bookings and sign-ins are 500. What is there can be read.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['sign-in|bookings'],
    setup: practice({ booking: managed }),
    begin: async (lab) =>
      lab.behave('booking', {
        rules: [
          { ...full, path: '/signin' },
          { ...full, path: '/bookings' },
        ],
      }),
    end: asBefore('booking'),
  }),
  outage('nodes-elect-a-leader-again-and-again', 'elections', {
    what: 'A slow disk lets the nodes of the database miss the heartbeats of their leader. They elect another one every eight seconds, and for two and a half of them nothing can be written: 503. Reading goes on.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['meals|baskets|tills'],
    setup: meals({ kitchen: managed }),
    begin: async (lab) =>
      lab.behave('kitchen', {
        rules: [
          { ...election, method: 'PUT' },
          { ...election, method: 'POST' },
        ],
      }),
    end: asBefore('kitchen'),
  }),
  outage('long-letters-outlast-their-worker', 'worker_timeout', {
    what: 'A new template makes letters with the whole history of a patient slower than the second and a half after which the server kills a worker: one of thirty letters is a closed connection.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'crash'],
    side: 'application',
    names: ['letters'],
    setup: practice({ records: managed }, { flows: practiceFlows({ moreLetters, histories }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('records', {
        rules: [
          { path: '/letters/history', latencyMs: 1500, end: 'close', prints: '[CRITICAL] WORKER TIMEOUT (pid:31)' },
        ],
      }),
    end: asBefore('records'),
  }),
  outage('rented-space-is-used-up', 'quota', {
    what: 'The space for files is rented, and used up: each scan that is sent gets 507. Older ones can be read.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['scans'],
    setup: practice(),
    begin: async (lab) =>
      lab.behave('records', { rules: [{ path: '/scans', method: 'POST', status: 507, bytes: 90, latencyMs: 20 }] }),
    end: asBefore('records'),
  }),
  outage('a-chain-has-more-tills-than-a-query-may-name', 'bind_parameters', {
    what: 'A chain of restaurants has opened so many tills that the query for all of them has more parameters than the database takes: what its office asks for is 500, one of forty requests of tills.',
    marks: ['low rate'],
    suspects: ['application_errors', 'one_client'],
    side: 'application',
    names: ['tills'],
    setup: meals({ kitchen: managed }, { flows: mealFlows({ chain, moreTills }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('kitchen', {
        rules: [
          {
            ...{ ...error, path: '/tills/all', latencyMs: 60 },
            prints: 'error: bind message has 41216 parameter formats but 0 parameters',
          },
        ],
      }),
    end: asBefore('kitchen'),
  }),
  outage('a-page-of-the-table-is-damaged', 'damaged_page', {
    what: 'The disk of the database has written a page of the table of patients wrongly. Those who stand on it, three of a hundred, cannot be read: 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['patients'],
    setup: practice({ records: managed }, { flows: practiceFlows({ morePatients }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('records', {
        rules: [
          {
            ...{ ...error, path: '/patients', share: 0.03, latencyMs: 14 },
            prints: 'ERROR: invalid page in block 4711 of relation base/16401/16512',
          },
        ],
      }),
    end: asBefore('records'),
  }),
  outage('package-was-withdrawn', 'unpinned_dependency', {
    what: 'An update of the system ends both processes, and the gateway starts them again, as ever. But the program fetches its packages when it starts, and the author of one has withdrawn it since the last time: neither can start.',
    suspects: ['not_started', 'crash'],
    side: 'application',
    names: ['booking'],
    setup: practice({ booking: managed }),
    begin: async (lab) =>
      lab.behave('booking', {
        ...{ rules: [{ exit: 143 }], start: 'exits', exitCode: 1 },
        lastWords: "Error: Cannot find module 'pad-left'",
      }),
    end: asBefore('booking'),
  }),
  outage('release-hashes-passwords-for-longer', 'hash_cost', {
    what: 'For the sake of security a release hashes passwords with a cost of fifteen in place of eleven. Each sign-in takes 0.7 s of the only thread of its process, and all other requests wait meanwhile.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['release', 'slow_application'],
    side: 'application',
    names: ['sign-in|booking|bookings|slots'],
    setup: practice({ booking: managed }),
    begin: async (lab) =>
      lab.release('booking', { rules: [{ path: '/signin', method: 'POST', blockMs: 700, latencyMs: 20 }] }),
    end: async (lab) => lab.release('booking', {}),
  }),
  outage('release-lets-browsers-load-links-ahead', 'prefetch', {
    what: 'A release lets browsers load the pages behind links before a person clicks. One of the links signs out: half of what people ask about their bookings is 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['bookings'],
    setup: practice({ booking: { ...managed, behaviour: { rules: [signOutKnown] } } }),
    begin: async (lab) => {
      await lab.release('booking', {
        rules: [signOutKnown, { path: '/bookings', share: 0.5, status: 401, bytes: 60, latencyMs: 2 }],
      });
      lab.sendToo({ signOut });
    },
    end: async (lab) => {
      lab.sendUsual();
      await lab.release('booking', { rules: [signOutKnown] });
    },
  }),
  outage('tills-are-answered-at-once', 'busy_poll', {
    what: 'Tills ask for the next order and are answered when there is one, or after two seconds. A setting is read as milliseconds now: they are answered at once that there is none, and ask again at once, 110 times a second.',
    harm: ['different', 'slow'],
    suspects: ['traffic_growth', 'changed_responses', 'slow_application'],
    side: 'application',
    names: ['tills'],
    setup: meals({}, { flows: mealFlows({ polls }) }),
    begin: async (lab) => {
      lab.behave('kitchen', { rules: [{ path: '/tills/next', bytes: 2, latencyMs: 0, blockMs: 17 }] });
      lab.sendToo({ polls: { ...polls, perSecond: 110 } });
    },
    end: asBefore('kitchen'),
  }),
  outage('job-that-archives-has-ended', 'archiver', {
    what: 'The job that moves what was cooked out of the list of open orders has ended. Each till fetches the whole list all the time, and it is longer and slower from step to step.',
    marks: ['no 5xx'],
    harm: ['different', 'slow'],
    suspects: ['slow_application', 'changed_responses'],
    side: 'application',
    names: ['tills'],
    setup: meals(),
    begin: async (lab) => {
      for (const [index, [bytes, latencyMs]] of (
        [
          [9000, 40],
          [40_000, 140],
          [120_000, 450],
          [250_000, 900],
        ] as const
      ).entries())
        afterwards(index * 5000, () => lab.behave('kitchen', { rules: [{ path: '/tills/open', bytes, latencyMs }] }));
    },
    end: asBefore('kitchen'),
  }),
  outage('profiler-follows-one-of-thirty', 'profiler', {
    what: 'A person turns a profiler on that writes down each step of one of thirty searches for free appointments, and forgets it: these take 1.3 s.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['slots'],
    setup: practice({}, { flows: practiceFlows({ moreSlots }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('booking', { rules: [{ path: '/slots', share: 0.033, latencyMs: 1300 }] }),
    end: asBefore('booking'),
  }),
  outage('kernel-waits-with-its-acknowledgements', 'kernel_update', {
    what: 'A script updates the system of all hosts and restarts their processes. The new kernel acknowledges the first half of a request late, and the sender waits for that: whatever has a body takes 0.2 s more.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'network'],
    side: 'application',
    names: ['bookings|scans|sign-in|booking|records'],
    setup: practice(
      {},
      { flows: practiceFlows({ 'POST /bookings': { method: 'POST', path: '/bookings', perSecond: 7 } }) },
    ),
    begin: async (lab) => {
      for (const [application, count] of [
        ['booking', 2],
        ['records', 2],
        ['feeds', 1],
      ] as const)
        for (let index = 1; index <= count; index++) {
          const rules = ['POST', 'PUT'].map((method) => ({ method, latencyMs: 245 }));
          lab.behave(`${application}-${index}`, { rules });
          await lab.restart(`${application}-${index}`);
        }
    },
    end: asBefore('booking', 'records', 'feeds'),
  }),
];
