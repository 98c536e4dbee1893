import { courseFlows, courses } from './courses.ts';
import type { Flow } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import { meterAddresses, meterFlows, meters } from './meters.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcels } from './parcels.ts';
import { registry, registryFlows } from './registry.ts';
import { pair, single } from './shop.ts';

const get = (path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method: 'GET', path, perSecond },
  ...more,
});

export const known = { 'if-none-match': '"5f3a-61c2"' };
const moreFiles = get('/tar/{n}', 5);
const copies = get('/tar/{n}', 0.5, { headers: known, timeoutMs: 5000 });
const mirrors = get('/tar/{n}', 12, { headers: known });
const built = get('/tar/1.4.0+build.{n}', 0.45);
const wholeQueries: Flow = { ...get('/graphql', 8), method: 'POST', body: '{"query":"{ me { name } }"}' };
const liveList = get('/media/live/list', 5);
const liveParts = get('/media/live/part/{n}', 5);
const moreParts = get('/media/part/{n}', 5);
const resumed = get('/media/part/{n}', 0.45, { headers: { range: 'bytes=40000-' } });
const moreLessons = get('/lessons/{n}', 6);
const firmware = get('/m/firmware/{n}', 0.45, { clients: meterAddresses });
const suspended = { status: 402, bytes: 90, latencyMs: 2 };

/** Answers 304 to who has a copy. */
export const revalidated = {
  rules: [
    { path: '/tar', lacks: 'if-none-match' },
    { path: '/tar', status: 304, bytes: 0, latencyMs: 3 },
  ],
};
const rangesKnown = {
  rules: [
    { path: '/media/part', lacks: 'range' },
    { path: '/media/part', status: 206, bytes: 20_000, headers: { 'content-range': 'bytes 40000-59999/60000' } },
  ],
};

/** Everything is as at the start. */
export const asBefore =
  (...applications: readonly string[]) =>
  async (lab: Lab): Promise<void> => {
    endWaves();
    lab.sendUsual();
    for (const one of applications) lab.behaveUsually(one);
  };

