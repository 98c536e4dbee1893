import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignWords } from './foreign-words.ts';
import { knownNames } from './hidden-keys.ts';
import { parsePathPrefix } from './format/path-prefix.ts';
import { parseConfiguration } from './parse.ts';
import { sampled } from '../testing/sweep.test-support.ts';

const context = { file: 'candor.yaml', directory: '/here', environment: {}, hostname: 'here' };

/** Where a key may be written, and a file that is good but for it. */
const places = {
  top: (key: string) => `${key}: 1\nroutes: [{ respond: { body: x } }]\n`,
  listener: (key: string) => `listeners: { web: { bind: ":80", ${key}: 1 } }\nroutes: [{ respond: { body: x } }]\n`,
  route: (key: string) => `routes: [{ to: web, ${key}: 1 }]\nupstreams: { web: { endpoints: "a:1" } }\n`,
  upstream: (key: string) => `routes: [{ to: web }]\nupstreams: { web: { endpoints: "a:1", ${key}: 1 } }\n`,
  application: (key: string) => `routes: [{ to: web }]\napplications: { web: { command: x, ${key}: 1 } }\n`,
} as const;

function suggestion(place: keyof typeof places, key: string): string {
  return suggestionIn(places[place](key), key);
}

function suggestionIn(text: string, key: string): string {
  const parsing = parseConfiguration(text, context);
  assert.ok(!parsing.ok, `${key} is accepted`);
  const error = parsing.errors.find(({ message }) => message.startsWith(`unknown key "${key}"`));
  assert.ok(error !== undefined, JSON.stringify(parsing.errors));
  return error.suggestion ?? '';
}

const everywhere = ['top', 'listener', 'route', 'upstream', 'application'] as const;

