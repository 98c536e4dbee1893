import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { type ConfigurationError, renderConfigurationErrors } from '../config/configuration-errors.ts';
import { hiddenKeys, type HiddenKey } from '../config/hidden-keys.ts';
import { type Parsing, parseConfiguration } from '../config/parse.ts';
import { loadPatterns } from '../core/pattern.ts';
import type { Hiding } from '../schema/schema-parts.ts';
import { effectiveConfiguration } from './effective-configuration.ts';
import { sampled } from '../testing/sweep.test-support.ts';

// A canary in every key that the schema marks, as its author may write it and may get it wrong. Whatever is made of the text
// must not have it: messages, the text that is kept and shown, and the effective configuration.

const canary = 'Kn4rvz8Q2hunter';
/** Also where a sentence would cut it. */
const pieces = [canary, canary.slice(0, 9), canary.slice(6)];

/** What else a value must be like at these places. */
const forms: Readonly<Partial<Record<string, string>>> = {
  'listeners.*.tls.auto.directory': `https://ca.example/dir?key=${canary}`,
  'listeners.*.tls.auto.fallback': `https://ca.example/dir?key=${canary}`,
  'listeners.*.tls.auto.on_demand.ask': `http://127.0.0.1:3000/ask?key=${canary}`,
  'dependencies.*': `http://127.0.0.1:3000/${canary}`,
  'otlp.endpoint': `http://127.0.0.1:4318/${canary}`,
};

const ofHiding: Readonly<Record<Exclude<Hiding, 'file'>, unknown>> = {
  value: canary,
  header: { 'X-Origin': canary },
  name: { 'api.key': canary },
  path: `http://127.0.0.1:3000/${canary}`,
  query: `/up?key=${canary}`,
  command: ['/bin/true', '--token', canary, `--password=${canary}`, `-u`, `me:${canary}`],
  hash: canary,
  secret_name: { DATABASE_URL: `${canary}/+=` },
};

/** Files are read elsewhere: a mark on one says that its content is hidden, and its path is shown. */
const marked = hiddenKeys().filter(({ hiding }) => hiding !== 'file');

/** What a section needs besides, so that it is accepted. */
const beside: Readonly<Partial<Record<string, object>>> = {
  'listeners.*': { bind: '127.0.0.1:443' },
  'listeners.*.tls.auto': { hosts: 'a.example.org' },
  'upstreams.*': { endpoints: '127.0.0.1:3000' },
  'upstreams.*.check': { path: '/up' },
  'applications.*': { command: 'node a.js' },
  'applications.*.workers.*': { command: 'node w.js' },
  'applications.*.jobs.*': { command: 'node a.js' },
  'routes.*': { to: 'app' },
  'authentication.oidc': { issuer: 'https://login.example', upstream: 'app', client_id: 'shop' },
  'routes.*.authentication.oidc': { issuer: 'https://login.example', upstream: 'app', client_id: 'shop' },
  'routes.*.php': { root: '/srv/www' },
  admin: { listen: '127.0.0.1:9901' },
  'alerts.targets.*.webhook': { url: 'https://a.example/x' },
  'alerts.targets.*.pagerduty': { routing_key: 'x' },
  'alerts.targets.*.smtp': { server: 'a:25', from: 'a@a.example', to: 'b@a.example', username: 'a' },
  otlp: { endpoint: 'http://127.0.0.1:4318' },
};

function valueOf({ path, hiding }: HiddenKey): unknown {
  if (/\.(?:environment|variables)$/.test(path)) return { DATABASE: canary, PLAIN: canary };
  if (path.endsWith('.url')) return `https://hooks.example/${canary}`;
  return forms[path] ?? ofHiding[hiding as Exclude<Hiding, 'file'>];
}

/** The tree with `value` at `path`, `*` being an entry. */
function treeOf(path: string, value: unknown): Record<string, unknown> {
  const build = (parts: readonly string[], prefix: readonly string[]): unknown => {
    const [key, ...rest] = parts;
    if (key === undefined) return value;
    const inner = build(rest, [...prefix, key]);
    const tree = key === '*' ? { one: inner } : { [key]: inner };
    const own = { ...beside[prefix.join('.')], ...tree };
    return prefix.join('.') === 'routes' || ['certificates', 'any'].includes(prefix.at(-1) ?? '') ? [inner] : own;
  };
  return build(path.split('.'), []) as Record<string, unknown>;
}

