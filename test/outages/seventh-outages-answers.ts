import { ordinaryFlows } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { managed, pair, shop } from './shop.ts';
import { moreCarts, usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const newNumbers = { method: 'GET', path: '/v2/parcels/9007199254740{n}', perSecond: 0.5 };
const moreQuotes = { method: 'POST', path: '/v2/quotes', perSecond: 6 };
const logins = { method: 'POST', path: '/api/login', perSecond: 6 };

/** The status is `200` with one bit turned over. */
const flipped = 'HTTP/1.1 2p0 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}';

export const usualParcels =
  (application: 'api' | 'portal' | 'labels') =>
  async (lab: Lab): Promise<void> =>
    lab.behaveUsually(application);

/** Answers that are wrong, or that the gateway cannot read. */
export const seventhAnswerOutages: readonly Outage[] = [
  outage('labels-are-accepted-and-never-drawn', 'background_worker', {
    what: 'The worker that draws labels has ended, and nobody noticed. Whoever fetches a label gets 202 and a note that it will be ready soon, which it never is.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['labels'],
    setup: parcels(),
    begin: async (lab) =>
      lab.behave('labels', {
        rules: [{ path: '/v2/labels', status: 202, type: 'application/json', bytes: 70, latencyMs: 8 }],
      }),
    end: usualParcels('labels'),
  }),
  outage('cache-forgets-the-kind-of-device', 'cache_key', {
    what: 'A plug-in of the cache of pages no longer tells phones from computers: half of those who look at products get the page for the other kind, whose texts and pictures are few.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/products/', share: 0.5, bytes: 2100 },
          { path: '/products/' },
          { path: '/products', share: 0.5, bytes: 3800 },
        ],
      }),
    end: usualShop,
  }),
  outage('lists-come-as-204', 'no_content', {
    what: 'A race in the cache of lists: one of ten lists of parcels is taken for empty, and answered with 204.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['parcels'],
    setup: parcels(),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('api', {
        rules: [
          { path: '/v2/parcels/' },
          { path: '/v2/parcels', method: 'GET', share: 0.1, status: 204, bytes: 0, latencyMs: 4 },
        ],
      }),
    end: usualParcels('api'),
  }),
  outage('long-numbers-are-rounded', 'number_precision', {
    what: 'The numbers of new parcels have seventeen digits, and a query reads them as floating point since somebody changed a setting: it asks for the neighbour, 404. They are one of 35 requests for parcels.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['parcels'],
    setup: parcels({}, { flows: parcelFlows({ newNumbers }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('api', { rules: [{ path: '/v2/parcels/90071', status: 404, bytes: 60 }] }),
    end: usualParcels('api'),
  }),
  outage('one-host-writes-decimals-with-commas', 'locale', {
    what: 'One of three hosts was set up in another language. It reads 2.5 as no number: one of ten quotes that it gets is 422.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{api-3}'],
    setup: parcels({ api: { ...pair, instances: 3 } }, { flows: parcelFlows({ moreQuotes }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('api-3', { rules: [{ path: '/v2/quotes', share: 0.1, status: 422, bytes: 90, latencyMs: 6 }] }),
    end: usualParcels('api'),
  }),
  outage('bits-of-one-host-flip', 'bit_flips', {
    what: 'The memory of one of three hosts turns bits over: a tenth of its answers to changes have a status that is no number.',
    marks: ['low rate'],
    suspects: ['one_endpoint', 'invalid_responses'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop({ ...pair, instances: 3 }, { flows: moreCarts }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop-2', { rules: [{ path: '/api', method: 'POST', share: 0.1, raw: flipped }] }),
    end: usualShop,
  }),
  outage('captcha-takes-everybody-for-a-robot', 'captcha', {
    what: 'The service that tells people from robots has a bad day, and trusts nobody: every login is 400.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, { flows: { ...usual, logins } }),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/login', status: 400, bytes: 85, latencyMs: 45 }] }),
    end: usualShop,
  }),
  outage('carrier-changes-its-format', 'partner_format', {
    what: 'One carrier writes its prices in another form from today on, which the application cannot read: three of a hundred quotes are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['quotes'],
    setup: parcels({ api: managed }, { flows: parcelFlows({ moreQuotes }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('api', {
        rules: [
          {
            ...{ path: '/v2/quotes', share: 0.03, status: 500, bytes: 60, latencyMs: 140 },
            prints: 'TypeError: price.amount.toFixed is not a function',
          },
        ],
      }),
    end: usualParcels('api'),
  }),
];
