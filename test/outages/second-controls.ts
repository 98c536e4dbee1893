import { control } from './control-form.ts';
import { addresses, type Flow, ordinaryFlows } from './flows.ts';
import type { Control } from './outage.ts';
import { managed, pair, shop } from './shop.ts';

const usual = ordinaryFlows();
const from = (client: string, flow: Omit<Flow, 'clients' | 'isOutsider'>): Flow => ({
  ...flow,
  clients: [client],
  isOutsider: true,
});
const photos = { method: 'GET', path: '/static/photo', perSecond: 5 };
const orders = from('127.0.66.90', { method: 'GET', path: '/api/orders', perSecond: 2 });

/** The second set of what happens while nothing is wrong. */
export const secondControls: readonly Control[] = [
  control('bot-of-heads', 'crawler', 'A checker of links sends HEAD to all pages.', {
    begin: async (lab) =>
      lab.sendToo(
        Object.fromEntries(
          ['/', '/products', '/products/{n}', '/static/app.js', '/search?q={n}'].map((path) => [
            `HEAD ${path}`,
            from('127.0.66.80', { method: 'HEAD', path, perSecond: 3 }),
          ]),
        ),
      ),
    end: async (lab) => lab.sendUsual(),
  }),
  control('price-import-by-put', 'import', 'The office sends new prices by PUT, ten a second.', {
    setup: shop({
      ...pair,
      behaviour: { rules: [{ path: '/api/import', method: 'PUT', status: 200, body: '{"ok":true}', latencyMs: 30 }] },
    }),
    begin: async (lab) =>
      lab.sendToo({
        prices: from('127.0.66.81', { method: 'PUT', path: '/api/import', perSecond: 10, body: '{"price":1250}' }),
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('second-host-joins-cold', 'scale', 'The name gets a second host, which is a bit slower until it is warm.', {
    setup: shop({ ...pair, host: 'shop.internal', named: 1 }),
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/healthz' }, { slower: 1.6 }] });
      lab.lead('shop.internal', '127.0.67.1', '127.0.67.2');
      setTimeout(() => lab.behaveUsually('shop-2'), 30_000);
    },
  }),
  control('logins-after-a-holiday', 'growth', 'On the first morning after a holiday everybody logs in.', {
    begin: async (lab) => lab.sendToo({ logins: { method: 'POST', path: '/api/login', perSecond: 40 } }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('static-files-get-revalidated', 'cache', 'New cache headers: most requests for static files become 304.', {
    begin: async (lab) => {
      lab.behave('shop', { rules: [{ path: '/static', share: 0.8, status: 304, body: '' }] });
      const headers = { 'if-none-match': '"1"' };
      lab.send(
        Object.fromEntries(
          Object.entries(usual).map(([name, flow]) => [
            name,
            flow.path.startsWith('/static') ? { ...flow, headers } : flow,
          ]),
        ),
      );
    },
    end: async (lab) => {
      lab.behaveUsually('shop');
      lab.sendUsual();
    },
  }),
  control('pages-to-the-end', 'crawler', 'A partner reads all pages of the products; past the last one it gets 404.', {
    setup: shop({
      ...pair,
      behaviour: { rules: [{ path: '/products/page/', share: 0.1, status: 404, body: '{"error":"no such page"}' }] },
    }),
    begin: async (lab) =>
      lab.sendToo({
        pages: from('127.0.66.82', { method: 'GET', path: '/products/page/{n}', perSecond: 5 }),
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('key-of-one-client-is-revoked', 'authorization', 'The contract of a partner ended: its key gets 401.', {
    setup: shop(pair, { flows: { ...usual, orders } }),
    begin: async (lab) =>
      lab.behave('shop', { rules: [{ client: '127.0.66.90', status: 401, body: '{"error":"revoked"}' }] }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  control('photos-in-a-new-format', 'contents', 'Browsers that accept it get photos in a smaller format.', {
    setup: shop(
      { ...pair, behaviour: { rules: [{ path: '/static/photo', type: 'image/jpeg', bytes: 9000 }] } },
      { flows: { ...usual, photos } },
    ),
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { path: '/static/photo', share: 0.85, type: 'image/avif', bytes: 6500 },
          { path: '/static/photo', type: 'image/jpeg', bytes: 9000 },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  control('nightly-export', 'export', 'The accounting fetches large exports, each of which takes eight seconds.', {
    setup: shop({ ...pair, behaviour: { rules: [{ path: '/download/export', bytes: 1_500_000, bodyMs: 8000 }] } }),
    begin: async (lab) =>
      lab.sendToo({
        exports: from('127.0.66.83', { method: 'GET', path: '/download/export', perSecond: 0.3, timeoutMs: 40_000 }),
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('release-with-many-websockets', 'release', 'A planned release: WebSockets and streams connect again.', {
    setup: shop(managed, { sockets: 12, events: 8 }),
    begin: (lab) => lab.release('shop', {}),
  }),
  control('preflights-of-a-new-page', 'growth', 'A page of another origin goes live: browsers ask by OPTIONS first.', {
    setup: shop({ ...pair, behaviour: { rules: [{ method: 'OPTIONS', status: 200, body: '', latencyMs: 1 }] } }),
    begin: async (lab) =>
      lab.sendToo({
        preflights: { method: 'OPTIONS', path: '/api/cart', perSecond: 8, clients: addresses.slice(0, 9) },
      }),
    end: async (lab) => lab.sendUsual(),
  }),
  control('partner-sends-broken-json', 'one_client', 'A partner tries its new program, which sends broken JSON: 400.', {
    setup: shop({
      ...pair,
      behaviour: { rules: [{ path: '/api/import', contains: '{{', status: 400, body: '{"error":"JSON"}' }] },
    }),
    begin: async (lab) =>
      lab.sendToo({
        broken: from('127.0.66.84', { method: 'POST', path: '/api/import', perSecond: 3, body: '{{"price":1}' }),
      }),
    end: async (lab) => lab.sendUsual(),
  }),
];
