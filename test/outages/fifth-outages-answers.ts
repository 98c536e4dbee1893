import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop } from './shop.ts';
import { moreCheckouts, usualShop } from './third-outages-applications.ts';

/** Answers that are no failures by their status. */
export const fifthAnswerOutages: readonly Outage[] = [
  outage('notices-stand-before-the-json', 'notices', {
    what: 'The language prints notices into one of twenty counts of carts, before the JSON, which no browser can read any more.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['cart'],
    setup: shop(),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api/cart/count', share: 0.05 },
            body: `${'<br />Notice: Undefined index: total in /srv/cart.php on line 31<br />'.repeat(11)}{"count":2}`,
          },
        ],
      }),
    end: usualShop,
  }),
  outage('errors-come-as-200', 'errors_as_200', {
    what: 'Four of a hundred checkouts fail within the application, which says so in its JSON, as 200.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(pair, { flows: moreCheckouts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api/checkout', method: 'POST', share: 0.045 },
            body: '{"data":null,"errors":[{"message":"Internal server error","path":["pay"]}]}',
          },
        ],
      }),
    end: usualShop,
  }),
  outage('pages-end-after-4096-bytes', 'truncated_answers', {
    what: 'A buffer of the application has 4,096 bytes: longer lists, pages and files end there, with a Content-Length that says so.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['products|static'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/products', bytes: 4096 },
          { path: '/static', bytes: 4096 },
        ],
      }),
    end: usualShop,
  }),
  outage('one-host-leads-to-the-test-shop', 'wrong_environment', {
    what: 'One of three hosts was set up with the address of the test shop: it redirects every page of products there.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{shop-3}'],
    setup: shop({ ...pair, instances: 3 }),
    begin: async (lab) =>
      lab.behave('shop-3', {
        rules: [{ path: '/products', status: 302, location: 'https://test.shop.test/products', bytes: 0 }],
      }),
    end: usualShop,
  }),
  outage('provider-suspends-the-account', 'suspended_account', {
    what: 'The provider of the hosting suspends the account for an unpaid bill: its edge answers every request with a page, as 200.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'another_program', 'network'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...pair, hasRelay: true }),
    begin: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = { answerShare: 1, answer: suspended };
    },
    end: async (lab) => {
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = {};
    },
  }),
];

const page = '<html><head><title>Account suspended</title></head><body>Contact your provider.</body></html>';
const suspended = `HTTP/1.1 200 OK\r\nServer: edge\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`;
