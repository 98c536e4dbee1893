import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDocument } from 'yaml';
import { parseConfiguration } from './parse.ts';

const context = {
  file: 'candor.yaml',
  directory: '/etc/shop',
  environment: { TOKEN: 'hunter2hunter2' },
  hostname: 'gateway',
  readings: new Map(),
};
const secret = 'Kn4rv-hunter2';
const hash = `sha256:${'0a'.repeat(32)}`;

function shown(text: string): string {
  return parseConfiguration(text, context).shownText().text;
}

/** Where a secret may stand; SECRET is the value, as YAML. */
const places: readonly (readonly [what: string, text: string])[] = [
  ['a variable of an application', 'applications: { web: { command: node a.js, environment: { DATABASE: SECRET } } }'],
  ['the same as a block', 'applications:\n  web:\n    command: node a.js\n    environment:\n      PLAIN: SECRET\n'],
  ['a header of a check', 'upstreams: { a: { endpoints: "a:1", check: { path: /, headers: { x-monitor: SECRET } } } }'],
  [
    'what a check expects',
    'upstreams: { a: { endpoints: "a:1", check: { path: /, expect: { headers: { x: SECRET } } } } }',
  ],
  ['a drain signal', 'upstreams: { a: { endpoints: "a:1", drain_signal: { header: x-a, value: SECRET } } }'],
  ['a token', 'admin: { listen: "127.0.0.1:1", tokens: { deploy: SECRET } }'],
  ['a chat', 'alerts: { targets: { chat: { kind: slack, url: SECRET } } }'],
  ['a password of mail', 'alerts:\n  mail:\n    smtp: a:25\n    password: SECRET\n'],
  ['a key of a collector', 'otlp: { endpoint: "http://a:4318", headers: { x-key: SECRET } }'],
  ['the path of a collector', 'otlp:\n  endpoint: http://a:4318/SECRET\n'],
  ['a header that is set', 'routes: [{ path: /, to: a, request_headers: { set: { Authorization: SECRET } } }]'],
  [
    'a header that the configuration names',
    'log: { secret_headers: [x-inner] }\nroutes: [{ path: /, to: a, request_headers: { set: { x-inner: SECRET } } }]',
  ],
];

/** Ways to write a value in YAML. */
const styles: readonly (readonly [what: string, value: string])[] = [
  ['plain', secret],
  ['in double quotes', `"${secret}"`],
  ['in single quotes', `'${secret}'`],
];

describe('the text of a configuration is shown without its secrets', () => {
  for (const [what, text] of places)
    for (const [style, value] of styles)
      test(`${what}, ${style}`, () => {
        const seen = shown(`${text.replace('SECRET', value)}\n`);
        assert.ok(!seen.includes(secret), seen);
        assert.match(seen, /\*{3}/);
        // Also where a mistake makes it no YAML.
        assert.ok(!shown(`${text.replace('SECRET', value)}\n: [`).includes(secret));
      });

  const cases: readonly (readonly [what: string, text: string, shown: string])[] = [
    [
      'a block of text',
      'applications:\n  a:\n    environment:\n      K: |\n        one\n        two\n    port: 1\n',
      'applications:\n  a:\n    environment:\n      K: "***"\n\n\n    port: 1\n',
    ],
    [
      'an alias',
      'deployment: &d hunter2\napplications: { a: { environment: { K: *d } } }',
      'deployment: &d "***"\napplications: { a: { environment: { K: *d } } }',
    ],
    [
      'what aliases repeat, which is hidden where one of the places hides it',
      'x-route: &r { to: a, timeouts: { connect: 1s }, own: b }\nx-env: &e { K: hunter2 }\nroutes: [{ <<: *r, path: /a }, { to: a }]\napplications: { a: { environment: *e } }',
      'x-route: &r { to: a, timeouts: { connect: 1s }, own: "***" }\nx-env: &e { K: "***" }\nroutes: [{ <<: *r, path: /a }, { to: a }]\napplications: { a: { environment: *e } }',
    ],
    [
      'a number',
      'applications: { a: { environment: { PIN: 31337 } } }',
      'applications: { a: { environment: { PIN: "***" } } }',
    ],
    [
      'values of one and of two characters',
      'applications: { a: { environment: { A: x, B: "v1", C: \'2\', D: 12, E: v1 } } }',
      'applications: { a: { environment: { A: "***", B: "***", C: "***", D: "***", E: "***" } } }',
    ],
    [
      'the name of a release, which is shown where it is one',
      'applications: { a: { environment: { RELEASE: "v42-rc.1", GIT_SHA: 8a6ce6bb, VERSION: "a b", PIN: v42 } } }',
      'applications: { a: { environment: { RELEASE: "v42-rc.1", GIT_SHA: 8a6ce6bb, VERSION: "***", PIN: "***" } } }',
    ],
    [
      'an empty value, which has nothing to hide',
      'applications: { a: { environment: { A: "", B: } } }',
      'applications: { a: { environment: { A: "", B: } } }',
    ],
    [
      'a value before a variable',
      'applications:\n  a:\n    environment:\n      A: ab${TOKEN}\n      B: "ab${TOKEN}"\n',
      'applications:\n  a:\n    environment:\n      A: "***${TOKEN}"\n      B: "***${TOKEN}"\n',
    ],
    [
      'several lines in quotes',
      'applications: { a: { environment: { A: "one\n  two", B: one\n  two } } }',
      'applications: { a: { environment: { A: "***"\n  , B: "***"\n   } } }',
    ],
    [
      'a header in brackets',
      'routes: [{ request_headers: { set: { authorization: "Basic x" } } }, { to: a }]',
      'routes: [{ request_headers: { set: { authorization: "***" } } }, { to: a }]',
    ],
    [
      'a header before another one',
      'routes: [{ request_headers: { set: { authorization: Basic x, x-b: { y: 1 } } } }] # mine',
      'routes: [{ request_headers: { set: { authorization: "***", x-b: { y: 1 } } } }] # mine',
    ],
    [
      'a header before a comment',
      'routes:\n- request_headers:\n    set:\n      authorization: Basic x # mine\n      x-b: c\n',
      'routes:\n- request_headers:\n    set:\n      authorization: "***" # mine\n      x-b: "***"\n',
    ],
    [
      'words of a token',
      'admin:\n  tokens:\n    a: hunter2 x # mine\n    b: y\n',
      'admin:\n  tokens:\n    a: "***" # mine\n    b: "***"\n',
    ],
    [
      'a word of a command',
      'applications: { a: { command: [node, --api-key, hunter2, -v] } }',
      'applications: { a: { command: [node, --api-key, "***", -v] } }',
    ],
    [
      'a command in a line',
      'applications: { a: { command: node --password hunter2 } }',
      'applications: { a: { command: node --password *** } }',
    ],
    ['a comment', 'deployment: a # DB_PASSWORD=hunter2', 'deployment: a # DB_PASSWORD=***'],
    ['an address with a password', 'upstreams: { a: "http://anna:hunter2@a:1" }', 'upstreams: { a: "http://***@a:1" }'],
  ];
  for (const [what, text, expected] of cases)
    test(what, () => {
      assert.equal(shown(text), expected);
      assert.deepEqual(parseDocument(expected).errors, []);
    });

  test('in a file that is no YAML as well', () => {
    for (const wrong of ['"Basic" hunter2 }', 'Basic, hunter2 }', '"Basic", x: hunter2, hunter2 }'])
      assert.doesNotMatch(shown(`routes: [{ set: { authorization: ${wrong}`), /hunter2/);
    const text = 'applications: { a: { environment: { A: v1, B: "x y" } } }\n: [';
    assert.equal(shown(text), 'applications: { a: { environment: { A: "***", B: "***" } } }\n: [');
  });
});