function textOf(path: string, value: unknown, isInFlow = false): string {
  const tree = treeOf(path, value);
  const app = path.includes('.php.') ? { endpoints: '127.0.0.1:9000', protocol: 'fastcgi' } : '127.0.0.1:3000';
  const upstreams = { app, ...(tree['upstreams'] as object | undefined) };
  const targets = [...Object.keys(upstreams), ...Object.keys((tree['applications'] as object | undefined) ?? {})];
  const routes = tree['routes'] ?? targets.map((to) => ({ path: path.includes('.oidc.') ? '/' : `/${to}`, to }));
  // A login needs TLS, of its own or in front.
  const front = path.includes('.oidc.') ? { trusted_peers: ['127.0.0.1'] } : {};
  const whole = { ...front, ...tree, upstreams, routes };
  return isInFlow ? JSON.stringify(whole) : stringify(whole);
}

function parse(text: string): Parsing {
  return parseConfiguration(text, {
    ...{ file: 'candor.yaml', directory: '/etc/shop', hostname: 'gateway', readings: new Map() },
    environment: { CANARY: canary },
  });
}

function everythingOf(text: string): string {
  const parsing = parse(text);
  const errors: readonly ConfigurationError[] = parsing.ok ? parsing.warnings : parsing.errors;
  const { text: shown, unshown } = parsing.shownText();
  return [
    renderConfigurationErrors(errors, parsing.maskedText(), { colour: false, width: 2000 }),
    JSON.stringify(errors),
    shown,
    JSON.stringify(unshown?.map(({ key }) => key)),
    parsing.ok ? JSON.stringify(effectiveConfiguration(parsing.configuration)) : '',
  ].join('\n---\n');
}

function assertHidden(text: string): void {
  const everything = everythingOf(text);
  const found = pieces.find((piece) => everything.toLowerCase().includes(piece.toLowerCase()));
  assert.equal(found, undefined, `${text}\n===\n${everything}`);
}

/** Another value with the canary, wrong in most places. */
const wrong: readonly (readonly [what: string, value: unknown])[] = [
  ['a text', canary],
  ['a list', [canary, 1]],
  ['a map', { [`x`]: canary, deeper: [{ y: canary }] }],
  ['a list of lists', [[canary]]],
  ['a map of lists', { 'X-Origin': [canary], PLAIN: [canary] }],
  ['an address', `https://me:${canary}@hooks.example/x?y=${canary}`],
];

function misspelled(path: string): string {
  const parts = path.split('.');
  const at = parts.findLastIndex((part) => part !== '*');
  const key = parts[at] ?? '';
  parts[at] = key.slice(0, -2) + key.slice(-1);
  return parts.join('.');
}

before(loadPatterns);

describe('a value that the schema marks is in no message, text or effective configuration', () => {
  for (const [turn, key] of marked.entries()) {
    const { path } = key;
    test(path, () => {
      const text = textOf(path, valueOf(key));
      assertHidden(text);
      assertHidden(textOf(path, valueOf(key), true));
      // A mistake elsewhere, on the same line and in the syntax.
      assertHidden(textOf(path, valueOf(key), true).replace(/\}$/, ', "flux": 1}'));
      for (const end of ['\n: [', '\n\tx: y', '\n"']) assertHidden(text + end);
      assertHidden(textOf(misspelled(path), valueOf(key)));
      assertHidden(textOf(misspelled(path), valueOf(key), true));
    });

    // A text in place of a command is one, and a word in place of a path, an address or a name is known for none.
    const isOpen = ['command', 'query', 'path', 'name', 'secret_name'].includes(key.hiding);
    for (const [what, value] of isOpen ? [] : sampled(wrong, 3, turn))
      test(`${path}, written as ${what}`, () => {
        assertHidden(textOf(path, value));
        assertHidden(textOf(misspelled(path), value));
      });
  }

  test('and each place is right where it is no mistake, so that all of this is about what is accepted too', () => {
    // A token is refused wherever a hash is to stand, and a value where the name of a secret is.
    const accepted = marked.filter(({ hiding }) => hiding !== 'hash' && hiding !== 'secret_name');
    const refused = accepted.flatMap((key) => {
      const parsing = parse(textOf(key.path, valueOf(key)));
      return parsing.ok ? [] : [[key.path, ...parsing.errors.map(({ message }) => message)]];
    });
    assert.deepEqual(refused, []);
  });
});

const listening = 'upstreams: { app: "127.0.0.1:3000" }\n';

