import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { TextRedactor } from './text-redactor.ts';

describe('credentials are removed from text from outside', () => {
  const redactor = new TextRedactor(['X-Internal-Key']);
  const cases: readonly (readonly [text: string, redacted: string])[] = [
    ['GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\nHost: a', 'GET / HTTP/1.1\r\nAuthorization: …\r\nHost: a'],
    ['Cookie: a=1; b=2; c=CANARY', 'Cookie: …'],
    ['Set-Cookie: sid=CANARY; Path=/\\r\\nServer: x', 'Set-Cookie: …\\r\\nServer: x'],
    ['{"authorization": "Bearer CANARY", "path": "/"}', '{"authorization": "…", "path": "/"}'],
    ['proxy-authorization:CANARY', 'proxy-authorization:…'],
    ['x-internal-key: CANARY', 'x-internal-key: …'],
    ['curl -H "X-Api-Key: CANARY"', 'curl -H "X-Api-Key: …'],
    ['refused Bearer CANARY.abc_-', 'refused Bearer …'],
    ['postgres://app:CANARY@db:5432/shop is down', 'postgres://…@db:5432/shop is down'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.CANARY ok', 'jwt … ok'],
    ['DATABASE_PASSWORD=CANARY PORT=3000', 'DATABASE_PASSWORD=… PORT=3000'],
    ['{"apiKey":"CANARY with space","a":1}', '{"apiKey":"…","a":1}'],
    ["client_secret: 'CANARY'", "client_secret: '…'"],
    // A sentence that quotes.
    ['it ended; last line: "password=CANARY". See its log.', 'it ended; last line: "password=…". See its log.'],
    ["it wrote 'GET /a?token=CANARY'.", "it wrote 'GET /a?token=…'."],
    ['"curl -u me:CANARY"! "--api-key CANARY"…', '"curl -u me:…"! "--api-key …"…'],
    ['password=CAN".ARY x', 'password=… x'],
    ['GET /reset?code=CANARY&user=CANARY HTTP/1.1', 'GET /reset?code=…&user=… HTTP/1.1'],
    [
      'Error: listen EADDRINUSE: address already in use :::3000',
      'Error: listen EADDRINUSE: address already in use :::3000',
    ],
    ['SSH-2.0-OpenSSH_9.6', 'SSH-2.0-OpenSSH_9.6'],
    ['    at Object.<anonymous> (/app/token.js:3:9)', '    at Object.<anonymous> (/app/token.js:3:9)'],
    // Addresses with user information.
    ['redis://:CANARY@cache:6379/0', 'redis://…@cache:6379/0'],
    ['https://CANARY@sentry.io/1', 'https://…@sentry.io/1'],
    ['postgres://u:CAN/ARY@db/shop', 'postgres://…@db/shop'],
    ['postgres://u:CAN@ARY@db/shop', 'postgres://…@db/shop'],
    ["postgres://u:CAN'ARY@db/shop", 'postgres://…@db/shop'],
    ['{"url":"mysql:\\/\\/u:CANARY@db\\/shop"}', '{"url":"mysql:\\/\\/…@db\\/shop"}'],
    ['cannot reach root:CANARY@localhost', 'cannot reach root:…@localhost'],
    ['http://db:5432/people/anna@example.org', 'http://db:5432/people/anna@example.org'],
    ['mail to anna@example.org bounced', 'mail to anna@example.org bounced'],
    ['{"email":"anna@example.org","a":1}', '{"email":"anna@example.org","a":1}'],
    ['ERR cannot reach redis://u:CANA', 'ERR cannot reach redis://…'],
    ['listening on http://localhost:3000', 'listening on http://localhost:3000'],
    ['connect to auth:3000 refused', 'connect to auth:3000 refused'],
    ['http://token.internal:8080/x is down', 'http://token.internal:8080/x is down'],
    // Settings and options.
    ['node server.js --password=CANARY --port 1', 'node server.js --password=… --port 1'],
    ['app --api-key CANARY --verbose', 'app --api-key … --verbose'],
    ['app --api-key "CANARY CANARY" -v', 'app --api-key "…" -v'],
    ['app --auth-token -CANARY', 'app --auth-token …'],
    ['java -Ddb.password=CANARY -jar a.jar', 'java -Ddb.password=… -jar a.jar'],
    ['PGPASSWORD=CANARY MYSQL_PWD=CANARY DB_PASS=CANARY psql', 'PGPASSWORD=… MYSQL_PWD=… DB_PASS=… psql'],
    ['AWS_SECRET_ACCESS_KEY=CANARY SECRET_KEY_BASE=CANARY', 'AWS_SECRET_ACCESS_KEY=… SECRET_KEY_BASE=…'],
    ['RAILS_MASTER_KEY=CANARY SENTRY_DSN=CANARY', 'RAILS_MASTER_KEY=… SENTRY_DSN=…'],
    ['Server=db;Uid=sa;Password=CAN,ARY;Database=shop', 'Server=db;Uid=sa;Password=…;Database=shop'],
    ['password=CAN"ARY next', 'password=… next'],
    ['{"cmd":"DB_PASSWORD=CANARY","x":1}', '{"cmd":"DB_PASSWORD=…","x":1}'],
    ['{\\"clientSecret\\":\\"CANARY \\\\\\"CANARY\\",\\"x\\":1}', '{\\"clientSecret\\":\\"…\\",\\"x\\":1}'],
    ["{ :password=>'CANARY', :port=>1 }", "{ :password=>'…', :port=>1 }"],
    ['[password] => CANARY', '[password] => …'],
    ['<Password>CANARY</Password>', '<Password>…</Password>'],
    ['/cb%3Ftoken%3DCANARY%26a%3D1', '/cb%3Ftoken%3D…%26a%3D1'],
    ['GET /reset?CANARY HTTP/1.1', 'GET /reset?… HTTP/1.1'],
    ["GET /reset?a=x'CANARY HTTP/1.1", 'GET /reset?a=… HTTP/1.1'],
    ['referrer: "http://a/?code=CANARY", host: "a"', 'referrer: "http://a/?code=…", host: "a"'],
    // Secrets that are recognized by their form.
    ['push ghp_CANARY0123456789 to sk_live_CANARY0123', 'push … to …'],
    ['xoxb-CANARY-1234 AKIACANARY0123456789', '… …'],
    [`hash it: candor_${'aB3'.repeat(14)}x`, 'hash it: candor_…'],
    [
      '-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----',
      '-----BEGIN RSA PRIVATE KEY-----…-----END RSA PRIVATE KEY-----',
    ],
    ['-----BEGIN PRIVATE KEY-----\\nCANARY', '-----BEGIN PRIVATE KEY-----…'],
    ['MIIEvQIBADANBgkq'.repeat(4), '…'],
    // Texts that only look like secrets, and help the reader.
    ['DB_PASSWORD=undefined', 'DB_PASSWORD=undefined'],
    ['PWD=/srv/app OLDPWD=/srv', 'PWD=/srv/app OLDPWD=/srv'],
    ['--password-file /run/secrets/db TOKEN_URL=http://a/', '--password-file /run/secrets/db TOKEN_URL=http://a/'],
    ['author=anna passes=3 keyboard=de key=7', 'author=anna passes=3 keyboard=de key=7'],
    ['max_tokens=4096', 'max_tokens=4096'],
    ['auth: no route to 10.0.0.7:5432', 'auth: no route to 10.0.0.7:5432'],
    ['Basic usage: node server.js', 'Basic usage: node server.js'],
    ['candor_upstream_connections_open 7', 'candor_upstream_connections_open 7'],
    ['digest sha256 of the image: nginx', 'digest … of the image: nginx'],
    ['GET / 502 in 12 ms; who? nobody', 'GET / 502 in 12 ms; who? nobody'],
  ];
  for (const [text, redacted] of cases) test(JSON.stringify(text), () => assert.equal(redactor.redact(text), redacted));

  test('secrets in hexadecimal bytes are removed', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    assert.equal(redactor.redact(hex('Cookie: sid=CANARY')), hex('Cookie: ...'));
    assert.equal(redactor.redact(hex('SSH-2.0-OpenSSH_9.6')), hex('SSH-2.0-OpenSSH_9.6'));
    const binary = Buffer.from([0x16, 0x03, 0x9b, 0xff]).toString('hex');
    assert.equal(redactor.redact(`${binary}${hex(' password=CANARY')}`), `${binary}${hex(' password=...')}`);
    assert.equal(redactor.redact('00ff00ff00ff00ff'), '00ff00ff00ff00ff');
  });

  test('gives the same for a text that comes again and again among others', () => {
    const redactor = new TextRedactor();
    const plain = 'connection refused: 127.0.0.1:3000';
    for (let time = 0; time < 3000; time++) {
      assert.equal(redactor.redact(plain), plain);
      assert.equal(redactor.redact('token=s3cr3t-value'), 'token=…');
      assert.equal(redactor.redact(`attempt number ${time}`), `attempt number ${time}`);
    }
  });

  test('every text of a value is redacted and shortened, at any depth', () => {
    const value = { a: ['Cookie: CANARY', 7, null], b: { c: 'x'.repeat(50) } };
    assert.deepEqual(redactor.redactAll(value, 10), { a: ['Cookie: …', 7, null], b: { c: `${'x'.repeat(10)}…` } });
  });

  test('lines of a private key are removed, even if its beginning or end is not in the text', () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
    const key = ['-----BEGIN PRIVATE KEY-----', 'short+line', line, '-----END PRIVATE KEY----- then', 'more'];
    assert.deepEqual(redactor.redactLines(key), [
      '-----BEGIN PRIVATE KEY-----',
      '…',
      '…',
      '-----END PRIVATE KEY----- then',
      'more',
    ]);
    assert.deepEqual(redactor.redactLines([line, '-----END PRIVATE KEY-----']), ['…', '-----END PRIVATE KEY-----']);
    assert.deepEqual(redactor.redactAll({ output: key }, 99).output, redactor.redactLines(key));
  });

  test('the words of a command are redacted one by one, so that no value ends too early', () => {
    const cases: readonly (readonly [command: readonly string[], shown: readonly string[]])[] = [
      [
        ['app', '--password=a b;c=d', '--port', '1'],
        ['app', '--password=…', '--port', '1'],
      ],
      [
        ['app', '--api-key', 'a b', 'c'],
        ['app', '--api-key', '…', 'c'],
      ],
      [
        ['app', '--auth-token', '-a', '--require-auth', '--port=1'],
        ['app', '--auth-token', '…', '--require-auth', '--port=1'],
      ],
      [
        ['env', 'DB_PASSWORD=a"b c', 'app'],
        ['env', 'DB_PASSWORD=…', 'app'],
      ],
      [
        ['curl', '-u', 'anna:a b', '-H', 'Authorization: Bearer abcd'],
        ['curl', '-u', 'anna:…', '-H', 'Authorization: …'],
      ],
      [
        ['sh', '-c', 'exec app --password=abcd --x'],
        ['sh', '-c', 'exec app --password=… --x'],
      ],
      [
        ['app', 'postgres://u:p@db/shop'],
        ['app', 'postgres://…@db/shop'],
      ],
      [
        ['node', 'server.js', '--name', 'x'],
        ['node', 'server.js', '--name', 'x'],
      ],
      ...[
        ['puma', '-w', '2', '--bind', 'tcp://127.0.0.1:{port}'],
        ['sh', '-c', 'serve -l tcp://127.0.0.1:$PORT'],
        ['serve', '--url=http://localhost:${PORT}', 'http://localhost:%PORT%', 'http://[::1]:{port}'],
      ].map((command): [string[], string[]] => [command, command]),
      [
        ['serve', 'http://user:{port}x', 'http://user:{port}@h'],
        ['serve', 'http://…', 'http://…@h'],
      ],
    ];
    for (const [command, shown] of cases) assert.deepEqual(redactor.redactCommand(command), shown);
  });

  test('masking keeps every other character at its line and column', () => {
    assert.equal(redactor.mask('a: 1\nurl: http://u:pw@h/ # x'), 'a: 1\nurl: http://****@h/ # x');
    assert.equal(redactor.mask(`${'a '.repeat(9000)}password=店x`), `${'a '.repeat(9000)}password=**`);
  });

  test('a secret at the end of a shortened text does not stay in part', () => {
    for (let shift = 0; shift < 40; shift++)
      assert.doesNotMatch(
        redactor.redact(`${'x '.repeat(2028)}${' '.repeat(shift)}ghp_CANARY0123456789012345 tail`),
        /ghp_C/,
      );
  });

  const pieces = fc.constantFrom(
    ...[
      'password',
      'token=',
      '--api-key ',
      '"',
      "'",
      '\\',
      ':',
      '=',
      '://',
      '@',
      '/',
      '?',
      '&',
      '%40',
      '%2f%2f',
      ' ',
      '\n',
      '<',
      '>',
    ],
    ...[
      'bearer ',
      'eyJ',
      'ghp_',
      'cookie: ',
      '-----BEGIN PRIVATE KEY-----',
      '-----END ',
      'a',
      'B7',
      '.',
      '-',
      ',',
      ';',
      '…',
      '店',
      '\0',
    ],
  );
  const texts = fc.oneof(
    unicodeText({ maxLength: 300 }),
    fc.array(pieces, { maxLength: 60 }).map((some) => some.join('')),
  );

  test('redacting twice changes nothing, and nothing grows', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const once = redactor.redact(text);
        assert.equal(redactor.redact(once), once);
        assert.ok(once.length <= text.length);
        assert.equal([...redactor.mask(text)].length, [...text].length);
      }),
      { numRuns: 3000 },
    );
  });

  test('the value of a secret name is removed, in any surrounding text', () => {
    const names = fc.constantFrom(
      'password=',
      'DB_TOKEN=',
      '"apiKey": "',
      'Authorization: ',
      'http://u:',
      'bearer ',
      '--secret ',
    );
    fc.assert(
      fc.property(texts, names, (text, name) => {
        const end = name.startsWith('http') ? '@h' : '';
        assert.ok(!redactor.redact(`${text} ${name}CANARY7${end}`).includes('CANARY7'));
      }),
      { numRuns: 1000 },
    );
  });

  test('the time is linear in the length of any text', () => {
    // Each of these makes a careless pattern try every pair of positions.
    const hostile = [
      ...[
        'token',
        '-eyJ',
        'eyJaaaaaaaa-',
        '://',
        '?a',
        'bearer ',
        'cookie\\',
        '@',
        'a:',
        '//a:b',
        'a/?',
        '?=&',
        'u:p@',
        ' ',
      ],
      ...[
        'password=',
        'password="',
        'password=\\"',
        `password=' password="`,
        ',a',
        '--api-key ',
        '-a ',
        '%2f%2f',
        '%2f%2fa%40',
      ],
      ...[
        '<a:',
        '<a ',
        '-----BEGIN PRIVATE KEY-----',
        'SG.',
        'candor_',
        'sk-',
        'A',
        'A.',
        '"',
        '\\',
        'cookie":"',
        'cookie=',
        '%26',
      ],
      ...[
        `${'A'.repeat(59)}\n`,
        'pwd=/',
        'max_tokens=1,',
        'npm_',
        '-----END ',
        'a=b;',
        `'//a'`,
        'authorization: ',
        'pass: ',
        '{pass:x',
        'aa-',
        'pw</td><td>',
        'pw</td>',
        'pw</td><',
        'pw</td><b ',
        'x&a;',
        '-u a:',
        "-u 'a:",
      ],
    ];
    const beginnings = ['', 'a/b?', 'password="', 'auth: '];
    const cpuOf = (text: string): number => {
      const start = process.threadCpuUsage();
      redactor.mask(text);
      return process.threadCpuUsage(start).user;
    };
    for (const beginning of beginnings)
      for (const piece of hostile) {
        const make = (length: number): string => beginning + piece.repeat(length / piece.length) + '-----END ';
        // Sixteen times the length; quadratic time would be 256 times as long. Below the absolute bound the ratio does not matter.
        // The least of several measurements: V8 compiles and collects garbage in some of them.
        let [small, large] = [0, Number.POSITIVE_INFINITY];
        for (let runs = 0; runs < 8 && large >= 20_000 && large >= 64 * small; runs++) {
          small = Math.max(small, cpuOf(make(2_000)));
          large = Math.min(large, cpuOf(make(32_000)));
        }
        assert.ok(large < 20_000 || large < 64 * small, `${beginning}${piece}: ${small} µs, then ${large} µs`);
      }
  });

  test('of a text that is too long only the shown part is searched', () => {
    assert.equal(redactor.redact('a '.repeat(100_000)).length, 4097);
  });
});
