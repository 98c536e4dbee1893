import { edit, faultsOn, isFaulty, type Release, release } from './release-form.ts';

const server = 'server.mjs';
const python = 'server.py';
const routeLine = '  await route[2](request, response, url);';

/** Releases that answer wrongly, or end. */
export const badAnswers: readonly Release[] = [
  release('ends-at-the-first-request', 'crash_at_first_request', {
    what: 'The first request that is not a health check ends the process.',
    change: edit(server, [
      routeLine,
      `  if (route[2] !== health) setImmediate(() => request.session.user);\n${routeLine}`,
    ]),
  }),
  release('ends-after-200-requests', 'crash_later', {
    what: 'The process ends after some 200 requests, whenever it is started again.',
    change: edit(
      server,
      ['let isStopping = false;', 'let isStopping = false;\nlet count = 0;'],
      [
        routeLine,
        `  if (route[2] !== health && ++count > 200) process.nextTick(() => metrics.flush(count));\n${routeLine}`,
      ],
    ),
  }),
  release('some-searches-fail', 'errors_on_route', {
    slow: true,
    subtle: true,
    shownAfterSeconds: 80,
    what: 'One of a hundred searches fails with 500.',
    harmed: faultsOn(['search']),
    change: edit(server, [
      '  const text = (url',
      "  if (Math.random() < 0.01) throw new Error('shard 7 is not known');\n  const text = (url",
    ]),
  }),
  release('one-of-twenty-fails', 'errors_overall', {
    language: 'python',
    what: 'One of twenty requests fails with 500, on all routes but the health path.',
    change: edit(python, [
      '                    return handle(self)',
      `                    if handle is not health and random.random() < 0.05:
                        raise RuntimeError("no connection to the cache")
                    return handle(self)`,
    ]),
  }),
  release('accounts-without-address-fail', 'errors_on_route', {
    subtle: true,
    shownAfterSeconds: 15,
    what: 'Three of ten visitors get 500 for the page of their account, which few ask for.',
    harmed: faultsOn(['account']),
    change: edit(server, [
      '  await store.query(30);',
      "  await store.query(30);\n  const address = Number(user.slice(1)) % 10 < 3 ? null : { city: 'Bern' };\n  response.setHeader('x-city', address.city);",
    ]),
  }),
  release('no-body-is-read', 'post_fails', {
    what: 'Every POST fails with 400 or 500: visitors can neither log in nor fill a cart nor order.',
    harmed: faultsOn(['login', 'add', 'checkout', 'cart', 'account']),
    change: edit(server, ['for await (const part of request)', 'for await (const part of request.body)']),
  }),
  release('receipts-in-a-read-only-tree', 'read_only_tree', {
    language: 'python',
    what: 'Every order fails with 500, since its receipt cannot be written.',
    harmed: faultsOn(['checkout']),
    change: edit(python, [
      '    total = product["price"] * count\n',
      `    total = product["price"] * count
    with open(f"/sys/shop-{order}.txt", "w", encoding="utf-8") as file:
        file.write(f"{user} {total}")
`,
    ]),
  }),
  release('length-in-characters', 'garbage', {
    what: 'Content-Length counts characters: pages with an umlaut are cut, and the next response on the connection is garbage.',
    change: edit(server, ["'content-length': bytes.length", "'content-length': body.length"]),
  }),
  release('bad-chunks', 'garbage', {
    what: 'Searches are sent in chunks whose sizes are wrong.',
    change: edit(server, [
      '  send(response, 200, html, searchPage(text, someProducts(text.length, 15)));',
      `  const page = searchPage(text, someProducts(text.length, 15));
  const head = \`HTTP/1.1 200 OK\\r\\ncontent-type: \${html}\\r\\nx-test-version: \${version}\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n\`;
  response.socket.end(\`\${head}\${page.length}\\r\\n\${page}\\r\\n0\\r\\n\\r\\n\`);`,
    ]),
  }),
  release('logins-are-reset', 'resets', {
    what: 'The connection of every login is reset.',
    change: edit(server, [
      '  await store.query(50);',
      '  await store.query(50);\n  if (user !== null) return request.socket.resetAndDestroy();',
    ]),
  }),
  release('empty-product-pages', 'empty_page', {
    what: 'Pages of products are empty, with status 200.',
    harmed: faultsOn(['product']),
    change: edit('pages.mjs', ['</body></html>\n`;', '</body></html>\n`.repeat(/in stock/.test(body) ? 0 : 1);']),
  }),
  release('lists-of-another-shape', 'json_shape', {
    language: 'python',
    what: 'Lists of products have another shape, which the page of the old release cannot read.',
    harmed: faultsOn(['list']),
    change: edit(python, [
      '"products": some_products(number * 20, 20)}',
      '"data": {"items": some_products(number * 20, 20)}}',
    ]),
  }),
  release('login-page-for-all', 'login_for_all', {
    what: 'Every page is the page for logging in, with status 200.',
    change: edit(
      server,
      ['(?:^|; )session=', '(?:^|; )sid='],
      [
        routeLine,
        `  const isOpen = /^\\/(?:login|healthz|events|assets|images|api)/.test(url.pathname);
  if (!isOpen && userOf(request) === null) return showLogin(request, response);
${routeLine}`,
      ],
    ),
  }),
  release('orders-are-not-found', 'lost_route', {
    language: 'python',
    what: 'Orders are answered with 404: the path takes digits alone.',
    harmed: faultsOn(['order']),
    change: edit(python, ['r"/api/orders/[\\w-]+"', 'r"/api/orders/\\d+"']),
  }),
  release('home-redirects-in-a-circle', 'redirect_loop', {
    what: 'The home page redirects to /en/, which redirects to the home page.',
    harmed: (answer) => isFaulty(answer) && answer.path === '/',
    change: edit(
      server,
      [
        '  await store.query(5);\n  send(response, 200, html, homePage(someProducts(0, 24)));',
        "  send(response, 302, html, '', { location: _request.url === '/' ? '/en/' : '/' });",
      ],
      ["['GET', /^\\/$/, home]", "['GET', /^\\/(?:en\\/)?$/, home]"],
    ),
  }),
];
