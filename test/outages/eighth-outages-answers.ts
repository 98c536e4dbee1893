import { boxOffice, boxOfficeFlows } from './box-office.ts';
import { addressesFrom } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';

const moreShows = { method: 'GET', path: '/shows/{n}', perSecond: 6 };
const morePosters = { method: 'GET', path: '/posters/{n}', perSecond: 5 };
const moreTickets = { method: 'GET', path: '/b/tickets/{n}', perSecond: 6 };
/** The payment provider says what was paid. */
const paid = { method: 'POST', path: '/b/paid', perSecond: 3, clients: ['127.0.66.95'] };
const abroad = { method: 'GET', path: '/shows/{n}', perSecond: 0.45, clients: addressesFrom(165, 5) };

export const usualBoxOffice =
  (...applications: readonly ('site' | 'office' | 'images')[]) =>
  async (lab: Lab): Promise<void> => {
    endWaves();
    lab.sendUsual();
    for (const one of applications) lab.behaveUsually(one);
  };

/** Answers that are complete, and not what was asked for. */
export const eighthAnswerOutages: readonly Outage[] = [
  outage('waiting-room-counts-nobody-out', 'waiting_room', {
    what: 'Before the pages of shows is a waiting room for days of sales. It counts who comes in, and since its last change nobody out: from step to step more visitors are redirected to a queue that never moves.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['shows'],
    setup: boxOffice(),
    begin: async (lab) => {
      for (const [index, share] of [0.3, 0.6, 0.9].entries()) {
        const rules = [{ path: '/shows', share, status: 302, location: '/queue', bytes: 0, latencyMs: 2 }];
        afterwards(index * 10_000, () => lab.behave('site', { rules }));
      }
    },
    end: usualBoxOffice('site'),
  }),
  outage('notices-of-payments-stop', 'missing_webhooks', {
    what: 'The payment provider switched its notices of payments off, after too many timeouts of last week. Nothing fails: orders are only never seen as paid, so that customers get 202 and a note to wait, and no ticket.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['orders|tickets'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ paid }) }),
    begin: async (lab) => {
      lab.send(boxOfficeFlows());
      lab.behave('office', {
        rules: [
          { path: '/b/orders', method: 'GET', share: 0.8, status: 202, bytes: 70 },
          { path: '/b/tickets', share: 0.6, status: 404, type: 'application/json', bytes: 60, latencyMs: 6 },
        ],
      });
    },
    end: usualBoxOffice('office'),
  }),
  outage('posters-of-one-form-are-placeholders', 'thumbnails', {
    what: 'The library that makes posters smaller cannot read photographs of new telephones any more: three of a hundred posters are a grey picture, as 200.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['posters'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ morePosters }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('images', { rules: [{ path: '/posters', share: 0.035, type: 'image/png', bytes: 900 }] }),
    end: usualBoxOffice('images'),
  }),
  outage('plug-in-sells-visitors', 'compromised_plug_in', {
    what: 'An extension of the site was bought by strangers. Its update sends three of a hundred visitors of shows to a page of prizes, so that the owners do not notice.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['shows'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ moreShows }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('site', {
        rules: [{ path: '/shows/', share: 0.03, status: 302, location: 'https://prizes.example/win', bytes: 0 }],
      }),
    end: usualBoxOffice('site'),
  }),
  outage('visitors-are-taken-for-another-country', 'geolocation', {
    what: 'The table of countries was updated, and has a provider in a country where the rights of the shows were not bought: its customers get 451.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'one_client'],
    side: 'application',
    names: ['shows'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ abroad }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('site', { rules: [{ path: '/shows', client: '127.0.66.16', status: 451, bytes: 800, latencyMs: 2 }] }),
    end: usualBoxOffice('site'),
  }),
  outage('rule-of-the-storage-deletes-tickets', 'lifecycle_rule', {
    what: 'A rule of the storage that was to delete drafts after a day deletes tickets too: three of a hundred are 404, first fewer.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['tickets'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ moreTickets }) }),
    seconds: 115,
    begin: async (lab) => {
      for (const [index, share] of [0.02, 0.035].entries()) {
        const deed = { status: 404, type: 'application/json', bytes: 60, latencyMs: 30 };
        afterwards(index * 20_000, () => lab.behave('office', { rules: [{ path: '/b/tickets', share, ...deed }] }));
      }
    },
    end: usualBoxOffice('office'),
  }),
];