describe('what is no secret stays', () => {
  const texts: readonly string[] = [
    'deployment: shop # the shop\nupstreams: { a: ["10.0.0.1:3000", "[::1]:3000"] }\nroutes: [{ host: "*.example.org", path: /, to: a }]\n',
    'applications: { a: { command: node server.js --port 3000, environment: { TOKEN: "${TOKEN}", KEY: ${TOKEN} } } }\n',
    `admin: { listen: "127.0.0.1:1", tokens: { deploy: ${hash}, watch: { hash: ${hash}, role: read } } }\n`,
    'log: { headers: [x-a], secret_headers: [x-b] }\nupstreams: { a: { endpoints: "a:1", balance: { hash: { cookie: sid } } } }\n',
  ];
  for (const text of texts) test(text.slice(0, 40), () => assert.equal(shown(text), text));
});

describe('values that the shown text does not have', () => {
  const unshown = (text: string) => parseConfiguration(text, context).shownText().unshown;
  const cases: readonly (readonly [what: string, text: string, unshown: readonly (readonly [string, string])[]])[] = [
    [
      'have the keys that the file has',
      'deployment: shop\napplications:\n  web:\n    command: [node, --api-key, hunter2]\n    environment: { PIN: 1234, "A B": "two 🔑 keys" }\n',
      [
        ['applications.web.command[2]', 'hunter2'],
        ['applications.web.environment.PIN', '1234'],
        ['applications.web.environment["A B"]', 'two 🔑 keys'],
      ],
    ],
    [
      'are those that variables gave too',
      'deployment: ${TOKEN}\napplications: { web: { command: node a.js, environment: { K: "a-${TOKEN}" } } }\n',
      [
        ['deployment', 'hunter2hunter2'],
        ['applications.web.environment.K', 'a-hunter2hunter2'],
      ],
    ],
    [
      'stand behind characters of two units',
      'deployment: "🎈" # 🎈\nadmin: { tokens: { deploy: hunter2🎈 } }\n',
      [['admin.tokens.deploy', 'hunter2🎈']],
    ],
    ['are none where all is shown', 'deployment: shop\nupstreams: { a: "a:1" }\n', []],
  ];
  for (const [what, text, expected] of cases)
    test(what, () =>
      assert.deepEqual(
        unshown(text)?.map(({ key, value }) => [key, value]),
        expected,
      ),
    );

  test('are not known where there are too many', () => {
    const variables = Array.from({ length: 501 }, (_, at) => `K${at}: x${at}`).join(', ');
    assert.equal(unshown(`applications: { a: { command: a, environment: { ${variables} } } }`), null);
  });

  for (const [style, value] of styles)
    test(`are the same however they are written: ${style}`, () => {
      assert.deepEqual(unshown(`applications: { a: { command: a, environment: { K: ${value} } } }`), [
        { key: 'applications.a.environment.K', value: secret },
      ]);
    });
});
