import { oldRelease } from './base-application.ts';
import { all, edit, faultsExcept, faultsOn, type Release, release } from './release-form.ts';

const server = 'server.mjs';
const python = 'server.py';
const versionLine = "  response.setHeader('x-test-version', version);";
const listen = 'server.listen(port, host,';

/** Releases that look suspicious, and that visitors do not suffer from: a deployment must end with them. */
const forms: readonly Release[] = [
  release('starts-in-eight-seconds', 'slower_start', {
    what: 'It listens only eight seconds after its start.',
    change: edit(server, [
      listen,
      "await import('node:timers/promises').then(({ setTimeout }) => setTimeout(8000));\nserver.listen(port, host,",
    ]),
  }),
  release('cold-caches', 'cold_caches', {
    language: 'python',
    what: 'Pages of products take three times as long for the first 20 s, until its caches are filled.',
    harmed: faultsExcept(faultsOn(['product'], 'late')),
    change: edit(python, [
      'def product(shop):\n    query(15)',
      'STARTED_AT = time.monotonic()\n\n\ndef product(shop):\n    query(15 if time.monotonic() > STARTED_AT + 20 else 50)',
    ]),
  }),
  release('search-a-little-slower', 'a_little_slower', {
    what: 'Searches take 20 % longer.',
    change: edit(server, ['store.query(60)', 'store.query(72)']),
  }),
  release('longer-product-pages', 'response_size', {
    what: 'Pages of products are three times as long.',
    change: edit('pages.mjs', ['paragraph.repeat(20)', 'paragraph.repeat(70)']),
  }),
  release('wishlist-and-no-newsletter', 'other_routes', {
    migration: ['node', 'migrate.mjs'],
    what: 'It has a new route with a new table, and lacks a route that no client asks for.',
    change: all(
      edit(
        server,
        ["  ['GET', /^\\/newsletter$/, newsletter],", "  ['GET', /^\\/api\\/wishlist$/, wishlist],"],
        [
          "async function newsletter(_request, response) {\n  send(response, 200, html, '<h1>Newsletter of 2019</h1>');",
          'async function wishlist(_request, response) {\n  sendJson(response, 200, { wishes: [] });',
        ],
      ),
      (old) => ({
        ...old,
        'migrate.mjs': `import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(\`\${process.env.DATA_DIR}/shop.sqlite\`, { timeout: 3000 });
database.exec('CREATE TABLE IF NOT EXISTS wishes (user TEXT, product INTEGER)');
`,
      }),
    ),
  }),
  release('security-headers', 'other_headers', {
    what: 'All answers have headers more, and other values of some.',
    change: edit(
      server,
      [
        versionLine,
        `${versionLine}
  response.setHeader('server', 'shop/2');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('strict-transport-security', 'max-age=31536000');
  response.setHeader('content-security-policy', "default-src 'self'; img-src 'self' data:");
  response.setHeader('vary', 'accept-encoding, cookie');`,
      ],
      ["'max-age=3600'", "'public, max-age=600'"],
    ),
  }),
  release('other-markup', 'changed_html', {
    language: 'python',
    what: 'The pages have another structure, other classes and other words around what they say.',
    change: edit(
      python,
      ['<body><nav><a href="/">Shop</a>', '<body class="v2"><header><a href="/">The shop of kitchens</a>'],
      ['<a href="/account">Account</a></nav>', '<a href="/account">Your account</a></header><main>'],
      ['{body}\n</body></html>', '{body}\n</main><footer>Imprint</footer></body></html>'],
      ['<li><a href=', '<li class="item"><a href='],
      ['<p class="price">', '<p class="price large" data-currency="EUR">'],
    ),
  }),
  release('index-in-memory', 'more_memory', {
    what: 'It needs 150 MiB more from its start on, for an index.',
    change: edit('store.mjs', [
      'export const productCount',
      'export const index = Buffer.alloc(150 * 1024 * 1024, 7);\nexport const productCount',
    ]),
  }),
  release('talkative-log', 'other_log', {
    environment: { LOG_LEVEL: 'debug' },
    what: 'It writes some lines for each request to stderr, in JSON, with words such as "error" in them.',
    change: edit(server, [
      versionLine,
      `${versionLine}
  console.error(JSON.stringify({ level: 'info', at: Date.now(), method: request.method, url: request.url }));
  if (process.env.LOG_LEVEL === 'debug') {
    console.error(JSON.stringify({ level: 'warn', message: 'deprecated: ErrorHandler v1 is in use', errors: 0 }));
    console.error(JSON.stringify({ level: 'debug', message: 'no error: exception filter passed', fatal: false }));
  }`,
    ]),
  }),
  release('client-with-broken-requests', 'broken_client', {
    language: 'python',
    meanwhile: { kind: 'extra_client', client: 'broken' },
    what: 'One client sends broken requests, which both releases answer with 400 and 500. The release changes a sentence.',
    change: edit(python, ['<h1>Welcome</h1>', '<h1>Welcome, dear cooks</h1>']),
  }),
  release('stock-service-fails', 'dependency_fails', {
    meanwhile: { kind: 'stock_fails', afterSeconds: 5, forSeconds: 12 },
    what: 'The stock service fails during the deployment: both releases answer 503 for products. The release changes a sentence.',
    harmed: faultsExcept(faultsOn(['product', 'recommendations'])),
    change: edit('pages.mjs', ['<h1>Welcome</h1>', '<h1>Welcome, dear cooks</h1>']),
  }),
  release('twice-the-visitors', 'rate_doubles', {
    language: 'python',
    meanwhile: { kind: 'rate_doubles', afterSeconds: 5 },
    what: 'Twice as many requests come during the deployment. The release changes a sentence.',
    change: edit(python, ['<h1>Welcome</h1>', '<h1>Welcome, dear cooks</h1>']),
  }),
  release('client-that-retries', 'retrying_client', {
    meanwhile: { kind: 'extra_client', client: 'retrying' },
    what: 'One client asks for an order that does not exist, again and again. The release changes a sentence.',
    change: edit('pages.mjs', ['<h1>Welcome</h1>', '<h1>Welcome, dear cooks</h1>']),
  }),
  release('stock-service-is-slow', 'dependency_slow', {
    language: 'python',
    meanwhile: { kind: 'stock_is_slow', afterSeconds: 5, forSeconds: 10 },
    what: 'The stock service is slow for ten seconds of the deployment, for both releases. The release changes a sentence.',
    harmed: faultsExcept(faultsOn(['product', 'recommendations'], 'late', 'timeout')),
    change: edit(python, ['<h1>Welcome</h1>', '<h1>Welcome, dear cooks</h1>']),
  }),
  release('other-etags', 'other_etags', {
    what: 'Files have other ETags, and pages have ones too.',
    change: edit(
      server,
      ['etag: `"${body.length}"`', 'etag: `W/"v2-${body.length.toString(36)}"`'],
      ["'content-length': bytes.length,", '\'content-length\': bytes.length, etag: `W/"${version}-${bytes.length}"`,'],
    ),
  }),
  release('compressed-pages', 'gzip', {
    what: 'Answers are compressed by gzip for clients that accept it.',
    change: edit(
      server,
      [
        "import { createServer } from 'node:http';",
        "import { createServer } from 'node:http';\nimport { gzipSync } from 'node:zlib';",
      ],
      [
        'function send(response, status, type, body, headers = {}) {\n  const bytes = Buffer.from(body);',
        `function send(response, status, type, body, more = {}) {
  const isZipped = body.length > 500 && /gzip/.test(response.req.headers['accept-encoding'] ?? '');
  const bytes = isZipped ? gzipSync(body, { level: 1 }) : Buffer.from(body);
  const headers = { vary: 'accept-encoding', ...(isZipped ? { 'content-encoding': 'gzip' } : {}), ...more };`,
      ],
    ),
  }),
  release('more-cookies', 'other_cookies', {
    language: 'python',
    what: 'The cookie of the session has other attributes, and every page sets a cookie more.',
    change: edit(
      python,
      ['Path=/; HttpOnly"', 'Path=/; HttpOnly; SameSite=Lax; Max-Age=86400"'],
      [
        '        for name, value in (headers or {}).items():',
        '        if kind == HTML:\n            self.send_header("set-cookie", f"visit={random.randrange(10**6)}; Path=/")\n        for name, value in (headers or {}).items():',
      ],
    ),
  }),
  release('see-other', 'redirect_status', {
    what: 'A login is answered with 303 in place of 302.',
    change: edit(server, [
      "send(response, 302, html, '', { location: '/', 'set",
      "send(response, 303, html, '', { location: '/', 'set",
    ]),
  }),
  release('no-kept-connections', 'keep_alive_off', {
    what: 'It closes the connection after each response, as it says in the response.',
    change: edit(server, [
      "  if (isStopping) response.setHeader('connection', 'close');",
      "  response.setHeader('connection', 'close');",
    ]),
  }),
  release('written-again-in-python', 'other_language', {
    command: ['python3', python],
    what: 'It is a Python program with the same answers, in place of one for Node.',
    change: () => oldRelease('python'),
  }),
];

export const goodReleases: readonly Release[] = forms.map((one) => ({ ...one, expected: 'promoted' }));
