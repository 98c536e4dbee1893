import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LineRedactor, TextRedactor } from './text-redactor.ts';

const redactor = new TextRedactor();

function shown(lines: readonly string[]): readonly string[] {
  const following = new LineRedactor(redactor);
  return lines.map((line) => following.redact(line));
}

describe('a secret in the output of an application is hidden', () => {
  const cases: readonly (readonly [what: string, lines: readonly string[], shown: readonly string[]])[] = [
    [
      'value in the next line',
      ['  "password":', '    "CANARY",', '  "port": 1'],
      ['  "password":', '…', '  "port": 1'],
    ],
    [
      'an object',
      ["{ host: 'db', credentials: { user: 'a', value: 'CANARY' }, port: 1 }"],
      ["{ host: 'db', credentials: …, port: 1 }"],
    ],
    [
      'an object over several lines',
      ['config {', '  secret: {', "    value: 'CANARY',", '  },', '  port: 1', '}'],
      ['config {', '  secret: {', '…', '  },', '  port: 1', '}'],
    ],
    ['a list', ['"apiTokens": ["CANARY", "CANARY"], "a": 1'], ['"apiTokens": …, "a": 1']],
    ['a buffer', ['password: <Buffer 43 41 4e 41 52 59>, port: 1'], ['password: …, port: 1']],
    [
      'a block of YAML',
      ['client_secret: |', '  CANARY', '', '  CANARY', 'port: 1'],
      ['client_secret: |', '…', '…', '…', 'port: 1'],
    ],
    [
      "Node's rawHeaders",
      ["rawHeaders: [ 'Host', 'a', 'Cookie', 'sid=CANARY', 'Accept', '*/*' ]"],
      ["rawHeaders: [ 'Host', 'a', 'Cookie', '…', 'Accept', '*/*' ]"],
    ],
    [
      'rawHeaders over several lines',
      ['rawHeaders: [', "  'Authorization',", "  'CANARY',", "  'Accept',", "  '*/*'", ']'],
      ['rawHeaders: [', "  'Authorization',", '…', "  'Accept',", "  '*/*'", ']'],
    ],
    ['a token as short as any', ['ghp_CANARY', 'Basic k3y='], ['…', 'Basic …']],
    ['pass', ['pass=CANARY user=a {"pass":"CANARY"}'], ['pass=… user=a {"pass":"…"}']],
    ['creds', ['creds: CANARY'], ['creds: …']],
    ['pin', ['{"pin":"493021","a":1}'], ['{"pin":"…","a":1}']],
    ['signature', ['signature=CANARY X-Hub-Signature=CANARY'], ['signature=… X-Hub-Signature=…']],
    ['hmac', ['{"hmac":"CANARY"}'], ['{"hmac":"…"}']],
    [
      'names of session cookies',
      ['PHPSESSID=CANARY JSESSIONID=CANARY sessid=CANARY'],
      ['PHPSESSID=… JSESSIONID=… sessid=…'],
    ],
    ['an answer of OAuth', ['body code=CANARY&state=xyz'], ['body code=…&state=…']],
    ['an answer of OAuth, the other way', ['state=xyz&scope=a&code=CANARY'], ['state=xyz&scope=…&code=…']],
    [
      'a percent-escaped name',
      ['p%61ssword=CANARY&a=1', 'GET /%74oken=CANARY'],
      ['p%61ssword=…&a=…', 'GET /%74oken=…'],
    ],
    ['a unicode-escaped name', [String.raw`{"\u0070assword":"CANARY"}`], [String.raw`{"\u0070assword":"…"}`]],
    [
      'addresses of webhooks',
      [
        'POST https://hooks.slack.com/services/T00000000/B00000000/CANARYCANARY failed',
        'https://discord.com/api/webhooks/12345678/CANARYCANARY',
        'https://x.webhook.office.com/webhookb2/CANARY@CANARY/IncomingWebhook/1',
        'https://chat.example/hooks/c4n4ryc4n4ryc4n4ryc4n4ry26',
        'api.telegram.org/bot123456789:AACANARYCANARYCANARYCANARYCANARYCAN/send',
      ],
      [
        'POST https://hooks.slack.com/… failed',
        'https://discord.com/api/…',
        'https://x.webhook.office.com/…',
        'https://chat.example/hooks/…',
        'api.telegram.org/bot…/send',
      ],
    ],
  ];
  for (const [what, lines, expected] of cases) test(what, () => assert.deepEqual(shown(lines), expected));
});

describe('names that are also words are hidden before a colon too, where the value is no word', () => {
  for (const name of 'pass pw pwd pin otp auth bearer jwt sid signature sig hmac dsn'.split(' ')) {
    const cases: readonly (readonly [text: string, shown: string])[] = [
      [`${name}: c4nary-C4NARY`, `${name}: …`],
      [`{ user: 'bob', ${name}: 'c4nary-C4NARY', port: 1 }`, `{ user: 'bob', ${name}: '…', port: 1 }`],
      [`{User:bob ${name}:c4nary-C4NARY Port:1}`, `{User:bob ${name}:… Port:1}`],
      [`{${name}:c4nary-C4NARY}`, `{${name}:…}`],
      [`{ auth: { user: 'bob', ${name}: 'c4nary-C4NARY' } }`, `{ auth: { user: 'bob', ${name}: '…' } }`],
    ];
    for (const [text, expected] of cases) test(text, () => assert.equal(redactor.redact(text), expected));
  }
});

