import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listenAdvice } from './exposure.ts';
import type { ListeningSocket } from './host.ts';
import type { ReadinessResult } from './readiness.ts';
import { type FindingFacts, findingOf } from './readiness-finding.ts';

const facts = {
  path: '/up',
  port: 41_213,
  fromCommand: false,
  wrongListenSockets: null,
  words: null,
  command: ['node', 'app.js'],
};
const refused: ReadinessResult = { kind: 'refused' };

function answered(status: number, location: string | null = null, firstBytes = ''): ReadinessResult {
  return { kind: 'answered', status, location, firstBytes };
}

const findings: readonly (readonly [seen: ReadinessResult, says: RegExp, fix: RegExp, lasting: boolean])[] = [
  [
    answered(301, 'https://x/'),
    /^GET \/up on port 41213 answered 301, which redirects to https:\/\/x\/$/,
    /^point OPTION at a path that answers 200 over plain HTTP$/,
    true,
  ],
  [answered(302, '/login'), /302, which redirects to \/login$/, /^point OPTION at a path that answers 200$/, true],
  [
    answered(404, null, 'no page'),
    /answered 404$/,
    /^point OPTION at a path that exists, such as \/health or \/up$/,
    true,
  ],
  [answered(400, null, 'who?'), /answered 400 \("who\?"\)$/, /allow the host "localhost"/, true],
  [answered(401), /answered 401$/, /^point OPTION at a path that needs no login$/, true],
  [answered(500, null, 'no db'), /answered 500 \("no db"\)$/, /output why it fails, or point OPTION at/, false],
  [
    { kind: 'timed_out', limitMs: 400, status: null },
    /no answer within 400 ms$/,
    /point OPTION at a page that answers at once/,
    false,
  ],
  [
    { kind: 'timed_out', limitMs: 400, status: 200 },
    /answered 200, but not completely within 400 ms$/,
    /what its answer waits for/,
    false,
  ],
  [{ kind: 'closed', errno: 'ECONNRESET' }, /closed without an answer \(ECONNRESET\)$/, /read what it wrote/, false],
  [
    { kind: 'malformed', reason: 'it sent Content-Length and Transfer-Encoding together' },
    /: it sent Content-Length and Transfer-Encoding together$/,
    /response that every HTTP client accepts/,
    true,
  ],
  [
    { kind: 'not_http', firstBytes: 'SSH-2.0' },
    /the answer is not HTTP \("SSH-2\.0"\)$/,
    /let it speak HTTP on port 41213/,
    true,
  ],
  [
    { kind: 'other_protocol', protocol: 'fastcgi' },
    /closed without an answer, and the port speaks FastCGI, which the gateway does not speak$/,
    /^set `protocol: fastcgi`/,
    true,
  ],
  [
    { kind: 'unasked_protocol', protocol: 'http2' },
    /: the port speaks HTTP\/2 and not HTTP\/1\.1, and the application has no http2: true$/,
    /http2: true for the application$/,
    true,
  ],
  [
    { kind: 'unasked_protocol', protocol: 'tls' },
    /: the port speaks TLS$/,
    /^let it speak HTTP without TLS on port 41213/,
    true,
  ],
  [
    refused,
    /connection refused, nothing listens there yet$/,
    /the port in the PORT environment variable \(41213\)/,
    false,
  ],
];

describe('what keeps an instance from being ready', () => {
  for (const [seen, says, fix, lasting] of findings) {
    test(`${says.source} is said, and what to do where the person can do it`, () => {
      for (const [fromCommand, option] of [
        [true, '--readiness-path'],
        [false, 'readiness.path'],
      ] as const) {
        const finding = findingOf(seen, { ...facts, fromCommand });
        assert.match(finding?.reason ?? '', says);
        assert.match(finding?.fix ?? '', new RegExp(fix.source.replaceAll('OPTION', option)));
        assert.equal(finding?.lasting, lasting);
      }
    });
  }

  test('is nothing while no check has come back, and when one has passed', () => {
    assert.equal(findingOf(null, facts), null);
    assert.equal(findingOf(answered(200), facts), null);
  });

  test('is said with what the application wrote last, where no answer says it better', () => {
    const says = (seen: ReadinessResult): string =>
      findingOf(seen, { ...facts, words: { error: 'Error: no database', isError: false } })?.reason ?? '';
    const advised = { ...answered(503, null, '{"status":"fail"'), advice: 'postgres:connections fails: timed out' };
    assert.match(says(advised), /answered 503 \(postgres:connections fails: timed out\)$/);
    for (const seen of [refused, answered(500), { kind: 'timed_out', limitMs: 400, status: null } as const]) {
      assert.match(says(seen), /; the application wrote last: "Error: no database"$/);
    }
    assert.doesNotMatch(says(answered(404)), /wrote/);
  });
});

