import { ordinaryFlows } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, single } from './shop.ts';

const usual = ordinaryFlows();
const logins = { method: 'POST', path: '/api/login', perSecond: 6 };
const withTax = { ...pair, dependencies: ['tax'], behaviour: { needs: { '/api/checkout': ['tax'] } } } as const;
const nearlyFull = {
  ...pair,
  behaviour: { capacity: 2, queueMax: 150, rules: [{ path: '/healthz' }, { path: '/reports' }, { latencyMs: 30 }] },
};
const tooManyRequests =
  'HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/html\r\nContent-Length: 17\r\nConnection: close\r\n\r\ntoo many requests';

/** The second set: dependencies, releases, processes. */
const applicationOutages: readonly Outage[] = [
  outage('tax-service-refuses-some', 'dependency', {
    what: 'The service that computes taxes answers 500 to three of a hundred checkouts.',
    marks: ['low rate'],
    suspects: ['dependency', 'application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shop(withTax, { flows: { ...usual, more: { method: 'POST', path: '/api/checkout', perSecond: 6 } } }),
    seconds: 115,
    begin: async (lab) => lab.behave('tax', { rules: [{ share: 0.03, status: 500 }] }),
    end: async (lab) => lab.behave('tax', {}),
  }),
  outage('geocoder-falls-back', 'third_party', {
    what: 'The service of addresses does not answer: the options of the checkout wait 1.5 s, then go on without it.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/checkout/options', latencyMs: 1500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('mail-quota-is-used-up', 'third_party', {
    what: 'The mail provider takes no more mails: logins that need a code by mail, one of twenty, are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency', 'resource_limit'],
    side: 'application',
    names: ['api'],
    setup: shop(managed, { flows: { ...usual, logins } }),
    seconds: 110,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/login', share: 0.05, status: 500, prints: 'Error: smtp: 452 quota exceeded' }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('carts-wait-for-a-lock', 'database', {
    what: 'A report holds locks: three of a hundred changes of carts wait three seconds and are 503.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: { ...usual, more: { method: 'POST', path: '/api/cart', perSecond: 6 } } }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/cart', method: 'POST', share: 0.03, latencyMs: 3000, status: 503 }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('planner-takes-a-bad-plan', 'database', {
    what: 'The statistics of the database are old: a third of the pages of products takes half a second.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products/', share: 0.35, latencyMs: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('release-forgets-a-method', 'release', {
    what: 'A release lost the handler of POST for carts: 405, while carts can be read.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release'],
    side: 'application',
    names: ['cart'],
    setup: shop(managed),
    begin: (lab) =>
      lab.release('shop', {
        rules: [{ path: '/api/cart', method: 'POST', status: 405, body: '{"error":"method not allowed"}' }],
      }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('release-fails-for-old-orders', 'release', {
    what: 'A release cannot read orders of an older form: three of a hundred single orders are 500.',
    marks: ['low rate'],
    suspects: ['release'],
    side: 'application',
    names: ['api'],
    setup: shop(managed, { flows: { ...usual, more: { method: 'GET', path: '/api/orders/{n}', perSecond: 6 } } }),
    seconds: 115,
    begin: (lab) => lab.release('shop', { rules: [{ path: '/api/orders/', share: 0.03, status: 500 }] }),
    end: (lab) => lab.release('shop', {}),
  }),
  outage('copy-to-one-host-was-incomplete', 'partial_deploy', {
    what: 'The copy of static files to one of two hosts broke off: its script is 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['static|{shop-2}'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop-2', { rules: [{ path: '/static/app.js', status: 404, type: 'text/html', bytes: 150 }] }),
    end: async (lab) => lab.behaveUsually('shop-2'),
  }),
  outage('clock-of-one-host-is-wrong', 'clock', {
    what: 'The clock of one of two hosts is an hour late: it refuses the tokens of sessions and orders with 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['api|{shop-1}'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop-1', {
        rules: ['/api/session', '/api/orders'].map((path) => ({ path, status: 401, body: '{"error":"token"}' })),
      }),
    end: async (lab) => lab.behaveUsually('shop-1'),
  }),
  outage('logs-are-written-synchronously', 'event_loop', {
    what: 'Somebody set the log to debug: the loop of each process stands still for 250 of 400 ms.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { blockEvery: { ms: 250, everyMs: 400 } }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('session-store-drops-logins', 'storage', {
    what: 'The library of the session store throws in a callback: four of a hundred logins end with a closed connection.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'application_errors'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, { flows: { ...usual, logins } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/login', share: 0.04, end: 'close' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('check-takes-a-needed-host-out', 'health_check', {
    what: 'The check of one of two hosts is 503, for a full disk of logs; the other host cannot bear the load alone.',
    harm: ['slow'],
    suspects: ['failing_check', 'one_endpoint'],
    side: 'application',
    names: ['{shop-2}|shop'],
    setup: shop(nearlyFull),
    begin: async (lab) =>
      lab.behave('shop-2', {
        ...nearlyFull.behaviour,
        rules: [{ path: '/healthz', status: 503, body: 'disk' }, ...nearlyFull.behaviour.rules],
      }),
    end: async (lab) => lab.behaveUsually('shop-2'),
  }),
];

/** The second set: contents, networks, names, clients, operators. */
const surroundingOutages: readonly Outage[] = [
  outage('search-index-is-empty', 'contents', {
    what: 'A job replaced the index of searches by an empty one: every search finds nothing.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['search'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search', body: '{"hits":[]}' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('filter-takes-carts-for-attacks', 'contents', {
    what: 'New rules of a filter in the application refuse one of twenty changes of carts, with a page and 403.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: { ...usual, more: { method: 'POST', path: '/api/cart', perSecond: 6 } } }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/cart', method: 'POST', share: 0.05, status: 403, type: 'text/html', bytes: 900 }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('lists-of-orders-break-off', 'contents', {
    what: 'The serializer throws in the middle of some orders: three of a hundred lists are cut.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['connections_cut', 'application_errors'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, { flows: { ...usual, more: { method: 'GET', path: '/api/orders', perSecond: 6 } } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/orders', share: 0.03, end: 'cut' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('proxy-between-limits-rates', 'proxy_between', {
    what: 'A proxy between got a limit of requests: it answers 429 itself to four of a hundred.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'network'],
    side: 'network',
    names: ['shop'],
    setup: shop({ ...single, hasRelay: true }),
    seconds: 110,
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { answerShare: 0.04, answer: tooManyRequests }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('name-leads-to-an-old-release', 'dns_change', {
    what: 'The name of the shop is changed to a host with a release of last year, which has no count of carts: 404.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['dns_change', 'changed_responses'],
    side: 'operator',
    names: ['cart'],
    setup: shop({ ...pair, host: 'shop.internal', named: 1 }),
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/api/cart/count', status: 404, body: '{"error":"not found"}' }] });
      lab.lead('shop.internal', '127.0.67.2');
    },
    end: async (lab) => lab.lead('shop.internal', '127.0.67.1'),
  }),
  outage('certificate-comes-from-a-backup', 'certificate', {
    what: 'A host is restored from a backup, and serves a certificate that expired yesterday.',
    suspects: ['certificate'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...single, tls: 'usual' }),
    begin: async (lab) => {
      lab.certify('shop', ['shop.internal'], Date.now() - 86_400_000);
      await lab.restart('shop-1');
    },
    end: async (lab) => {
      lab.certify('shop', ['shop.internal']);
      await lab.restart('shop-1');
    },
  }),
  outage('websockets-are-reset-after-a-restart', 'websockets', {
    what: 'After a restart the processes reset four of five handshakes of WebSockets; all else works.',
    suspects: ['connections_cut', 'application_errors'],
    side: 'application',
    names: ['ws'],
    setup: shop(pair, { sockets: 10 }),
    begin: async (lab) => {
      lab.behave('shop', { rules: [{ path: '/ws', share: 0.8, end: 'reset' }] });
      await lab.restart('shop-1');
      await lab.restart('shop-2');
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('phones-give-up-on-some-checkouts', 'front_timeout', {
    what: 'Four of a hundred checkouts take six seconds; the app on phones gives them up after two.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['client_timeout', 'slow_application'],
    side: 'application',
    names: ['checkout'],
    setup: shop(pair, {
      flows: { ...usual, phones: { method: 'POST', path: '/api/checkout', perSecond: 8, timeoutMs: 2000 } },
    }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/checkout', method: 'POST', share: 0.04, latencyMs: 6000 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('some-uploads-hang', 'uploads', {
    what: 'The scanner of uploads hangs at one of twenty-five: those who sent them give up after five seconds.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['slow_application', 'client_timeout'],
    side: 'application',
    names: ['pages'],
    setup: shop(pair, {
      flows: { ...usual, uploads: { method: 'POST', path: '/upload', perSecond: 7, timeoutMs: 5000 } },
    }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/upload', share: 0.04, end: 'hang' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('partner-polls-without-a-pause', 'one_client', {
    what: 'A partner lost the pause of its polling of orders: 250 a second, and the application answers late to all.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['one_client', 'traffic_growth'],
    side: 'client',
    names: ['127.0.66.70'],
    setup: shop({ ...single, behaviour: { capacity: 4 } }),
    seconds: 70,
    begin: async (lab) =>
      lab.sendToo({
        polls: {
          method: 'GET',
          path: '/api/orders',
          perSecond: 250,
          clients: ['127.0.66.70'],
          isOutsider: true,
          timeoutMs: 3000,
        },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('reload-removes-a-needed-host', 'operator_configuration', {
    what: 'A person takes one of two hosts out of the configuration; the other one cannot bear the load alone.',
    harm: ['slow'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['shop'],
    setup: shop(nearlyFull),
    begin: (lab) =>
      lab.reload(({ upstreams }) => Object.assign(upstreams['shop'] ?? {}, { endpoints: [lab.address('shop-1')] })),
    end: (lab) =>
      lab.reload(({ upstreams }) =>
        Object.assign(upstreams['shop'] ?? {}, { endpoints: [lab.address('shop-1'), lab.address('shop-2')] }),
      ),
  }),
  outage('reload-speaks-tls-to-clear-text', 'operator_configuration', {
    what: 'A person writes https for the hosts of the shop, which speak clear text only.',
    suspects: ['configuration_change', 'tls_settings'],
    side: 'operator',
    names: ['shop'],
    setup: shop(),
    begin: (lab) =>
      lab.reload(({ upstreams }) =>
        Object.assign(upstreams['shop'] ?? {}, {
          endpoints: [`https://${lab.address('shop-1')}`, `https://${lab.address('shop-2')}`],
        }),
      ),
    end: (lab) =>
      lab.reload(({ upstreams }) =>
        Object.assign(upstreams['shop'] ?? {}, { endpoints: [lab.address('shop-1'), lab.address('shop-2')] }),
      ),
  }),
];

export const secondOutages: readonly Outage[] = [...applicationOutages, ...surroundingOutages];
