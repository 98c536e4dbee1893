import { ordinaryFlows } from './flows.ts';
import { endWaves, startWaves } from './fourth-waves.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, shopNeeds, shopWithDatabase } from './shop.ts';
import { moreCarts, moreCheckouts, usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const accounting = {
  ...{ method: 'GET', path: '/reports/export/{n}', perSecond: 8, isOutsider: true as const },
  clients: ['127.0.66.85'],
};
const bulkCarts = {
  ...{ method: 'POST', path: '/api/cart', perSecond: 0.6 },
  body: `{"bulk":[${'{"product":12,"count":1},'.repeat(120)}0]}`,
};
const foreignNames = {
  ...{ method: 'POST', path: '/api/checkout', perSecond: 0.5 },
  body: String.raw`{"name":"\u0141ukasz","product":12}`,
};
const uploads = { method: 'POST', path: '/upload', perSecond: 2, body: 'x'.repeat(3000) };
const filtered = { method: 'GET', path: '/search/advanced/{n}', perSecond: 0.45 };

/** What is behind the application. */
const dependencyOutages: readonly Outage[] = [
  outage('export-holds-every-connection', 'connection_pool', {
    what: 'A new export of the accounting holds each connection to the database for four seconds: carts and products wait for seconds, and most exports get a 503.',
    harm: ['slow'],
    suspects: ['dependency', 'one_client', 'application_errors'],
    side: 'application',
    names: ['cart|products|checkout|api|shop'],
    setup: shopWithDatabase({ ...pair, behaviour: { needs: { ...shopNeeds, '/reports/export': ['database'] } } }),
    begin: async (lab) => {
      lab.behave('database', { rules: [{ path: '/dependency/reports/export', latencyMs: 4000 }] });
      lab.sendToo({ accounting });
    },
    end: async (lab) => {
      lab.sendUsual();
      lab.behave('database', {});
    },
  }),
  outage('broker-blocks-who-publishes', 'message_broker', {
    what: 'The disk of the message broker is nearly full, and it blocks who publishes: checkouts and changes of carts never end, reading works.',
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['cart|checkout'],
    setup: shop(pair, { keys: { timeouts: { response_head: '6s' } } }),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api', method: 'POST', end: 'hang' }] }),
    end: usualShop,
  }),
  outage('writes-go-to-the-former-primary', 'failover', {
    what: 'After a failover the application still writes to the former primary, which is read-only now: every POST is a 500.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['cart|checkout'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api', method: 'POST', status: 500 },
            prints: 'ERROR: cannot execute INSERT in a read-only transaction',
          },
        ],
      }),
    end: usualShop,
  }),
  outage('stock-import-locks-a-table-at-times', 'table_lock', {
    what: 'An import of the stock locks a table for 0.6 s each twelve seconds: changes of carts that meet it wait 2.5 s.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: moreCarts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/cart', method: 'POST', within: { forMs: 600, everyMs: 12_000 }, latencyMs: 2500 }],
      }),
    end: usualShop,
  }),
  outage('connects-to-the-cache-time-out', 'cache', {
    what: 'The host of the cache is gone. Carts and products first wait 0.8 s for a connection to it, then ask the database.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['products|cart'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/products', latencyMs: 820, prints: 'Error: cache: connect ETIMEDOUT 10.0.0.9:11211' },
          { path: '/api/cart', latencyMs: 820, prints: 'Error: cache: connect ETIMEDOUT 10.0.0.9:11211' },
        ],
      }),
    end: usualShop,
  }),
  outage('one-of-two-name-servers-is-dead', 'resolver', {
    what: 'One of two name servers of the hosts of the application is dead: four of a hundred calls to what is behind it wait 2.5 s for the other.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: [],
    setup: shopWithDatabase(),
    seconds: 115,
    begin: async (lab) => {
      for (const one of ['database', 'payments']) lab.behave(one, { rules: [{ share: 0.04, latencyMs: 2500 }] });
    },
    end: async (lab) => {
      for (const one of ['database', 'payments']) lab.behave(one, {});
    },
  }),
  outage('key-of-the-maps-expires', 'expired_key', {
    what: 'The key of the service of maps has expired: the options of the checkout come without any address, as 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/checkout/options', bytes: 60, prints: 'Error: maps answered 401: the key has expired' }],
      }),
    end: usualShop,
  }),
  outage('policy-closes-the-store-of-files', 'object_storage', {
    what: 'A new policy closes the store of files: scripts and styles are 403, with an answer in XML.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['static'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/static', status: 403, type: 'application/xml', bytes: 243 }] }),
    end: usualShop,
  }),
  outage('file-server-stalls-in-the-middle', 'file_server', {
    what: 'The file server stalls: four of a hundred files begin at once and then trickle for twenty seconds. Browsers give up after ten.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['slow_application', 'client_timeout'],
    side: 'application',
    names: ['static'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/static', share: 0.04, bodyMs: 20_000 }] }),
    end: usualShop,
  }),
];