const supervised: readonly (readonly [
  what: string,
  seen: ReadinessResult,
  facts: Partial<FindingFacts>,
  fix: RegExp,
])[] = [
  [
    'the error is what to fix where nothing listens, and a supervisor lives',
    refused,
    { words: { error: 'Error: no database', isError: true } },
    /^fix that error: the process runs on, and nothing listens$/,
  ],
  [
    'the error comes first where workers end before they answer',
    { kind: 'timed_out', limitMs: 400, status: null },
    { words: { error: "config.ru:1:in `block in <main>'", isError: true } },
    /^fix that error first; then find out what its answer waits for/,
  ],
  [
    '{port} is not asked for where the command has it',
    refused,
    { command: ['uvicorn', '--port', '{port}'], words: { error: 'INFO: waiting', isError: false } },
    /^let it listen on 127\.0\.0\.1 and the port that its command gives it as \{port\} \(41213\)$/,
  ],
  [
    'nor where it listens on another port',
    refused,
    { command: ['uvicorn', '--port={port}'], wrongListenSockets: [{ host: '127.0.0.1', port: 3_000 }] },
    /^let it listen on the port that its command gives it as \{port\}, or set port: 3000 for the application$/,
  ],
  [
    'a fixed port is no way out for an application that was deployed',
    refused,
    {
      isRelease: true,
      command: ['uvicorn', '--port={port}'],
      wrongListenSockets: [{ host: '127.0.0.1', port: 3_000 }],
    },
    /^let it listen on the port that its command gives it as \{port\}$/,
  ],
];

for (const [what, seen, more, fix] of supervised)
  test(what, () => assert.match(findingOf(seen, { ...facts, ...more })?.fix ?? '', fix));

const places: readonly (readonly [sockets: readonly ListeningSocket[], says: string, run: string, up: string])[] = [
  [
    [{ host: '127.0.0.1', port: 3_000 }],
    'the application listens on 127.0.0.1:3000, not on 41213, the port that it was given (PORT)',
    'let it listen on the port in the PORT environment variable, or write {port} in its command, or start Candor with --app-port 3000',
    'let it listen on the port in the PORT environment variable, or write {port} in its command, or set port: 3000 for the application',
  ],
  [
    [{ host: '::1', port: 41_213 }],
    'the application listens on [::1]:41213, not on 127.0.0.1',
    listenAdvice(['node', 'app.js']),
    listenAdvice(['node', 'app.js']),
  ],
  [
    [
      { host: '0.0.0.0', port: 3_000 },
      { host: '0.0.0.0', port: 9_464 },
    ],
    'the application listens on 0.0.0.0:3000 and 0.0.0.0:9464, not on 41213, the port that it was given (PORT)',
    'let it listen on the port in the PORT environment variable, or write {port} in its command',
    'let it listen on the port in the PORT environment variable, or write {port} in its command',
  ],
];

test('a check names the failure that a request would meet; an answer is none', () => {
  const causes = (
    [
      answered(500),
      { kind: 'timed_out', limitMs: 400, status: null },
      refused,
      { kind: 'closed', errno: 'ECONNRESET' },
    ] as const
  ).map((seen) => findingOf(seen, facts)?.cause ?? null);
  assert.deepEqual(causes, [null, 'response_head_timeout', 'connect_refused', 'closed_before_response']);
});

test('an application that listens on unix sockets alone may still open its port', () => {
  const unix = { host: '', port: 0, path: './app.sock' };
  const found = (wrongListenSockets: readonly ListeningSocket[]): unknown =>
    findingOf(refused, { ...facts, wrongListenSockets });
  assert.deepEqual(found([unix]), {
    reason: 'the application listens on the unix socket ./app.sock, not on port 41213, which it was given (PORT)',
    fix: 'let it listen on the port in the PORT environment variable, or write {port} in its command',
    lasting: false,
  });
});

test('what an application wrote last is told with its place', () => {
  const words = { error: 'Error: no database', isError: true, position: 'open (/srv/shop/lib/db.js:4:2)' };
  assert.match(
    findingOf(refused, { ...facts, directory: '/srv/shop', words })?.reason ?? '',
    /wrote last: "Error: no database" \(lib\/db\.js:4\)$/,
  );
});

describe('an application that listens elsewhere', () => {
  for (const [misplaced, says, run, up] of places) {
    test(`${says}: the option that helps is named`, () => {
      const found = (more: Partial<FindingFacts>): unknown =>
        findingOf(refused, { ...facts, wrongListenSockets: misplaced, ...more });
      assert.deepEqual(found({ fromCommand: true }), { reason: says, fix: run, lasting: true });
      assert.deepEqual(found({ fromCommand: false }), { reason: says, fix: up, lasting: true });
    });
  }
});