/** Answers that are complete and not what was asked for, and such as never come. */
export const ninthAnswerOutages: readonly Outage[] = [
  outage('who-has-a-copy-gets-no-answer', 'conditional_requests', {
    what: 'A script set the times of old files to a date before 1970, and the web server never finishes the 304 for such a file. Who has a copy and asks whether it is the newest waits, one of thirty requests for files; all others get theirs.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['slow_application', 'client_timeout'],
    side: 'application',
    names: ['tarballs'],
    setup: registry({ store: { ...single, behaviour: revalidated } }, { flows: registryFlows({ moreFiles, copies }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('store', {
        rules: [
          { path: '/tar', lacks: 'if-none-match' },
          { path: '/tar', end: 'hang' },
        ],
      }),
    end: asBefore('store'),
  }),
  outage('versions-with-a-plus-are-refused', 'plus_sign', {
    what: 'The rented store of files was updated and reads a plus in a path as a space. Files of versions such as 1.4.0+build.7 do not exist under that name: 403, in XML.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['tarballs'],
    setup: registry({}, { flows: registryFlows({ moreFiles, built }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('store', {
        rules: [{ path: '/tar/1.4.0+', status: 403, type: 'application/xml', bytes: 240, latencyMs: 9 }],
      }),
    end: asBefore('store'),
  }),
  outage('hosts-disagree-about-etags', 'entity_tags', {
    what: 'The files were moved to two new disks, on which each has another ETag. No mirror recognizes its copy any more: in place of 304 it gets the whole file, and the line to the store is full.',
    marks: ['no 5xx'],
    harm: ['different', 'slow'],
    suspects: ['changed_responses', 'slow_application'],
    side: 'application',
    names: ['tarballs'],
    setup: registry({ store: { ...single, behaviour: revalidated } }, { flows: registryFlows({ mirrors }) }),
    begin: async (lab) =>
      lab.behave('store', {
        rules: [
          { path: '/tar', method: 'HEAD' },
          { path: '/tar', bodyMs: 900 },
        ],
      }),
    end: asBefore('store'),
  }),
  outage('known-queries-are-forgotten', 'persisted_queries', {
    what: 'Clients send a hash in place of a query that the application has seen. Its store of queries was exchanged for one that keeps nothing: 200 with an error that is not known to the newest app, while older ones send the whole query afterwards.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['graphql'],
    setup: courses(),
    begin: async (lab) => {
      lab.behave('learn', { rules: [{ path: '/graphql', contains: '"hash"', bytes: 110, latencyMs: 2 }] });
      lab.sendToo({ wholeQueries });
    },
    end: asBefore('learn'),
  }),
  outage('lesson-is-no-longer-live', 'live_stream', {
    what: 'The program that cuts a live lesson into parts has ended. Its list of parts runs empty, 200; players find nothing to fetch, and ask for the list three times as often.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['media'],
    setup: courses({}, { flows: courseFlows({ liveList, liveParts }) }),
    begin: async (lab) => {
      lab.behave('media', { rules: [{ path: '/media/live/list', bytes: 110 }] });
      lab.send(courseFlows({ liveList: { ...liveList, perSecond: 15 } }));
    },
    end: asBefore('media'),
  }),
  outage('films-became-shorter', 'ranges', {
    what: 'Films were encoded anew, and their parts are shorter. Players that were interrupted go on at a byte that is behind the end: 416, again and again; one of forty requests for parts.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['media'],
    setup: courses({ media: { ...single, behaviour: rangesKnown } }, { flows: courseFlows({ moreParts, resumed }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('media', {
        rules: [
          { path: '/media/part', lacks: 'range', bytes: 52_000 },
          { path: '/media/part', status: 416, bytes: 0, headers: { 'content-range': 'bytes */31000' } },
        ],
      }),
    end: asBefore('media'),
  }),
  outage('last-bytes-never-come', 'missing_bytes', {
    what: 'A new filter removes blanks from the end of a page after its length was announced. Three of a hundred lessons have some: browsers wait for fourteen more bytes until they give up.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['invalid_responses', 'slow_application', 'client_timeout'],
    side: 'application',
    names: ['lessons'],
    setup: courses({}, { flows: courseFlows({ moreLessons }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('learn', { rules: [{ path: '/lessons', share: 0.03, announcedShare: 1.002 }] }),
    end: asBefore('learn'),
  }),
  outage('cache-keeps-the-way-to-the-login', 'cached_redirect', {
    what: 'The cache of pages keeps the redirect to the login that a stranger got, and gives it to everybody for seven seconds, until it has expired; soon the next stranger comes.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['lessons'],
    setup: courses({}, { flows: courseFlows({ moreLessons }) }),
    begin: async (lab) => {
      const within = { forMs: 7000, everyMs: 13_000 };
      lab.behave('learn', {
        rules: [{ path: '/lessons', within, status: 302, location: '/login', bytes: 0, latencyMs: 1 }],
      });
    },
    end: asBefore('learn'),
  }),
  outage('length-of-a-page-was-emptied', 'page_size', {
    what: 'A person emptied the field for the length of a page in the settings, which now means all. Lists of parcels have four thousand entries in place of seventy, and take a second.',
    marks: ['no 5xx'],
    harm: ['different', 'slow'],
    suspects: ['changed_responses', 'slow_application'],
    side: 'application',
    names: ['parcels'],
    setup: parcels(),
    begin: async (lab) =>
      lab.behave('api', {
        rules: [{ path: '/v2/parcels/' }, { path: '/v2/parcels', method: 'GET', bytes: 400_000, latencyMs: 1000 }],
      }),
    end: asBefore('api'),
  }),
  outage('job-closes-customers-who-have-paid', 'wrong_suspension', {
    what: 'A job of the accounting takes payments of today for missing, and closes one customer after the other: 402 to all that a closed one asks of the builds and packages, to half of all in the end.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_client'],
    side: 'application',
    names: ['packages|builds'],
    setup: registry(),
    begin: async (lab) => {
      for (const [index, clients] of [['3'], ['3', '1']].entries()) {
        const rules = clients.map((one) => ({ ...suspended, client: `127.0.66.${one}` }));
        afterwards(index * 9000, () => {
          for (const one of ['index', 'builds']) lab.behave(one, { rules: [{ path: '/healthz' }, ...rules] });
        });
      }
    },
    end: asBefore('index', 'builds'),
  }),
  outage('firmware-is-packed-for-all', 'unasked_coding', {
    what: 'To save space the store keeps firmware packed alone, and sends it so to meters that never said they could unpack it. They throw it away, and fetch it once more.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['m'],
    setup: meters({}, { flows: meterFlows({ firmware }) }),
    seconds: 115,
    begin: async (lab) => {
      lab.behave('intake', {
        rules: [{ path: '/m/firmware', bytes: 95_000, headers: { 'content-encoding': 'gzip' } }],
      });
      lab.sendToo({ firmware: { ...firmware, perSecond: 0.6 } });
    },
    end: asBefore('intake'),
  }),
  outage('one-host-has-nothing-and-is-the-fastest', 'black_hole', {
    what: 'One of three hosts was started with an empty file of data: all that is read from it is empty, 200, within a millisecond. The gateway prefers who is fast, and asks this host more than the others.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{api-2}'],
    setup: parcels({ api: { ...pair, instances: 3, keys: { balance: 'peak_ewma' } } }),
    begin: async (lab) =>
      lab.behave('api-2', {
        rules: [
          { path: '/healthz' },
          { method: 'GET', bytes: 12, latencyMs: 0 },
          { path: '/v2/quotes', bytes: 12, latencyMs: 0 },
        ],
      }),
    end: asBefore('api'),
  }),
];
