import { control } from './control-form.ts';
import { addresses, addressesFrom, type Flow, ordinaryFlows } from './flows.ts';
import { afterwards, endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Control } from './outage.ts';
import { pair, shop } from './shop.ts';

const usual = ordinaryFlows();
const of = (flow: Omit<Flow, 'method'>, method = 'GET'): Flow => ({ ...flow, method });

const spider = of({ path: '/products/{n}', perSecond: 30, clients: addressesFrom(230, 3), isOutsider: true });
const invoices = of({ path: '/reports/invoices/{n}', perSecond: 25, clients: ['127.0.66.87'], timeoutMs: 30_000 });
const pixels = of({ path: '/static/style.css?mail={n}', perSecond: 40, clients: addressesFrom(60, 60) });
const films = of({ path: '/download/film', perSecond: 1.5, leavesAfterBytes: 400_000 });
const tokens = of({ path: '/api/session', perSecond: 6, clients: addressesFrom(200, 20), isOutsider: true });
const plugins = of({
  path: '/wp-content/plugins/{n}',
  perSecond: 12,
  clients: addressesFrom(240, 4),
  isOutsider: true,
});
const forms = of({ path: '/api/checkout', perSecond: 1.5, body: '{"product":12,"postcode":"none"}' }, 'POST');
const videos = of(
  { path: '/upload', perSecond: 0.6, body: 'x'.repeat(900_000), bodyMs: 5000, timeoutMs: 60_000 },
  'POST',
);
const deletions = of({ path: '/api/cart', perSecond: 5 }, 'DELETE');
const archives = of({ path: '/download/archive-{n}', perSecond: 3, clients: addressesFrom(90, 6), timeoutMs: 30_000 });
const searchBots = ['20', '21'].map((part) => ({
  ...{ path: '/api/session', status: 401, bytes: 40 },
  client: `127.0.66.${part}`,
}));

const usualRequests = async (lab: Lab): Promise<void> => {
  endWaves();
  lab.sendUsual();
};

