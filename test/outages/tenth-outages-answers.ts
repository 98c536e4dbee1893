import type { Flow } from './flows.ts';
import { mealFlows, meals } from './meals.ts';
import { asBefore } from './ninth-outages-answers.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { practice, practiceFlows } from './practice.ts';
import { pair, single } from './shop.ts';

const get = (path: string, perSecond: number): Flow => ({ method: 'GET', path, perSecond });

const moreDishes = get('/dishes/{n}', 4);
const photographs = get('/dishes/IMG_{n}.JPG', 0.35);
const moreBookings: Flow = { method: 'POST', path: '/bookings', perSecond: 5 };
const moreLetters = get('/letters/{n}', 7);
const moreCalendars = get('/calendars/{n}', 3);
const shared: Flow = { method: 'PUT', path: '/calendars/shared/{n}', perSecond: 0.4, body: 'BEGIN:VEVENT' };
const moreMenus = get('/menus/{n}', 4);
const oldTown = get('/menus/old-town-{n}', 0.45);

const blocked = '<!doctype html><title>Blocked</title><h1>This page has words that are not for everybody.</h1>';
const filterPage = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${blocked.length}\r\nConnection: close\r\n\r\n${blocked}`;
const expired = { method: 'POST', share: 0.75, status: 419, type: 'text/html', bytes: 900, latencyMs: 3 };
const toLeader = { status: 307, location: 'http://10.0.0.12:7001/', bytes: 0, latencyMs: 2 };
const pageData = { type: 'application/json', bytes: 2600, latencyMs: 7 };

/** Answers that are complete, and not what was asked for. */
export const tenthAnswerOutages: readonly Outage[] = [
  outage('names-of-pictures-are-told-apart-by-case', 'letter_case', {
    what: 'The pictures of dishes were moved to another system, on which IMG_7.JPG is not img_7.jpg. Photographs that restaurants sent themselves, one of forty pictures, are 404.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['dishes'],
    setup: meals({}, { flows: mealFlows({ moreDishes, photographs }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('menu', {
        rules: [{ path: '/dishes/IMG_', status: 404, type: 'text/html', bytes: 160, latencyMs: 1 }],
      }),
    end: asBefore('menu'),
  }),
  outage('numbers-of-a-new-network-are-refused', 'validation', {
    what: 'The library that looks at telephone numbers does not know those that a network gives out since today: one of eighteen new bookings is 422.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['bookings'],
    setup: practice({}, { flows: practiceFlows({ moreBookings }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('booking', {
        rules: [{ path: '/bookings', method: 'POST', share: 0.055, status: 422, bytes: 120, latencyMs: 4 }],
      }),
    end: asBefore('booking'),
  }),
  outage('letters-have-no-letters', 'fonts', {
    what: 'An update of the system removed some fonts. Letters in Greek, three of a hundred, are sheets without a word, as 200.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['letters'],
    setup: practice({}, { flows: practiceFlows({ moreLetters }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('records', { rules: [{ path: '/letters', share: 0.03, bytes: 1100 }] }),
    end: asBefore('records'),
  }),
  outage('locks-of-calendars-are-never-opened', 'stale_locks', {
    what: 'Programs lock a calendar before they write. Since its last update the server keeps a lock whose program has gone: calendars that several people share, one of thirty requests, can no longer be written, 423.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['calendars'],
    setup: practice({}, { flows: practiceFlows({ moreCalendars, shared }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('feeds', { rules: [{ path: '/calendars/shared', method: 'PUT', status: 423, bytes: 140 }] }),
    end: asBefore('feeds'),
  }),
  outage('import-lost-the-names-of-menus', 'lost_names', {
    what: 'An import of restaurants left out the names that their links have. Links to those of the old town, one of thirty, lead to the start page, 302.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['menus'],
    setup: meals({}, { flows: mealFlows({ moreMenus, oldTown }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('menu', {
        rules: [{ path: '/menus/old-town', status: 302, location: '/', bytes: 0, latencyMs: 4 }],
      }),
    end: asBefore('menu'),
  }),
  outage('filter-of-the-office-reads-along', 'content_filter', {
    what: 'What is kept about patients stands in an office, whose line got a filter against indecent words. It knows some of those of medicine: three of a hundred answers or so are its own page, 200.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'another_program'],
    side: 'network',
    names: ['letters|patients|scans|records'],
    setup: practice({ records: { ...single, hasRelay: true } }),
    seconds: 115,
    begin: async (lab) => {
      lab.relay('records-1').behaviour = { answerShare: 0.028, answer: filterPage };
    },
    end: async (lab) => {
      lab.relay('records-1').behaviour = {};
    },
  }),
  outage('cache-keeps-the-token-of-a-form', 'form_tokens', {
    what: 'A new cache keeps pages with forms, and with them the token of the visitor who came first. All others send his: three of four bookings and sign-ins are 419.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['bookings|sign-in'],
    setup: practice(),
    begin: async (lab) =>
      lab.behave('booking', {
        rules: [
          { ...expired, path: '/bookings' },
          { ...expired, path: '/signin' },
        ],
      }),
    end: asBefore('booking'),
  }),
  outage('follower-sends-writers-to-its-leader', 'leader_redirect', {
    what: 'The second of two hosts lost the election of a leader, and sends clients that write to the other one, 307: by an inner address that no browser can reach.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{kitchen-2}'],
    setup: meals(),
    begin: async (lab) =>
      lab.behave('kitchen-2', {
        rules: [
          { ...toLeader, method: 'PUT' },
          { ...toLeader, method: 'POST' },
        ],
      }),
    end: asBefore('kitchen'),
  }),
  outage('one-host-fetches-the-newest-image', 'floating_tag', {
    what: 'One of three hosts restarts, and fetches the image that is called the newest. It is that of next month, whose menus are data for an app that is not released yet: JSON in place of pages.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{menu-2}'],
    setup: meals({ menu: { ...pair, instances: 3 } }),
    begin: async (lab) => {
      lab.behave('menu-2', { rules: [{ path: '/menus', ...pageData }] });
      await lab.restart('menu-2');
    },
    end: asBefore('menu'),
  }),
];
