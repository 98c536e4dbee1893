import { courseFlows, courses, coursesWithLogins } from './courses.ts';
import type { Flow } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { asBefore } from './ninth-outages-answers.ts';
import { boxOffice } from './box-office.ts';
import { registry, registryFlows } from './registry.ts';
import { managed, pair } from './shop.ts';
import { team, teamFlows } from './team.ts';

const morePackages = { method: 'GET', path: '/pkg/{n}', perSecond: 6 };
const moreLessons = { method: 'GET', path: '/lessons/{n}', perSecond: 6 };
const thread = { method: 'GET', path: '/lessons/thread/{n}', perSecond: 0.4 };
const twice = { method: 'POST', path: '/progress', perSecond: 7 };
const moreSubmissions = { method: 'POST', path: '/submissions', perSecond: 7 };
const tokens: Flow = { method: 'POST', path: '/oauth/token', perSecond: 22 };
const everyPage = { method: 'GET', path: '/assets/app.js', perSecond: 75 };

/** Many headers, of which a page with few queries has few. */
const manyQueries = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n${Array.from({ length: 420 }, (_, at) => `X-Query-${at}: 3 ms\r\n`).join('')}Content-Length: 6\r\nConnection: close\r\n\r\n<html>`;

/** Serves scripts with some work, and few requests at a time. */
const narrow = { capacity: 2, queueMax: 15 };
const scripts = { path: '/assets', bytes: 24_000, latencyMs: 60 };

/** Programs, what they run on, and what is behind them. */
export const ninthApplicationOutages: readonly Outage[] = [
  outage('service-for-logins-stands-still', 'login_service', {
    what: 'The gateway asks a service for logins about each request for the API. Its connections to the directory are used up: of two questions one gets no answer, and after five seconds the request is refused with 503.',
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['logins|graphql|submissions'],
    setup: coursesWithLogins(),
    begin: async (lab) => lab.behave('logins', { rules: [{ path: '/check', share: 0.5, end: 'hang' }] }),
    end: asBefore('logins'),
  }),
  outage('new-front-passes-no-upgrades', 'upgrade_ignored', {
    what: 'The provider moved both processes behind a new web server, which does not pass upgrades on: who opens a WebSocket gets a page and 200. All else works.',
    marks: ['no 5xx'],
    suspects: ['changed_responses', 'invalid_responses'],
    side: 'application',
    names: ['live'],
    setup: courses({}, { sockets: 16 }),
    begin: async (lab) => {
      lab.behave('learn', { rules: [{ path: '/ws', status: 200 }] });
      await lab.restart('learn-1');
      await lab.restart('learn-2');
    },
    end: asBefore('learn'),
  }),
  outage('release-forbids-to-keep-scripts', 'cache_headers', {
    what: 'A release sends the header of the test site, by which browsers keep nothing. They load the script with every click: 75 times a second in place of two, which the application cannot bear.',
    harm: ['slow'],
    suspects: ['release', 'traffic_growth'],
    side: 'application',
    names: ['scripts|learn'],
    setup: courses({ learn: { ...managed, behaviour: { ...narrow, rules: [scripts] } } }),
    begin: async (lab) => {
      await lab.release('learn', { ...narrow, rules: [{ ...scripts, headers: { 'cache-control': 'no-store' } }] });
      lab.sendToo({ everyPage });
    },
    end: async (lab) => {
      lab.sendUsual();
      await lab.release('learn', { ...narrow, rules: [scripts] });
    },
  }),
  outage('spare-host-has-data-of-last-year', 'spare_host', {
    what: 'The host that serves ends, and the gateway turns to the spare one, as it should. That has not been given any data since last year: six of ten orders, tickets and plans of seats are 404.',
    harm: ['different'],
    suspects: ['nothing_listens', 'one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{office-1}|{office-2}'],
    setup: boxOffice(),
    before: async (lab) => {
      const endpoints = ['office-1', 'office-2'].map((name, priority) => ({ address: lab.address(name), priority }));
      await lab.reload(({ upstreams }) => void Object.assign(upstreams['office'] ?? {}, { endpoints }));
    },
    begin: async (lab) => {
      lab.behave('office-2', {
        rules: [
          { path: '/b/me' },
          { path: '/b', method: 'GET', share: 0.6, status: 404, type: 'application/json', bytes: 60, latencyMs: 4 },
        ],
      });
      await lab.process('office-1').stop('SIGKILL');
    },
    end: async (lab) => {
      await lab.start('office-1');
      lab.behaveUsually('office');
    },
  }),
  outage('pages-with-many-queries-tell-each', 'too_many_headers', {
    what: 'A tool of developers was left on, and writes a header for each query of a page. Lessons with long discussions, one of thirty, have four hundred, and more than the gateway takes: 502.',
    marks: ['low rate'],
    suspects: ['invalid_responses'],
    side: 'application',
    names: ['lessons'],
    setup: courses({}, { flows: courseFlows({ moreLessons }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('learn', { rules: [{ path: '/lessons', share: 0.035, raw: manyQueries }] }),
    end: asBefore('learn'),
  }),
  outage('tokens-live-for-seconds', 'token_lifetime', {
    what: 'A setting of the service for tokens is read as milliseconds: each token ends four seconds after it was issued. A fifth of all calls is 401, and programs fetch new tokens all the time, which takes longer and longer.',
    marks: ['no 5xx'],
    harm: ['different', 'slow'],
    suspects: ['changed_responses', 'traffic_growth'],
    side: 'application',
    names: ['tokens|v1|tasks'],
    setup: team(pair, { flows: teamFlows() }),
    begin: async (lab) => {
      lab.behave('team', {
        rules: [
          { path: '/v1', share: 0.22, status: 401, bytes: 60, latencyMs: 1 },
          { path: '/oauth', latencyMs: 260 },
        ],
      });
      lab.sendToo({ tokens });
    },
    end: asBefore('team'),
  }),
  outage('replica-cancels-what-is-in-its-way', 'replica_conflict', {
    what: 'A clean-up of the database is replayed on the replica, which cancels queries that are in its way: in six of each ten seconds four of a hundred packages are 500, after a while.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['packages'],
    setup: registry({ index: managed }, { flows: registryFlows({ morePackages }) }),
    seconds: 115,
    begin: async (lab) => {
      const conflict = {
        ...{ path: '/pkg', within: { forMs: 6000, everyMs: 10_000 }, status: 500, bytes: 70 },
        prints: 'ERROR: canceling statement due to conflict with recovery',
      };
      lab.behave('index', {
        rules: [
          { ...conflict, share: 0.025, latencyMs: 300 },
          { ...conflict, share: 0.025, latencyMs: 900 },
        ],
      });
    },
    end: asBefore('index'),
  }),
  outage('discussions-became-too-deep', 'deep_nesting', {
    what: 'In a few discussions people have answered each other a thousand times. The function that draws them calls itself for each answer, and there is no room left: 500, one of forty lessons.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['lessons'],
    setup: courses({ learn: managed }, { flows: courseFlows({ moreLessons, thread }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('learn', {
        rules: [
          {
            ...{ path: '/lessons/thread', status: 500, bytes: 70, latencyMs: 25 },
            prints: 'RangeError: Maximum call stack size exceeded',
          },
        ],
      }),
    end: asBefore('learn'),
  }),
  outage('players-report-twice-at-once', 'race_condition', {
    what: 'A new player reports the end of a film twice in the same moment. The application looks whether there is a row and then writes it, and where both find none the second is 500: three of a hundred reports, of which there are twice as many.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['progress'],
    setup: courses({ learn: managed }),
    seconds: 115,
    begin: async (lab) => {
      lab.sendToo({ twice });
      lab.behave('learn', {
        rules: [
          {
            ...{ path: '/progress', share: 0.035, status: 500, bytes: 70, latencyMs: 11 },
            prints: 'error: duplicate key value violates unique constraint "progress_student_film"',
          },
        ],
      });
    },
    end: asBefore('learn'),
  }),
  outage('converter-is-killed-on-long-texts', 'killed_child', {
    what: 'Texts are made into PDF by a program of their own, which may have 200 MB of memory. A new font needs more for long texts: the kernel kills the program, and four of a hundred submissions are 500 after a second.',
    marks: ['low rate'],
    suspects: ['application_errors', 'resource_limit'],
    side: 'application',
    names: ['submissions'],
    setup: courses({ grader: managed }, { flows: courseFlows({ moreSubmissions }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('grader', {
        rules: [
          {
            ...{ path: '/submissions', method: 'POST', share: 0.04, status: 500, bytes: 70, latencyMs: 1200 },
            prints: 'Error: Command was killed with SIGKILL (Forced termination): text-to-pdf',
          },
        ],
      }),
    end: asBefore('grader'),
  }),
];