/** What clients do while nothing is wrong. */
export const fifthTrafficControls: readonly Control[] = [
  control(
    'another-country-joins',
    'growth',
    'The shop opens in another country: sixty new addresses, half as many requests again, in three steps.',
    {
      begin: async (lab) => {
        for (const [index, factor] of [0.2, 0.35, 0.5].entries())
          afterwards(index * 15_000, () => lab.sendToo(newCountry(factor)));
      },
      end: usualRequests,
    },
  ),
  control('spider-reads-every-product', 'crawler', 'Three machines of a search engine read thirty products a second.', {
    begin: async (lab) => lab.sendToo({ spider }),
    end: usualRequests,
  }),
  control(
    'invoices-are-fetched-at-the-hour',
    'cron_peak',
    'A program of the accounting fetches its invoices, some forty at once, each of which takes 1.5 s as ever.',
    {
      begin: async (lab) =>
        startWaves(
          25_000,
          1600,
          () => lab.sendToo({ invoices }),
          () => lab.sendUsual(),
        ),
      end: usualRequests,
    },
  ),
  control(
    'programs-for-mail-load-the-pictures',
    'marketing_mail',
    'A mail goes to all customers: as they open it, sixty addresses load a file of it, fewer and fewer.',
    {
      begin: async (lab) => {
        for (const [index, perSecond] of [40, 60, 30, 12].entries())
          afterwards(index * 12_000, () => lab.sendToo({ pixels: { ...pixels, perSecond } }));
      },
      end: usualRequests,
    },
  ),
  control(
    'people-stop-films-on-slow-lines',
    'aborted_downloads',
    'Films come slowly, as ever, and more people than usual stop them, all at about the same place.',
    {
      setup: shop(
        { ...pair, behaviour: { rules: [{ path: '/download', bodyMs: 4000 }] } },
        { flows: { ...usual, films } },
      ),
      begin: async (lab) => lab.sendToo({ films: { ...films, perSecond: 4 } }),
      end: usualRequests,
    },
  ),
  control(
    'bots-try-stolen-tokens',
    'bots',
    'Twenty addresses try stolen tokens: six 401s a second. Customers notice nothing.',
    {
      setup: shop({ ...pair, behaviour: { rules: searchBots } }),
      begin: async (lab) => lab.sendToo({ tokens }),
      end: usualRequests,
    },
  ),
  control(
    'bots-look-for-plugins',
    'bots',
    'Four addresses look for plugins that the shop does not have: twelve 404s a second.',
    {
      begin: async (lab) => lab.sendToo({ plugins }),
      end: usualRequests,
    },
  ),
  control(
    'visitors-mistype-their-postcode',
    'form_errors',
    'An advertisement brings people who fill in forms for the first time: a quarter of all checkouts is 422, and then right.',
    {
      setup: shop(
        { ...pair, behaviour: { rules: [{ path: '/api/checkout', contains: 'none', status: 422, bytes: 120 }] } },
        { flows: { ...usual, forms: { ...forms, perSecond: 0.3 } } },
      ),
      begin: async (lab) =>
        lab.sendToo({ forms, 'POST /api/checkout': { method: 'POST', path: '/api/checkout', perSecond: 5 } }),
      end: usualRequests,
    },
  ),
  control(
    'people-upload-videos',
    'large_uploads',
    'Customers upload videos of 900 kB, which takes five seconds each.',
    {
      begin: async (lab) => lab.sendToo({ videos }),
      end: usualRequests,
    },
  ),
  control(
    'carts-can-be-emptied',
    'new_method',
    'A new button empties carts by DELETE, which the application answers with 204.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/api/cart', method: 'DELETE', status: 204, bytes: 0, latencyMs: 10 }] },
      }),
      begin: async (lab) => lab.sendToo({ deletions }),
      end: usualRequests,
    },
  ),
  control('archives-are-downloaded', 'growth', 'Six offices download their archives of 1.5 MB, three a second.', {
    begin: async (lab) => lab.sendToo({ archives }),
    end: usualRequests,
  }),
  control(
    'cards-are-declined-as-ever',
    'declined_cards',
    'On payday there are three times as many checkouts. As ever one of sixteen cards is declined, 402.',
    {
      setup: shop({
        ...pair,
        behaviour: { rules: [{ path: '/api/checkout', method: 'POST', share: 0.06, status: 402, bytes: 120 }] },
      }),
      begin: async (lab) =>
        lab.sendToo({ 'POST /api/checkout': { method: 'POST', path: '/api/checkout', perSecond: 9 } }),
      end: usualRequests,
    },
  ),
  control(
    'an-office-moves-behind-one-address',
    'one_address',
    'A company moves its people behind one address: half of all requests come from it, and no more than before.',
    {
      begin: async (lab) => lab.send(behindOneAddress()),
      end: usualRequests,
    },
  ),
  control(
    'saturday-evening',
    'quiet',
    'Within half a minute customers become few: first half, then a tenth, then one of fifty requests.',
    {
      begin: async (lab) => {
        for (const [index, factor] of [0.5, 0.1, 0.02].entries())
          afterwards(index * 12_000, () => lab.send(ordinaryFlows(factor)));
      },
      end: usualRequests,
    },
  ),
  control(
    'many-open-the-page-of-messages',
    'websockets',
    'After lunch people open the page of messages: 24 more WebSockets and 12 more streams of events.',
    { begin: async (lab) => lab.order({ kind: 'streams', events: 12, sockets: 24 }) },
  ),
];

/** Customers with new addresses, in so large a part of the usual ones. */
function newCountry(factor: number): Record<string, Flow> {
  return Object.fromEntries(
    Object.entries(ordinaryFlows(factor)).map(([name, flow]) => [
      `${name} abroad`,
      { ...flow, clients: addressesFrom(100, 60) },
    ]),
  );
}

/** Half of the requests come from one address. */
function behindOneAddress(): Record<string, Flow> {
  const clients = [...addresses.slice(7), ...Array.from({ length: 7 }, () => '127.0.66.40')];
  return Object.fromEntries(Object.entries(usual).map(([name, flow]) => [name, { ...flow, clients }]));
}
