import { ordinaryFlows } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop, single } from './shop.ts';

/** Answers that are wrong: no HTTP, cut, of another kind; and checks that do not say what requests see. */
export const answerOutages: readonly Outage[] = [
  outage('another-program-listens', 'another_program', {
    what: 'After a restart a cache server has the port of the application: it does not speak HTTP.',
    suspects: ['another_program', 'invalid_responses'],
    side: 'application',
    names: ['{shop-1}'],
    setup: shop({ ...single, keys: { check: 'tcp' } }),
    begin: async (lab) => {
      lab.behave('shop', { speaks: 'redis' });
      await lab.restart('shop-1');
    },
    end: async (lab) => {
      lab.behaveUsually('shop');
      await lab.restart('shop-1');
    },
  }),
  outage('warnings-before-the-head', 'invalid_responses', {
    what: 'Two of a hundred pages have a warning of the language before their head: no HTTP.',
    marks: ['low rate'],
    suspects: ['invalid_responses'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    seconds: 110,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/products', share: 0.03, end: 'garbage' },
          { path: '/api/cart', method: 'POST', share: 0.05, end: 'garbage' },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('bodies-are-cut', 'cut_bodies', {
    what: 'A fault of a compression library ends three of a hundred large files in the middle.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'invalid_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(pair, { flows: { ...ordinaryFlows(), more: { method: 'GET', path: '/static/app.js', perSecond: 5 } } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/static', share: 0.035, end: 'cut' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('error-page-as-200', 'wrong_answers', {
    what: 'The framework catches every exception, and answers product pages with an apology and 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products', bytes: 640 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('redirect-loop', 'redirects', {
    what: 'A setting of the base address is wrong: sessions that moved hosts redirect to themselves, for ever.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['api'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/session', share: 0.045, status: 302, location: '/api/session', bytes: 0 }],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('scripts-as-plain-text', 'content_type', {
    what: 'One of twenty nodes of the store of files has lost its table of types: scripts and styles from it are plain text, and browsers refuse them.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['static'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/static', share: 0.05, type: 'text/plain' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('bodies-are-empty', 'wrong_answers', {
    what: 'The serializer fails silently: all orders are empty, as 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['api'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api/orders', bytes: 0 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('some-pages-are-missing', 'wrong_answers', {
    what: 'Images of one supplier were deleted with their pages: four of a hundred products are 404.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/products/', share: 0.045, status: 404, bytes: 900 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('bodies-come-slowly', 'slow_bodies', {
    what: 'Heads come at once; the bodies of one in twenty pages take a second and a half, slice by slice.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/products', share: 0.045, bodyMs: 1500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('checks-lie', 'lying_check', {
    what: 'The page of the check is always fine, while every other request is 500.',
    suspects: ['lying_check', 'application_errors'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/healthz' }, { status: 500 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('checks-fail-alone', 'failing_check', {
    what: 'The page of the check looks at a mail server, which is down: 503, though all requests would be answered.',
    suspects: ['failing_check'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/healthz', status: 503 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('a-page-grows-slow', 'slow_route', {
    what: 'A table without an index grows: product pages take half a second, then one, then two.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['products'],
    setup: shop(),
    seconds: 110,
    begin: async (lab) => {
      for (const [index, latencyMs] of [120, 500, 1000, 2000].entries())
        setTimeout(() => lab.behave('shop', { rules: [{ path: '/products', latencyMs }] }), index * 20_000);
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('a-few-searches-are-endless', 'slow_route', {
    what: 'Searches for one word never end: the gateway gives them up after four seconds, two of a hundred.',
    marks: ['low rate'],
    harm: ['slow'],
    suspects: ['slow_application', 'timeout_too_short'],
    side: 'application',
    names: ['search'],
    setup: shop(pair, { keys: { timeouts: { response_head: '4s' } } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search', share: 0.03, end: 'hang' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('some-logins-lose-their-session', 'wrong_answers', {
    what: 'A cache of sessions drops entries too early: three of a hundred calls for the session are 401.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, { flows: { ...ordinaryFlows(), more: { method: 'GET', path: '/api/session', perSecond: 6 } } }),
    seconds: 110,
    before: (lab) => lab.reload(),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/session', share: 0.035, status: 401, bytes: 40 }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
];