describe('a secret in the wrong place is hidden', () => {
  const texts: readonly (readonly [what: string, text: string])[] = [
    [
      'a key that names a file',
      `${listening}listeners: { a: { bind: ":1", tls: { auto: { external_account: { key_id: a, hmac_key: SECRET } } } } }`,
    ],
    ['a misspelled key', `${listening}admin: { tokn: SECRET }`],
    ['without a space', `${listening}admin: { tokn:SECRET }`],
    ['without a space in a line', `${listening}admin:\n  tokn:SECRET\n`],
    ['without a space at the outermost level', `${listening}tokn:SECRET\nworkers: 1\n`],
    ['a list of settings', `${listening}applications: { w: { command: a, environment: ["K=SECRET"] } }`],
    [
      'a value with a comma in brackets',
      `${listening}applications: { w: { command: a, environment: { K: aa,SECRET } } }`,
    ],
    ['the second value of a key', `${listening}applications: { w: { command: a, environment: { K: SECRET, K: b } } }`],
    [
      'beside a variable that is not set',
      `${listening}applications: { w: { command: a, environment: { K: SECRET, L: "\${NOT_SET}" } } }`,
    ],
    [
      'a default of a variable',
      `${listening}applications: { w: { command: a, environment: { K: "\${NOT_SET:-SECRET}" } } }`,
    ],
    ['a section in one text', `${listening}alerts: SECRET`],
    ['a section of one target', `${listening}alerts: { targets: { ops: { webhook: SECRET } } }`],
    ['the whole file', 'SECRET'],
    [
      'a key that merges',
      `${listening}x: &x { K: SECRET }\napplications: { w: { command: a, environment: { <<: *x } } }`,
    ],
    [
      'an anchor of a key that is not known',
      `x: &x SECRET\n${listening}applications: { w: { command: a, environment: { K: *x } } }`,
    ],
    [
      'a block of text',
      `${listening}applications:\n  w:\n    command: a\n    environment:\n      K: |\n        a\n        SECRET\n      PORT: 1\n`,
    ],
    ['what a variable gave', `${listening}admin: { socket: none, tokens: { a: "\${CANARY}" } }`],
    ['a variable in a header', `${listening}routes: [{ to: app, request_headers: { set: { X-A: "\${CANARY}\\n" } } }]`],
    [
      'a header that is too long for its line',
      `${listening}routes: [{ to: app, request_headers: { set: { X-A: " SECRET" } } }]`,
    ],
    ['a check in one line', `${listening}applications: { w: { command: "sh -c 'psql --password SECRET'" } }`],
    ['a command of a shell', `${listening}applications: { w: { command: [sh, -c, "exec psql --password SECRET"] } }`],
    ['a credential in place of a command', `${listening}alerts: { targets: { x: { command: "Bearer SECRET" } } }`],
    ['a list as an entry', 'upstreams: { password: [SECRET] }'],
    ['the only upstream', 'upstreams: { password: SECRET }'],
    ...['applications', 'error_pages', 'listeners'].map((section): [string, string] => [
      `an entry of ${section}`,
      `${listening}${section}: { password: SECRET }`,
    ]),
  ];
  for (const [what, text] of texts) test(what, () => assertHidden(text.replaceAll('SECRET', canary)));
});

describe('a secret number is hidden, in whatever form it is written', () => {
  const smtp = 'server: "a:25", from: "a@a.example", to: "b@a.example", username: a';
  const texts: readonly string[] = [
    `${listening}alerts: { targets: { x: { pagerduty: { routing_key: NUMBER } } } }`,
    `${listening}alerts: { targets: { x: { smtp: { ${smtp}, password: NUMBER } } } }`,
    `${listening}applications: { password: NUMBER }`,
    `${listening}error_pages: { token: NUMBER }`,
  ];
  for (const written of ['48213302', '0482133', '0x2DFAD2F', '3e5', '0o7654321', '12345678901234567890123', '4.50'])
    test(written, () => {
      for (const text of texts)
        for (const form of [written, String(Number(written))]) {
          const everything = everythingOf(text.replace('NUMBER', written));
          assert.ok(!new RegExp(`(?<![\\w.])${form.replace(/[.+]/g, '\\$&')}(?![\\w.])`).test(everything), everything);
        }
    });

  test('and the advice for a number that is no secret quotes it as it is written', () => {
    for (const written of ['0482133', '0x1F', '12345678901234567890123', '1.10', '1e5']) {
      const parsing = parse(`${listening}deployment: ${written}`);
      assert.equal(parsing.ok ? null : parsing.errors[0]?.suggestion, `put it in quotes: "${written}"`);
    }
  });
});