describe('a secret in markup, beside the name of a variable, or in a command is hidden', () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['<td>password</td><td>CANARY</td><td>a</td>', '<td>password</td><td>…</td><td>a</td>'],
    [
      '<TR><TH scope="row">DB_PASSWORD </TH>\n <TD class="v"><pre>CANARY X</pre></TD></TR>',
      '<TR><TH scope="row">DB_PASSWORD </TH>\n <TD class="v"><pre>…</pre></TD></TR>',
    ],
    ['<td>$_ENV[&#039;APP_KEY&#039;]</td><td>CANARY</td>', '<td>$_ENV[&#039;APP_KEY&#039;]</td><td>…</td>'],
    ["<td>$_SERVER['API_TOKEN']</td><td>CANARY</td>", "<td>$_SERVER['API_TOKEN']</td><td>…</td>"],
    ['<dt>secret</dt><dd>CANARY</dd>', '<dt>secret</dt><dd>…</dd>'],
    ['<b>Database password:</b> CANARY<br>', '<b>Database password:</b> …<br>'],
    ['STRIPE_KEY=CANARY FOO_BAR_KEY2=CANARY', 'STRIPE_KEY=… FOO_BAR_KEY2=…'],
    ["'STRIPE_KEY' => 'CANARY', X_SECRET: 'CANARY', Y_TOKEN=CANARY", "'STRIPE_KEY' => '…', X_SECRET: '…', Y_TOKEN=…"],
    ['{"pw": "CANARY", "db_pw":"CANARY"}', '{"pw": "…", "db_pw":"…"}'],
    ['curl -u user:CANARY https://a/', 'curl -u user:… https://a/'],
    ['curl -sSu "user:CAN ARY" https://a/', 'curl -sSu "user:…" https://a/'],
    ['curl --user=user:CANARY --proxy-user a:CANARY x', 'curl --user=user:… --proxy-user a:… x'],
    ["mysql --password 'CAN ARY' -h db --password CANARY", "mysql --password '…' -h db --password …"],
  ];
  for (const [text, expected] of cases) test(text, () => assert.equal(redactor.redact(text), expected));

  test('in a table over several lines', () =>
    assert.deepEqual(
      shown(['<tr><td>API_KEY</td>', '', '  <td>', '    CANARY', '  </td></tr>', '<tr><td>port</td>', '<td>1</td>']),
      ['<tr><td>API_KEY</td>', '', '  <td>', '…', '  </td></tr>', '<tr><td>port</td>', '<td>1</td>'],
    ));
});

test('a long value that is nearly a list of words is judged without trying its parts in every way', () => {
  assert.equal(redactor.redact(`auth: '${'aa-'.repeat(1300)}1'`), "auth: '…'");
});

describe('what only looks like a secret is shown', () => {
  for (const line of [
    'pass: 12, fail: 0',
    'tests pass=12 fail=3',
    'pin=7 mode=out',
    'exit code=1',
    'error code=ECONNREFUSED',
    'state=open code=4',
    'assigned to Signature Cars',
    'key-based-authentication-v2-is-enabled',
    'test_this_function_2_works_as_it_should',
    'ico-128x128-dark-theme.png',
    'spin=3 design=flat',
    'Traceback: bypass=on',
    'compass: north',
    'signature: int',
    'auth: required',
    'auth: Authentication failed for the user',
    'auth: connect ECONNREFUSED 10.0.0.1:5432',
    'auth: ECONNREFUSED',
    "Unexpected token: '}'",
    'jwt: TokenExpiredError: it has expired',
    'pin: 2026-11-26T12:00:00.000Z',
    'pulling auth:v1.2.3-alpine',
    'auth: https://login.example.com/start',
    "{ pass: 'not-given', auth: [Object], signature: [Function: sign] }",
    '  "passengers": [',
    'PRIMARY_KEY=id CACHE_KEY=user:1 PUBLIC_KEY=abc sort_key=name',
    'NO_SUCH_KEY: The specified key does not exist',
    'docker run -u 1000:1000 image',
    'curl -u http://a/ --user anna',
    '<td>author</td><td>anna</td>',
    '<b>password</b> is wrong',
  ])
    test(JSON.stringify(line), () => assert.deepEqual(shown([line, '    next']), [line, '    next']));
});

test('a header that is to be hidden is so over several lines too', () => {
  const following = new LineRedactor(new TextRedactor(['X-Origin-Verify']));
  const lines = ["  'X-Origin-Verify',", "  'abc de fgh',", 'x-origin-verify:', '  - abc de fgh', 'port: 1'];
  assert.deepEqual(
    lines.map((line) => following.redact(line)),
    ["  'X-Origin-Verify',", '…', 'x-origin-verify:', '…', 'port: 1'],
  );
});

test('lines below a name are shown again where they are indented less, and after 256 lines', () => {
  const lines = ['  token:', ...Array<string>(300).fill('    x'), '  port: 1'];
  const result = shown(lines);
  assert.equal(result.filter((line) => line === '…').length, 256);
  assert.equal(result.at(-1), '  port: 1');
});

/** A token of each issuer in `known-secrets.ts`, as the issuer's documents show its form; `x` is a letter, `9` a digit, `f` a hexadecimal digit. */
const samples: readonly string[] = readFileSync(new URL('secret-samples.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Their tokens have no form: hexadecimal digits, letters, a UUID. A name beside them hides them. */
const withoutForm = ['cloudflare-api', 'heroku-uuid', 'datadog', 'okta'];

test('tokens of known issuers are hidden without a name beside them', () => {
  const missed = samples.filter((line) => {
    const token = line.slice(line.indexOf(' ') + 1);
    return redactor.redact(`got ${token} here`).includes(token.slice(-12));
  });
  assert.deepEqual(
    missed.map((line) => line.split(' ')[0]),
    withoutForm,
  );
  assert.ok(samples.length > 100);
});