for (const [keys, says] of [
  [['fastcgi_param', 'fastcgi_params'], /^programs are told .* "variables" of "php"/],
  [['fastcgi_pass', 'php_fastcgi'], /^FastCGI is "protocol: fastcgi"/],
  [['limit_rate', 'bwlimit'], /^bandwidth is limited on a route/],
  [['waf', 'modsecurity'], /^a firewall for requests/],
  [['remote_ip', 'client_ip'], /^which clients may ask is "access"/],
  [['limit_req', 'limit_req_zone', 'throttle', 'rps'], /^requests of each client are limited by "rate_limits"/],
  [
    ['cache', 'proxy_cache', 'caching'],
    /^the gateway does not cache responses yet; how long browsers keep files is "cache" of "files"/,
  ],
  [['basic_auth', 'auth', 'auth_basic', 'htpasswd'], /^how clients say who they are is "authentication" of a route/],
  [['forward_auth', 'forwardAuth'], /^a service that decides is named under "upstreams".* forward: \{ upstream: /],
  [['uwsgi_pass'], /^uwsgi and SCGI are not spoken/],
  [['ip_hash', 'consistent_hash'], /^requests of one client go to one endpoint with "balance: /],
  [['gzip', 'encode', 'compression'], /^(?:did you mean "compress"|it is "compress: true")/],
  [
    ['proxy_intercept_errors', 'error_page', 'handle_errors', 'handle_response', 'errors', 'errorfile', 'http-error'],
    /^pages are "error_pages: .*"replace_errors: \[404, 5xx\]"/,
  ],
  [['upgrade', 'upgrades'], /^WebSockets need no key/],
  [['h2c', 'alpn'], /^HTTP\/2 is offered to clients unless a listener has "http2: false"/],
  [['http3', 'quic'], /^HTTP\/3 is not supported yet/],
  [['grpc', 'grpc_pass'], /^gRPC needs no key of its own/],
  [['middlewares', 'plugins', 'lua'], /^plugins and middleware are not supported yet/],
  [['x_accel', 'X-Accel-Redirect', 'x_sendfile', 'XSendFilePath'], /^files that an application names .* "send_files"/],
  [['sendfile'], /^"files" of a route has no key for how files are read; .* "send_files"/],
  [['file_server', 'try_files'], /^it is "files: \.\/public" of a route/],
  [['allow', 'deny', 'whitelist', 'ip_allow_list'], /^which clients may ask is "access"/],
  [['mirror'], /not supported yet/],
  [['weighted'], /^an entry of "endpoints" has them/],
  [['tcp', 'udp'], /^proxying of TCP and UDP is not supported yet/],
  [['metrics', 'prometheus'], /^metrics need no key/],
] as const)
  for (const key of sampled(keys, 5))
    test(`the key ${key} is explained wherever it stands`, () => {
      for (const place of everywhere) assert.match(suggestion(place, key), says, place);
    });

for (const [section, key, says] of [
  ['rewrite', 'regex', /\{capture\.1\} in "rewrite" and "redirect"$/],
  ['rewrite', 'replacement', /^the regular expression is "path" of the route/],
  ['rewrite', 'strip_prefix', /^a route with path: \/api removes it/],
  ['rewrite', 'replace_path', /^did you mean "path"\?$/],
  ['redirect', 'regex', /\{capture\.1\} in "rewrite" and "redirect"$/],
  ['redirect', 'permanent', /^did you mean "status"/],
  ['files', 'try_files', /^write extensions: \.html .* fallback: \/index\.html/],
  ['files', 'try', /^write extensions: \.html /],
  ['files', 'clean_urls', /^write extensions: \.html, so that about\.html is found at \/about$/],
  ['files', 'extension', /^write extensions: \.html/],
  ['redirect', 'file', /^did you mean "map"/],
] as const)
  test(`the key ${key} of "${section}" is explained`, () =>
    assert.match(suggestionIn(places.route('x').replace('x: 1', `${section}: { ${key}: 1 }`), key), says));

for (const [key, says] of [
  ['path_regex', /^a regular expression stands behind "~"/],
  ['return', /^a route answers with "redirect: \{ location: .* "respond: /],
  ['redir', /^a route answers with "redirect: /],
  ['map', /^redirects from a file are "redirect: \{ map: redirects\.txt \}"/],
  ['handle_path', /^a route with path: \/api removes it from the path with "rewrite: \{ path: \/ \}"/],
  ['stripPrefix', /^a route with path: \/api removes it/],
  ['addPrefix', /rewrite: \{ path: "\/prefix\{path\}" \}$/],
  ['replacePathRegex', /^it is "rewrite" of a route: path: "~ .*\{capture\.1\}"/],
  ['regex_rewrite', /^it is "rewrite" of a route: path: "~ /],
  ['redirectRegex', /^it is "redirect" of a route whose "path" is a regular expression/],
  ['http-request', /^"replace-path" and "set-path" are "rewrite: /],
  ['set-path', /^it is "rewrite" of a route/],
  ['uri', /^did you mean "path" or "rewrite\.path"/],
  ['proxy_redirect', /^did you mean "response_urls"/],
  ['proxy_cookie_path', /^did you mean "response_cookies"/],
  ['absolute_redirect', /^a location is sent as "redirect" has it/],
  ['entrypoints', /^a route is for all listeners, or/],
  ['client', /^there are no limits for the clients of a single route yet: "client" at the outermost level/],
  ['autoindex', /^it is "files: \.\/public" of a route/],
  ['try_files', /^it is "files: .* extensions: \.html/],
  ['try', /^it is "files: .* extensions: \.html/],
  ['clean_urls', /^it is a key of "files": .* extensions: \.html/],
  ['extensions', /^it is a key of "files": .* extensions: \.html/],
  ['hsts', /^it belongs into "tls" of a listener/],
] as const)
  test(`the key ${key} of a route is explained`, () => {
    const parsing = parseConfiguration(places.route(key), context);
    assert.ok(!parsing.ok);
    assert.match(
      parsing.errors.find(({ message }) => message.startsWith(`unknown key "${key}"`))?.suggestion ?? '',
      says,
    );
  });

test('what is suggested in place of a word of another gateway is a key there, and a path that is suggested is accepted', () => {
  for (const place of everywhere)
    for (const word of sampled(Object.values(foreignWords).flat(), 16, everywhere.indexOf(place))) {
      const parsing = parseConfiguration(places[place](word), context);
      const said = parsing.ok ? null : parsing.errors.find(({ message }) => message === `unknown key "${word}"`);
      const [, names = ''] = /^did you mean ((?:"[\w.]+"(?:, | or )?)+)\?$/.exec(said?.suggestion ?? '') ?? [];
      for (const [, name = ''] of names.matchAll(/"(\w+)/g)) {
        const again = parseConfiguration(places[place](name), context);
        const errors = again.ok ? [] : again.errors.map(({ message }) => message);
        assert.ok(
          !errors.some((one) => one.startsWith(`unknown key "${name}"`)),
          `${place}.${word}: ${said?.suggestion}`,
        );
      }
    }
  for (const path of [
    '*.php',
    '/*.php',
    '= /login',
    '=/a',
    '^~ /b/',
    '@c',
    'd',
    'a b',
    '= a',
    '/e/*/f',
    'x*',
    '//g',
    '../h',
    '/i?j',
    '= /k*',
  ]) {
    const parsed = parsePathPrefix(path);
    const [, written] = parsed.ok ? [] : (/^write "([^"]+)"/.exec(parsed.failure.suggestion ?? '') ?? []);
    assert.ok(!parsed.ok, path);
    if (written !== undefined) assert.ok(parsePathPrefix(written).ok, `${path} → ${written}`);
  }
});

for (const key of ['sticky_session', 'session_affinity', 'cookie'])
  test(`the key ${key} is "sticky" of an upstream or application`, () => {
    assert.match(suggestion('route', key), /^it is "sticky" of an upstream or application/);
    for (const place of ['upstream', 'application'] as const)
      assert.equal(suggestion(place, key), 'did you mean "sticky"?');
  });

for (const key of ['slowstart', 'slow_start_window'])
  test(`the key ${key} is "slow_start" of an upstream or application`, () => {
    assert.match(suggestion('route', key), /^it is "slow_start" of an upstream or application/);
    for (const place of ['upstream', 'application'] as const)
      assert.equal(suggestion(place, key), 'did you mean "slow_start"?');
  });

for (const key of ['lb_policy', 'load_balancing', 'leastconn'])
  test(`the key ${key} is "balance" of an upstream or application`, () => {
    for (const place of ['top', 'listener', 'route'] as const)
      assert.match(suggestion(place, key), /^it is "balance" of an upstream or application: two_choices, /, place);
    for (const place of ['upstream', 'application'] as const)
      assert.equal(suggestion(place, key), 'did you mean "balance"?');
  });

for (const key of ['tls', 'ssl', 'https', 'certificate', 'acme'])
  test(`the key ${key} is TLS for clients, or of an upstream where it stands in one`, () => {
    for (const place of ['top', 'route', 'application'] as const)
      assert.match(suggestion(place, key), /^TLS for clients is "tls" of a listener.*"tls" of an upstream$/, place);
    if (key === 'tls') return;
    for (const place of ['listener', 'upstream'] as const) assert.equal(suggestion(place, key), 'did you mean "tls"?');
  });

test('a word that is one of ours in this place leads to ours all the same', () => {
  assert.equal(suggestion('application', 'root'), 'did you mean "directory"?');
  assert.equal(suggestion('route', 'upstream'), 'did you mean "to"?');
  assert.equal(suggestion('route', 'name'), 'did you mean "id"?');
  assert.equal(suggestion('top', 'backends'), 'did you mean "upstreams"?');
  assert.equal(suggestion('upstream', 'tsl'), 'did you mean "tls"?');
});

for (const place of ['top', 'application'] as const)
  test(`what starts the gateway decides its user: ${place}`, () => {
    for (const key of [place === 'top' ? 'user' : 'chroot', 'daemon', 'pidfile'])
      assert.match(suggestion(place, key), /^it is for what starts Candor/);
  });

const web = 'routes: [{ to: web }]\nupstreams: { web: { endpoints: "a:1"';
const respond = 'routes: [{ respond: { body: x } }]\n';
/** One key in a section of another, where the word means something else than at the top of the file. */
const nested: readonly (readonly [section: string, key: string, text: string])[] = [
  ['log', 'stream', `${respond}log: { stream: stdout }\n`],
  ['log', 'encoding', `${respond}log: { encoding: json }\n`],
  ['log', 'compression', `${respond}log: { compression: gzip }\n`],
  ['log', 'filter', `${respond}log: { filter: errors }\n`],
  ['admin', 'auth', `${respond}admin: { auth: x }\n`],
  ['admin', 'ssl', `${respond}admin: { ssl: true }\n`],
  ['admin', 'user', `${respond}admin: { user: x }\n`],
  ['dns', 'cache', `${respond}dns: { cache: 60s }\n`],
  ['dns', 'provider', `${respond}dns: { provider: consul }\n`],
  ['drain', 'strategy', `${respond}drain: { strategy: wait }\n`],
  ['workers', 'strategy', `${respond}workers: { strategy: x }\n`],
  ['check of an upstream', 'auth', `${web}, check: { path: /, auth: x } } }\n`],
  ['tls of an upstream', 'ciphers', `${web}, tls: { ciphers: x } } }\n`],
  ['tls of an upstream', 'alpn', `${web}, tls: { alpn: x } } }\n`],
  ['connections of an upstream', 'strategy', `${web}, connections: { strategy: x } } }\n`],
  [
    'restart of an application',
    'strategy',
    'routes: [{ to: web }]\napplications: { web: { command: x, restart: { strategy: always } } }\n',
  ],
  ['respond of a route', 'encoding', 'routes: [{ respond: { body: x, encoding: utf-8 } }]\n'],
  ['rewrite of a route', 'split', 'routes: [{ to: "web", rewrite: { split: x } }]\nupstreams: { web: "a:1" }\n'],
];
for (const [section, key, text] of nested)
  test(`the key ${key} in ${section} is not taken for what it means elsewhere`, () => {
    assert.doesNotMatch(suggestionIn(text, key), /supported|nothing to choose|needs? no key|what starts Candor/);
  });

for (const [place, keys] of [
  ['application', ['strategy', 'encoding', 'stream']],
  ['route', ['user', 'pid']],
  ['upstream', ['user', 'index']],
  ['listener', ['weight', 'strategy', 'user']],
] as const)
  test(`words that mean something else in a section of kind ${place} are not explained there`, () => {
    for (const key of keys) assert.doesNotMatch(suggestion(place, key), /supported|nothing to choose|what starts/, key);
  });

test('limits and doors of clients are explained in client too', () => {
  for (const [key, says] of [
    ['rate_limit', /^requests of each client are limited/],
    ['auth', /^how clients say who they are/],
    ['allow', /^which clients may ask is "access"/],
    ['tls', /^TLS for clients/],
  ] as const)
    assert.match(suggestionIn(`${respond}client: { ${key}: 1 }\n`, key), says);
});

test('a key that belongs in a section which cannot stand here either is told where the section stands', () => {
  for (const place of everywhere)
    for (const word of sampled([...knownNames()], 4)) {
      const said = adviceOn(place, word) ?? '';
      const [, section = ''] = /^it belongs in "(\w+)"$/.exec(said) ?? [];
      if (section === '') continue;
      const again = adviceOn(place, section) ?? '';
      assert.doesNotMatch(
        again,
        /^it belongs (?:in "\w+"|at the outermost level, without indentation)$|^there are no limits/,
        `${place}.${word}: ${said}; ${section}: ${again}`,
      );
    }
});

function adviceOn(place: keyof typeof places, key: string): string | null {
  const parsing = parseConfiguration(places[place](key), context);
  if (parsing.ok) return null;
  return parsing.errors.find(({ message }) => message.startsWith(`unknown key "${key}"`))?.suggestion ?? null;
}

test('a limit of all clients is said to be none of a single part, where it is written in one', () => {
  for (const place of ['listener', 'route', 'upstream', 'application'] as const)
    for (const key of ['head_max', 'connections_per_address_max'])
      assert.match(
        adviceOn(place, key) ?? '',
        /^there is no such limit for a single part yet: "client: \{ /,
        `${place}.${key}`,
      );
  assert.match(adviceOn('route', 'client') ?? '', /^there are no limits for the clients of a single route yet/);
});