describe('what is no secret is shown', () => {
  const texts: readonly string[] = [
    'upstreams: { auth: "127.0.0.1:3000", b: { endpoints: ["10.0.0.1:80"], check: { path: /up, interval: 5s } } }\nroutes: [{ to: auth, path: /token }, { to: b }]\n',
    `${listening}routes: [{ to: app, path: /a, headers: { x-b: { present: true } } }, { to: app, response_headers: { set: { Cache-Control: no-store, X-Frame-Options: DENY } } }]\n`,
    `${listening}applications: { w: { command: node server.js --port 3000, readiness: /up } }\nroutes: [{ to: w }]\n`,
    `${listening}otlp: { endpoint: "http://127.0.0.1:4318", resource: { service.version: "1.2" } }\n`,
    `${listening}listeners: { auth: 8080, token: "127.0.0.1:8081" }\n`,
    `${listening}log: { secret_headers: [X-Shop, X-Other] }\n`,
    'upstreams: { auth: "auth.internal:3000", token: ["http://token.internal:80", "10.0.0.1:80"] }\nroutes: [{ to: auth, path: /a }, { to: token }]\n',
  ];
  for (const text of texts) test(text.slice(37, 80), () => assert.equal(parse(text).shownText().text, text));

  test('beside a secret in the same line', () => {
    const text = `${listening}routes: [{ to: app, request_headers: { set: { Authorization: Basic x } }, timeouts: { connect: 5s } }] # mine\n`;
    assert.equal(parse(text).shownText().text, text.replace('Basic x', '"***"'));
  });
});

describe('a message names a variable and not its value', () => {
  const values = ['correctHorse7', 'Kn4rvz8Q2hunter/x y', '0048213302'];
  const texts: readonly string[] = [
    `${listening}routes: [{ to: app, retry: { attempts: VALUE } }]`,
    `${listening}routes: [{ to: app, client: { body_max: VALUE } }]`,
    `${listening}routes: [{ to: app, path: VALUE }]`,
    `${listening}routes: [{ to: VALUE }]`,
    `${listening}listeners: { a: VALUE }`,
    `${listening}otlp: { endpoint: VALUE }`,
    `${listening}alerts: { targets: { x: { command: VALUE } } }`,
    'upstreams: { app: { endpoints: [VALUE] } }',
  ];
  const written = ['"${DB_PASSWORD}"', '"${DATABASE}"', '"10.0.0.1:${DB_PASSWORD}"', '"pre${DB_PASSWORD}post"'];
  for (const text of texts)
    test(text.replace(listening, ''), () => {
      for (const value of values)
        for (const reference of written) {
          const name = reference.includes('PASSWORD') ? 'DB_PASSWORD' : 'DATABASE';
          // A number of a variable that has no secret is needed to mend it.
          if (name === 'DATABASE' && /^\d+$/.test(value)) continue;
          const parsing = parseConfiguration(text.replace('VALUE', reference), {
            ...{ file: 'candor.yaml', directory: '/etc/shop', hostname: 'gateway', readings: new Map() },
            environment: { [name]: value },
          });
          const errors = parsing.ok ? parsing.warnings : parsing.errors;
          const said = JSON.stringify(errors.map(({ message, suggestion }) => [message, suggestion])).toLowerCase();
          for (const part of [value, 'horse7', 'hunter', '48213302'])
            assert.ok(!said.includes(part.toLowerCase()), `${reference}\n${said}`);
          if (said.includes('filled in')) assert.ok(said.includes(`\${${name}}`.toLowerCase()), said);
        }
    });

  test('unless it is a number or a short word of a variable that has no secret', () => {
    const messageOf = (value: string): string | undefined => {
      const text = `${listening}routes: [{ to: app, retry: { attempts: "\${COUNT}" } }]`;
      const parsing = parseConfiguration(text, {
        ...{ file: 'candor.yaml', directory: '/etc/shop', hostname: 'gateway', readings: new Map() },
        environment: { COUNT: value },
      });
      return parsing.ok ? undefined : parsing.errors[0]?.message;
    };
    assert.match(messageOf('many') ?? '', /found the text "many"/);
    assert.match(messageOf('4000') ?? '', /^4000 is above/);
    assert.match(messageOf('postgres://a.b/c') ?? '', /found the text "\$\{COUNT\}"/);
  });
});

test('a word of a command that a secret variable gave is not in the effective configuration', () => {
  const effectiveOf = (command: string): string => {
    const text = `${listening}applications: { w: { command: ${command} } }\nroutes: [{ to: w }, { to: app, path: /a }]`;
    const parsing = parseConfiguration(text, {
      ...{ file: 'candor.yaml', directory: '/etc/shop', hostname: 'gateway', readings: new Map() },
      environment: { ENV_TOKEN: 'correctHorse7', MODE: 'fast' },
    });
    assert.ok(parsing.ok);
    return JSON.stringify(effectiveConfiguration(parsing.configuration));
  };
  for (const command of ['[/bin/true, "${MODE}", "${ENV_TOKEN}"]', '"/bin/true ${MODE} ${ENV_TOKEN}"'])
    assert.match(effectiveOf(command), /"command":\["\/bin\/true","fast","\*\*\*"\]/);
  assert.ok(!effectiveOf('[/bin/true, "-x=${ENV_TOKEN}"]').includes('correctHorse7'));
  assert.ok(!effectiveOf('[/bin/true, "${ENV_TOKEN}"]').includes('secret_words'));
});