/** The program, and its machine. */
const programOutages: readonly Outage[] = [
  outage('large-carts-take-seconds', 'slow_query', {
    what: 'Rebates are computed with a query for each pair of lines since a flag was set: the few carts with 120 lines take four seconds.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: { ...moreCarts, bulkCarts } }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/cart', method: 'POST', contains: 'bulk', latencyMs: 4000 }] }),
    end: usualShop,
  }),
  outage('printer-of-labels-knows-latin-only', 'encoding', {
    what: 'A new printer of labels knows Latin letters only: checkouts with other names, one of twenty, are 500.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shop(managed, { flows: { ...moreCheckouts, foreignNames } }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api/checkout', contains: String.raw`\u01`, status: 500 },
            prints: "UnicodeEncodeError: 'latin-1' codec can't encode character in position 0",
          },
        ],
      }),
    end: usualShop,
  }),
  outage('cleaner-removes-files-too-early', 'temporary_files', {
    what: 'A cleaner of temporary files removes those that are still in use: one of ten uploads is a 500.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['pages'],
    setup: shop(pair, { flows: { ...usual, uploads } }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/upload', share: 0.1, status: 500, prints: 'Error: ENOENT: no such file, open /tmp/up-81' }],
      }),
    end: usualShop,
  }),
  outage('field-of-the-index-has-another-type', 'search_index', {
    what: 'A field of the search index has got another type: advanced searches, one of 22 requests for searches, are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['search'],
    setup: shop(
      { ...pair, behaviour: { rules: [{ path: '/search/advanced', latencyMs: 40 }] } },
      { flows: { ...usual, filtered } },
    ),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/search/advanced', status: 500, prints: 'Error: search: failed to parse field [price]' }],
      }),
    end: usualShop,
  }),
  outage('keys-of-payments-collide', 'idempotency', {
    what: 'Keys against double payments are made from the second: four of a hundred checkouts are taken for repetitions, 409.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['checkout'],
    setup: shop(pair, { flows: moreCheckouts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/checkout', method: 'POST', share: 0.04, status: 409, bytes: 110 }] }),
    end: usualShop,
  }),
  outage('limiter-counts-all-as-one', 'rate_limit', {
    what: 'After a change of its settings the application counts all customers as one: four of ten calls of the API are 429.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'resource_limit'],
    side: 'application',
    names: ['api|cart|checkout'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api', share: 0.4, status: 429, bytes: 60 }] }),
    end: usualShop,
  }),
  outage('bus-of-messages-breaks-all-sockets', 'websockets', {
    what: 'The bus behind the messages breaks each eight seconds, and the application ends every WebSocket and stream of events at once.',
    marks: ['no 5xx'],
    suspects: ['connections_cut'],
    side: 'application',
    names: ['events|ws'],
    setup: shop(pair, { events: 6, sockets: 12, flows: withoutReports }),
    begin: async (lab) =>
      startWaves(
        8000,
        500,
        // Streams that have a limit of time lose it, and then the application ends them all.
        () => lab.behave('shop', { streamMs: 600_000 }),
        () => lab.behaveUsually('shop'),
      ),
    end: async (lab) => {
      endWaves();
      await usualShop(lab);
    },
  }),
];

/** The application, and what is behind it. */
export const fifthApplicationOutages: readonly Outage[] = [...dependencyOutages, ...programOutages];
