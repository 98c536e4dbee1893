import { all, edit, type Files, type Release, release } from './release-form.ts';

const server = 'server.mjs';
const python = 'server.py';
const listen = 'server.listen(port, host, () => console.log(`shop ${version} listens on ${host}:${port}`));';

/** Releases that do not get as far as to answer visitors, or not well from the start. */
export const badStarts: readonly Release[] = [
  release('waits-for-a-database', 'missing_host', {
    expected: 'refused',
    what: 'It waits for a database that is not there before it listens: visitors would get no answer.',
    change: edit(
      server,
      [
        "import { createServer } from 'node:http';",
        "import { createServer } from 'node:http';\nimport { connect } from 'node:net';",
      ],
      [
        listen,
        `function waitForDatabase() {
  const socket = connect(5432, '127.0.53.1', () => server.listen(port, host));
  socket.on('error', (error) => {
    console.error(\`the database is not there yet: \${error.message}\`);
    setTimeout(waitForDatabase, 1000);
  });
}
waitForDatabase();`,
      ],
    ),
  }),
  release('lock-held-since-boot', 'never_answers', {
    language: 'python',
    expected: 'refused',
    what: 'It accepts connections and answers none, since a lock is never released.',
    change: edit(
      python,
      ['class State:', 'warm_up_lock = threading.Lock()\nwarm_up_lock.acquire()\n\n\nclass State:'],
      ['        self.is_answered = False\n', '        with warm_up_lock:\n            self.is_answered = False\n'],
    ),
  }),
  release('missing-variable', 'exits_at_boot', {
    expected: 'refused',
    what: 'It ends at its start, since a variable is not set.',
    change: edit('config.mjs', [
      'export const stockUrl',
      "if (!process.env.PAYMENT_KEY) throw new Error('PAYMENT_KEY is not set');\nexport const stockUrl",
    ]),
  }),
  release('syntax-error', 'exits_at_boot', {
    language: 'python',
    expected: 'refused',
    what: 'It ends at its start: a line is not valid Python.',
    change: edit(python, ['def recommend(shop):', 'def recommend(shop)']),
  }),
  release('script-not-executable', 'exits_at_boot', {
    expected: 'refused',
    command: ['./start.sh'],
    what: 'Its start script is not executable: no process starts.',
    change: (old: Files) => ({ ...old, 'start.sh': '#!/bin/sh\nexec node server.mjs\n' }),
  }),
  release('fixed-port', 'wrong_address', {
    expected: 'refused',
    what: 'It listens on a port of its own, and not on PORT.',
    change: edit('config.mjs', ['Number(process.env.PORT ?? 3000)', '18480']),
  }),
  release('only-ipv6', 'wrong_address', {
    language: 'python',
    expected: 'refused',
    what: 'It listens on ::1 alone.',
    change: edit(
      python,
      ['os.environ.get("HOST", "127.0.0.1")', '"::1"'],
      ['    daemon_threads = True', '    daemon_threads = True\n    address_family = __import__("socket").AF_INET6'],
    ),
  }),
  release('health-reads-a-missing-table', 'health_path', {
    language: 'python',
    expected: 'refused',
    what: 'The health path answers 500; so do the lists of products, which read the same table.',
    change: edit(
      python,
      [
        '    shop.send(200, "text/plain", "ok\\n")',
        '    execute("SELECT 1 FROM replica")\n    shop.send(200, "text/plain", "ok\\n")',
      ],
      ['    number = int(shop.parameter("page", "1"))', '    execute("SELECT 1 FROM replica")\n    number = 1'],
    ),
  }),
  release('redirects-to-https', 'health_path', {
    expected: 'refused',
    what: 'Every path, the health path too, redirects to https, also where the gateway has done that already.',
    change: edit(server, [
      '  const route = routes.find(',
      `  if (request.headers['x-forwarded-scheme'] !== 'https')
    return send(response, 301, html, '', { location: \`https://\${request.headers.host}\${request.url}\` });
  const route = routes.find(`,
    ]),
  }),
  release('migration-ends-with-an-error', 'migration', {
    expected: 'refused',
    migration: ['node', 'migrate.mjs'],
    what: 'The migration fails, and the orders of visitors cannot be read without it.',
    change: all(
      edit('store.mjs', [
        "'SELECT id, total FROM orders WHERE id = ?'",
        "'SELECT id, total, currency FROM orders WHERE id = ?'",
      ]),
      (old) => ({
        ...old,
        'migrate.mjs': `import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(\`\${process.env.DATA_DIR}/shop.sqlite\`, { timeout: 3000 });
database.exec("ALTER TABLE purchases ADD COLUMN currency TEXT DEFAULT 'EUR'");
`,
      }),
    ),
  }),
  release('ready-too-early', 'starts_slowly', {
    language: 'python',
    expected: 'either',
    what: 'It needs 20 s to load its catalogue. The health path answers at once; everything else answers 503 meanwhile.',
    change: edit(
      python,
      ['class State:', 'STARTED_AT = time.monotonic()\n\n\nclass State:'],
      [
        '            for method, path, handle in ROUTES:',
        `            if self.path_only != "/healthz" and time.monotonic() < STARTED_AT + 20:
                raise Failure(503, "the catalogue is being loaded")
            for method, path, handle in ROUTES:`,
      ],
    ),
  }),
];
