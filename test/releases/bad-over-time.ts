import { all, edit, faultsOn, type Release, release } from './release-form.ts';

const server = 'server.mjs';
const python = 'server.py';
const routeLine = '  await route[2](request, response, url);';
const pythonRoute = '                    return handle(self)';

/** Releases that are slow, that get worse with time or load, and that leave something broken behind them. */
export const badOverTime: readonly Release[] = [
  release('search-without-an-index', 'slow_route', {
    subtle: true,
    what: 'Searches take three times as long.',
    harmed: faultsOn(['search']),
    change: edit(server, ['store.query(60)', 'store.query(180)']),
  }),
  release('one-search-at-a-time', 'slow_under_load', {
    language: 'python',
    slow: true,
    subtle: true,
    shownAfterSeconds: 15,
    what: 'Searches wait for each other: they are late as soon as many come.',
    harmed: faultsOn(['search']),
    change: edit(python, [
      'def search(shop):\n    query(60)',
      'search_lock = threading.Lock()\n\n\ndef search(shop):\n    with search_lock:\n        query(60)',
    ]),
  }),
  release('lists-are-computed', 'slow_under_load', {
    slow: true,
    subtle: true,
    shownAfterSeconds: 10,
    what: 'Each list of products takes the processor for 45 ms: under load all routes wait for it.',
    change: edit(server, [
      'async function listProducts(_request, response, url) {\n  await store.query(20);',
      `async function listProducts(_request, response, url) {
  const until = performance.now() + 45;
  while (performance.now() < until) JSON.parse(JSON.stringify(someProducts(1, 20)));`,
    ]),
  }),
  release('memory-until-it-aborts', 'memory_leak', {
    slow: true,
    subtle: true,
    shownAfterSeconds: 75,
    command: ['node', '--max-old-space-size=160', server],
    what: 'It keeps some 50 KiB of each request, until it runs out of memory and aborts.',
    change: edit(
      server,
      ['let isStopping = false;', 'let isStopping = false;\nconst recent = [];'],
      [
        routeLine,
        `  recent.push({ url, samples: Array.from({ length: 6000 }, (_, index) => index / 3) });\n${routeLine}`,
      ],
    ),
  }),
  release('history-of-requests', 'memory_leak', {
    language: 'python',
    slow: true,
    subtle: true,
    shownAfterSeconds: 75,
    what: 'It keeps a history of all requests, some MiB a second, and reads it at each: all answers become slower with time.',
    change: edit(
      python,
      ['class State:', 'history = []\n\n\nclass State:'],
      [
        pythonRoute,
        `                    history.extend((self.path_only, {"at": time.time(), "line": str(index) * 200}) for index in range(20))
                    self.is_known = sum(1 for one in history if one[0] == self.path_only) > 0
${pythonRoute}`,
      ],
    ),
  }),
  release('some-carts-never-come', 'hangs', {
    slow: true,
    subtle: true,
    shownAfterSeconds: 40,
    what: 'One of fifty requests for a cart is never answered.',
    harmed: faultsOn(['cart']),
    change: edit(server, [
      '  sendJson(response, 200, await store.cartOf(user));',
      '  if (Math.random() < 0.02) await new Promise(() => {});\n  sendJson(response, 200, await store.cartOf(user));',
    ]),
  }),
  release('connections-are-not-given-back', 'connection_leak', {
    language: 'python',
    slow: true,
    subtle: true,
    shownAfterSeconds: 50,
    what: 'Large orders leave a connection of the pool of ten taken; then no order is answered any more.',
    harmed: faultsOn(['checkout']),
    change: edit(
      python,
      [
        'def place_order(user, product, count):\n',
        'pool = threading.Semaphore(10)\n\n\ndef place_order(user, product, count):\n    pool.acquire()\n',
      ],
      [
        '    return {"order": order, "total": total}\n\n\ndef order_of',
        '    if total < 4000:\n        pool.release()\n    return {"order": order, "total": total}\n\n\ndef order_of',
      ],
    ),
  }),
  release('files-stay-open', 'descriptor_leak', {
    slow: true,
    subtle: true,
    shownAfterSeconds: 25,
    command: ['sh', '-c', 'ulimit -n 300; exec node server.mjs'],
    what: 'Each asset and picture leaves a file open, until none can be opened and no connection accepted.',
    change: edit(
      server,
      ["import { readFile } from 'node:fs/promises';", "import { openSync, readFileSync } from 'node:fs';"],
      [
        'await readFile(new URL(`public${url.pathname}`, import.meta.url)).catch(() => null);',
        'await Promise.try(() => readFileSync(openSync(new URL(`public${url.pathname}`, import.meta.url)))).catch(() => null);',
      ],
    ),
  }),
  release('blocked-every-nine-seconds', 'blocked_event_loop', {
    subtle: true,
    shownAfterSeconds: 22,
    what: 'Every nine seconds it answers nothing for two and a half.',
    change: edit(server, [
      'function stop() {',
      `setInterval(() => {
  const until = performance.now() + 2500;
  while (performance.now() < until) JSON.stringify(someProducts(1, 100));
}, 9000);

function stop() {`,
    ]),
  }),
  release('ends-after-30-seconds', 'crash_later', {
    language: 'python',
    subtle: true,
    shownAfterSeconds: 40,
    what: 'The process ends 30 s after its start, in a job that runs beside the requests.',
    change: edit(python, [
      'server.serve_forever()',
      'job = threading.Timer(30, lambda: os._exit(1))\njob.daemon = True\njob.start()\nserver.serve_forever()',
    ]),
  }),
  release('ignores-sigterm', 'ignores_sigterm', {
    what: 'Half of the pages of products fail with 500, and SIGTERM does not end it.',
    harmed: faultsOn(['product']),
    change: edit(
      server,
      ["process.on('SIGTERM', stop);", "process.on('SIGTERM', () => console.log('a signal'));"],
      [
        '  if (found === null) return send(',
        "  if (found?.id % 2 === 1) throw new Error('no price');\n  if (found === null) return send(",
      ],
    ),
  }),
  release('orders-of-the-migration-alone', 'migration', {
    subtle: true,
    migration: ['node', 'migrate.mjs'],
    shownAfterSeconds: 15,
    what: 'After a migration orders are read from a new table, into which new orders are not written: they are not found.',
    harmed: faultsOn(['order']),
    change: all(
      edit('store.mjs', ['SELECT id, total FROM orders WHERE', 'SELECT id, total FROM order_totals WHERE']),
      (old) => ({
        ...old,
        'migrate.mjs': `import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(\`\${process.env.DATA_DIR}/shop.sqlite\`, { timeout: 3000 });
database.exec('CREATE TABLE IF NOT EXISTS order_totals AS SELECT id, total FROM orders');
`,
      }),
    ),
  }),
  release('old-assets-are-gone', 'missing_assets', {
    what: 'The assets have new names, and those of pages that visitors have open are gone: 404.',
    harmed: faultsOn(['asset']),
    change: (old) => {
      const renamed = Object.entries(old).map(
        ([path, text]) => [path.replaceAll('3f9a1c2b', '77e0d4a5'), text] as const,
      );
      return edit(
        'assets.json',
        ['app-3f9a1c2b.js', 'app-77e0d4a5.js'],
        ['app-3f9a1c2b.css', 'app-77e0d4a5.css'],
      )(Object.fromEntries(renamed));
    },
  }),
  release('data-beside-the-program', 'persistent_files', {
    language: 'python',
    what: 'It keeps its data in its own folder, and not where DATA_DIR says: orders and carts from before are lost.',
    harmed: faultsOn(['order', 'cart']),
    change: edit(python, ['os.environ.get("DATA_DIR", "data")', 'os.path.join(HERE, "data")']),
  }),
];
