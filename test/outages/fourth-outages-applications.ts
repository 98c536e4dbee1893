import { ordinaryFlows } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop, shopWithDatabase } from './shop.ts';
import { moreCarts, moreCheckouts, usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const moreOrders = { ...usual, orders: { method: 'GET', path: '/api/orders/{n}', perSecond: 3 } };
/** The size of a chunk in decimal digits, which are read as hexadecimal ones. */
const decimalChunk = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n500\r\n${' '.repeat(500)}\r\n0\r\n\r\n`;
const sessionStore = { ...pair, dependencies: ['sessions'], behaviour: { needs: { '/api/session': ['sessions'] } } };

/** The application, and what is behind it. */
export const fourthApplicationOutages: readonly Outage[] = [
  outage('one-shard-accepts-no-writes', 'transaction_numbers', {
    what: 'One of 25 shards has used up its transaction numbers and accepts no writes: changes of carts that belong to it are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: moreCarts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api/cart', method: 'POST', share: 0.04, status: 500 },
            prints: 'ERROR: database is not accepting commands to avoid wraparound data loss',
          },
        ],
      }),
    end: usualShop,
  }),
  outage('numbers-of-rows-are-used-up', 'integer_overflow', {
    what: 'The column with the numbers of the lines of carts has reached its largest integer: nothing can be put into a cart.',
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['cart'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [{ path: '/api/cart', method: 'POST', status: 500, prints: 'ERROR: integer out of range' }],
      }),
    end: usualShop,
  }),
  outage('every-other-file-of-features-is-bad', 'alternating_file', {
    what: 'A file that each process reads is made anew each eight seconds, by turns well and with too many entries: then most requests are 500.',
    suspects: ['application_errors'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ within: { forMs: 8000, everyMs: 16_000 }, share: 0.6, status: 500 },
            prints: 'Error: 201 features, where 200 are allowed',
          },
        ],
      }),
    end: usualShop,
  }),
  outage('ports-of-the-address-translation-run-out', 'address_translation', {
    what: 'The translation of addresses before the payment provider has hardly a free port: one of 25 calls to it gets no connection.',
    marks: ['low rate'],
    suspects: ['dependency', 'application_errors'],
    side: 'application',
    names: ['checkout'],
    setup: shopWithDatabase({ ...pair, behaviour: { dependencyTimeoutMs: 1500 } }, { flows: moreCheckouts }),
    seconds: 115,
    begin: async (lab) => lab.behave('payments', { rules: [{ share: 0.04, end: 'hang' }] }),
    end: async (lab) => lab.behave('payments', {}),
  }),
  outage('new-nodes-join-without-data', 'empty_node', {
    what: 'Nodes have joined the database before their data had come: one of twelve orders is not found.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['api'],
    setup: shop(pair, { flows: moreOrders }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/orders/', share: 0.08, status: 404, bytes: 130 }] }),
    end: usualShop,
  }),
  outage('answers-reach-other-customers', 'mixed_answers', {
    what: 'A library gives a connection back with an unread answer on it: one of thirty answers of the API is that to another question.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: [],
    setup: shop(),
    seconds: 115,
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/api', method: 'GET', share: 0.033, bytes: 9000 }] }),
    end: usualShop,
  }),
  outage('switch-of-a-card-network-fails-partly', 'declined_cards', {
    what: 'A switch of a card network fails partly: a third of all payments are declined, and the application answers 402.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses', 'dependency'],
    side: 'application',
    names: ['checkout'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ path: '/api/checkout', method: 'POST', share: 0.33, status: 402, bytes: 120 }] }),
    end: usualShop,
  }),
  outage('sizes-of-chunks-are-decimal', 'chunks', {
    what: 'The application writes chunks by hand, with their sizes in decimal digits: most suggestions break off.',
    suspects: ['invalid_responses', 'connections_cut'],
    side: 'application',
    names: ['search'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search/suggest', share: 0.6, raw: decimalChunk }] }),
    end: usualShop,
  }),
  outage('list-of-visited-products-outgrows-the-head', 'large_head', {
    what: 'A cookie lists all products that a customer has ever seen: for one of 25 who change a cart the head has 80 kB.',
    marks: ['low rate'],
    suspects: ['invalid_responses', 'resource_limit', 'gateway_limit'],
    side: 'application',
    names: ['cart'],
    setup: shop(pair, { flows: moreCarts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          {
            ...{ path: '/api/cart', method: 'POST', share: 0.04 },
            headers: { 'set-cookie': `seen=${'12-'.repeat(27_000)}` },
          },
        ],
      }),
    end: usualShop,
  }),
  outage('session-store-saves-in-the-foreground', 'session_store', {
    what: 'The store of sessions writes itself to disk each nine seconds and answers nothing for 0.6 s: questions then wait 1.5 s.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['dependency', 'slow_application'],
    side: 'application',
    names: ['api'],
    setup: shop(sessionStore),
    seconds: 115,
    begin: async (lab: Lab) =>
      lab.behave('sessions', { rules: [{ within: { forMs: 600, everyMs: 9000 }, latencyMs: 1500 }] }),
    end: async (lab) => lab.behave('sessions', {}),
  }),
];
