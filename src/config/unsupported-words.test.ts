import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfiguration } from './parse.ts';

const context = { file: 'candor.yaml', directory: '/here', environment: {}, hostname: 'here' };

/** Where a key may be written, and a file that is good but for it. */
const places = {
  top: (key: string) => `${key}: 1\nroutes: [{ respond: { content: x } }]\n`,
  listener: (key: string) => `listeners: { web: { bind: ":80", ${key}: 1 } }\nroutes: [{ respond: { content: x } }]\n`,
  route: (key: string) => `routes: [{ to: web, ${key}: 1 }]\nupstreams: { web: { endpoints: "a:1" } }\n`,
  upstream: (key: string) => `routes: [{ to: web }]\nupstreams: { web: { endpoints: "a:1", ${key}: 1 } }\n`,
  application: (key: string) => `routes: [{ to: web }]\napplications: { web: { command: x, ${key}: 1 } }\n`,
} as const;

function suggestion(place: keyof typeof places, key: string): string {
  const parsing = parseConfiguration(places[place](key), context);
  assert.ok(!parsing.ok, `${key} is accepted`);
  const complaint = parsing.complaints.find(({ message }) => message === `unknown key "${key}"`);
  assert.ok(complaint !== undefined, JSON.stringify(parsing.complaints));
  return complaint.suggestion ?? '';
}

const everywhere = ['top', 'listener', 'route', 'upstream', 'application'] as const;

for (const [keys, says] of [
  [['rate_limit', 'limit_req', 'throttle', 'rateLimit'], /^limits of request rates are not supported yet/],
  [['cache', 'proxy_cache', 'caching'], /^caching is not supported yet/],
  [
    ['basic_auth', 'auth', 'auth_basic', 'forward_auth', 'jwt', 'forwardAuth'],
    /^authentication of clients is not supp/,
  ],
  [['sticky', 'session_affinity', 'ip_hash', 'cookie'], /^sticky sessions are not supported yet/],
  [['balance', 'lb_policy', 'load_balancing', 'leastconn'], /^there is nothing to choose/],
  [['gzip', 'encode', 'compression'], /^compression is not supported yet/],
  [['websocket', 'upgrade'], /^WebSockets need no key/],
  [['http2', 'h2c', 'grpc', 'quic'], /^HTTP\/2 and HTTP\/3 are not supported yet/],
  [['middlewares', 'plugins', 'lua'], /^plugins and middleware are not supported yet/],
  [['file_server', 'try_files'], /^serving files is not supported yet/],
  [['allow', 'deny', 'whitelist', 'ip_allow_list'], /^access by client address is not supported yet/],
  [['mirror', 'canary', 'weighted'], /not supported yet/],
  [['user', 'daemon'], /^it is for what starts Candor/],
  [['metrics', 'prometheus'], /^metrics need no key/],
] as const)
  for (const key of keys)
    test(`the key ${key} is explained wherever it stands`, () => {
      for (const place of everywhere) assert.match(suggestion(place, key), says, place);
    });

for (const key of ['tls', 'ssl', 'https', 'certificate', 'acme'])
  test(`the key ${key} is TLS for clients, or of an upstream where it stands in one`, () => {
    for (const place of ['top', 'listener', 'route', 'application'] as const)
      assert.match(suggestion(place, key), /^TLS for clients is not supported yet: .*"tls" of an upstream$/, place);
    if (key !== 'tls') assert.equal(suggestion('upstream', key), 'did you mean "tls"?');
  });

test('a word that is one of ours in this place leads to ours all the same', () => {
  assert.equal(suggestion('application', 'root'), 'did you mean "directory"?');
  assert.equal(suggestion('route', 'upstream'), 'did you mean "to"?');
  assert.equal(suggestion('top', 'backends'), 'did you mean "upstreams"?');
  assert.equal(suggestion('upstream', 'tsl'), 'did you mean "tls"?');
});
