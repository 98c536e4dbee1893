import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FakeProcessContext } from '../../fakes/fake-process-context.ts';
import { type Exchange, World } from './world.ts';

/** A unique word goes into each input, and every output is searched for it. An exception has its reason beside it. */

/** Which outputs may show it, and why. */
interface Shown {
  readonly where: RegExp;
  readonly why: string;
}

interface Row extends Partial<Exchange> {
  readonly what: string;
  readonly canary: string;
  readonly shown?: Shown;
}

let number = 0;
/** Letters and digits, so that it fits everywhere; no word is the beginning of another. */
function canary(): string {
  number += 1;
  return `Kn4rv${String(number).padStart(3, '0')}z`;
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A request to an endpoint that answers normally, unless a raw answer is given. */
function ask(target: string, lines: readonly string[] = [], body = ''): string {
  const headers = [...(lines.some((line) => /^host:/i.test(line)) ? [] : ['Host: a.test']), ...lines];
  return `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`;
}

function request(what: string, make: (canary: string) => string, shown?: Shown): Row {
  const one = canary();
  return { what, canary: one, request: make(one), answer: ok, ...(shown === undefined ? {} : { shown }) };
}

/** The endpoint's answer, disclosed to an operator and to other clients. */
function answer(what: string, make: (canary: string) => string, shown?: Shown): Row[] {
  return ['/raw/x', '/public/x'].map((path) => {
    const one = canary();
    const row = { what: `${what}, ${path}`, canary: one, request: ask(path), answer: make(one) };
    return shown === undefined ? row : { ...row, shown };
  });
}

const nothingKnowsIt = 'a word in a path, or bare in what an endpoint sends in place of HTTP, may be anything';
const itsOwnAnswer = 'what the application answers reaches its client as it came';
const protocol = 'a word of the protocol itself is what the operator needs to find who sent it';

const requests: readonly Row[] = [
  request('the user information of a target', (c) => ask(`http://anna:${c}@a.test/raw/x`)),
  request('the user of a target', (c) => ask(`http://${c}@a.test/raw/x`)),
  request('the user information of a target without a scheme', (c) => ask(`anna:${c}@a.test/raw/x`)),
  request('the user information of CONNECT', (c) => ask(`anna:${c}@a.test:80`).replace('GET', 'CONNECT')),
  request('an address in a path', (c) => ask(`/raw/to/http://anna:${c}@b.test/`)),
  request('an address in a path that is encoded', (c) => ask(`/raw/to/http%3A%2F%2Fanna%3A${c}%40b.test/`)),
  request('an address in a path of no route', (c) => ask(`/none/to/http://anna:${c}@b.test/?${c}&a=${c}`)),
  request('a setting in a path', (c) => ask(`/raw/x;token=${c}`)),
  request('a token in a path', (c) => ask(`/raw/eyJhbGciOiJIUzI1NiJ9.${c}.${c}`)),
  request('a fragment', (c) => ask(`/raw/x#${c}`)),
  request('a query value', (c) => ask(`/raw/x?code=${c}`)),
  request('a query without a name', (c) => ask(`/raw/x?${c}`)),
  request('a query of no route', (c) => ask(`/none?code=${c}&${c}`)),
  request('a path', (c) => ask(`/raw/${c}`), { where: /log|explain|answer/, why: nothingKnowsIt }),
  request('the user information of Host', (c) => ask('/raw/x', [`Host: anna:${c}@a.test`])),
  request('a long password in Host', (c) => ask('/raw/x', [`Host: anna:${c}${'x'.repeat(80)}@a.test`])),
  ...[
    'Authorization: Bearer ',
    'Authorization: ',
    'Proxy-Authorization: Basic ',
    'Cookie: a=1; sid=',
    'X-Api-Key: ',
  ].map((line) => request(line, (c) => ask('/raw/x', [line + c]))),
  ...[
    'X-Internal: ',
    'X-Anything: ',
    'Referer: http://b.test/?',
    'X-Request-Id: ',
    'Tracestate: a=',
    'Forwarded: for=',
  ].map((line) => request(line, (c) => ask('/raw/x', [line + c]))),
  request('a field of a request that is refused', (c) =>
    ask('/raw/x', [`Cookie: ${c}`, 'Content-Length: 1', 'Content-Length: 2']),
  ),
  request('a field line that is broken', (c) => ask('/raw/x', [`X Broken: ${c}`, `Cookie: ${c}\u0001`])),
  request('a folded field', (c) => ask('/raw/x', ['Cookie: a=1;', ` sid=${c}`])),
  request('a Via of our own', (c) => ask('/raw/x', [`Via: 1.1 shop (token=${c})`])),
  request('an expectation', (c) => ask('/raw/x', [`Expect: ${c}`]), { where: /log|explain|answer/, why: protocol }),
  request('an upgrade', (c) => ask('/raw/x', [`Upgrade: ${c}`]), { where: /^$/, why: protocol }),
  request('a body', (c) => ask('/raw/x', ['Content-Length: 30'], `password=${c}`.padEnd(30))),
  request('a body that is cut', (c) => ask('/raw/x', ['Content-Length: 300'], `password=${c}`)),
  request('a trailer', (c) =>
    ask('/raw/x', ['Transfer-Encoding: chunked'], `1\r\na\r\n0\r\nAuthorization: ${c}\r\n\r\n`),
  ),
  request('a chunk that is none', (c) => ask('/raw/x', ['Transfer-Encoding: chunked'], `${c}\r\n`)),
];

const answers: readonly Row[] = [
  ...answer('a reason phrase', (c) => `HTTP/1.1 500 token=${c}\r\nContent-Length: 0\r\n\r\n`, {
    where: /^answer/,
    why: itsOwnAnswer,
  }),
  ...answer('a field of a good answer', (c) => `HTTP/1.1 200 OK\r\nSet-Cookie: ${c}\r\nContent-Length: 0\r\n\r\n`, {
    where: /^answer/,
    why: itsOwnAnswer,
  }),
  ...answer('a body', (c) => `HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n${c.padEnd(16)}`, {
    where: /^answer/,
    why: itsOwnAnswer,
  }),
  ...answer(
    'a field of an answer that is refused',
    (c) => `HTTP/1.1 200 OK\r\nSet-Cookie: ${c}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
  ),
  ...answer('a field line that is broken', (c) => `HTTP/1.1 200 OK\r\nSet Cookie: ${c}\r\n\r\n`),
  ...answer('a status line that is broken', (c) => `HTTP/1.1 2x0 token=${c}\r\n\r\n`),
  ...answer('first bytes with a password', (c) => `ERR password=${c}\r\n`),
  ...answer('first bytes with a field', (c) => `Authorization: Bearer ${c}\r\n\r\n`),
  ...answer('first bytes with an address', (c) => `cannot reach redis://:${c}@cache:6379\r\n`),
  ...answer(
    'first bytes with an address that is cut',
    (c) => `${'x'.repeat(36)} redis://anna:${c}${'y'.repeat(80)}@cache\r\n`,
  ),
  ...answer('first bytes that are no text', (c) => `\u0000\u0001\u00ff secret=${c} \u0000`),
  ...answer('first bytes with JSON', (c) => `{"api_key":"${c}"}`),
  ...answer('first bytes', (c) => `ERR ${c}\r\n`, { where: /log|explain/, why: nothingKnowsIt }),
  ...answer('a chunk that is none', (c) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${c}\r\n`),
  ...answer('a trailer', (c) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie: ${c}\r\n\r\n`),
  ...answer('a coding', (c) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${c}\r\n\r\n`, {
    where: /log|explain|\/raw\/x/,
    why: protocol,
  }),
];

const given = {
  option: canary(),
  optionValue: canary(),
  address: canary(),
  variable: canary(),
  accessKey: canary(),
  variableAddress: canary(),
  printed: [canary(), canary(), canary(), canary(), canary(), canary()],
};
const { option, optionValue, address, variable, accessKey, variableAddress, printed } = given;
const token = `candor_${canary()}${'x7'.repeat(20)}`;

const started = {
  command: [`--password=${option} and more`, '--api-key', optionValue, `postgres://anna:${address}@db/shop`],
  environment: {
    DB_PASSWORD: variable,
    AWS_SECRET_ACCESS_KEY: accessKey,
    DATABASE_URL: `postgres://anna:${variableAddress}@db/`,
  },
  lastWords: [
    `DB_PASSWORD=${printed[0]} is wrong`,
    `Authorization: Bearer ${printed[1]}`,
    `{"client_secret":"${printed[2]}"}`,
    '-----BEGIN PRIVATE KEY-----',
    printed[3],
    '-----END PRIVATE KEY-----',
    `GET http://anna:${printed[4]}@api/?key=${printed[5]} failed`,
    '',
  ].join('\n'),
  token,
};

const ofApplications: readonly Row[] = [
  { what: 'an option of a command', canary: option },
  { what: 'the value behind an option', canary: optionValue },
  { what: 'an address of a command', canary: address },
  { what: 'a variable', canary: variable },
  { what: 'a variable whose name is longer', canary: accessKey },
  { what: 'an address in a variable', canary: variableAddress },
  ...printed.map((one, place) => ({ what: `what an application prints, ${place}`, canary: one })),
  { what: 'the token of the admin API', canary: token.slice('candor_'.length, 20) },
];

let world: World;
before(async () => {
  world = await World.start(started);
  for (const { request: asked, answer: sent, what } of [...requests, ...answers])
    world.outputs.set(
      `answer to ${what}`,
      await world.send({ request: asked ?? '', ...(sent === undefined ? {} : { answer: sent }) }),
    );
  world.outputs.set('answer about an application that has ended', await world.send({ request: ask('/ends/x') }));
  await world.collect();
});
after(() => world.end());

/** As it was sent, and in the encodings of bytes and words that outputs use. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, secret.toLowerCase(), bytes.toString('hex'), bytes.toString('base64').slice(0, 8)];
}

function seenIn(secret: string): string[] {
  return [...world.outputs].flatMap(([name, text]) =>
    spellings(secret).some((one) => text.includes(one)) ? [name] : [],
  );
}

for (const [title, rows] of [
  ['requests', requests],
  ['answers of endpoints', answers],
  ['applications', ofApplications],
] as const)
  describe(`no output has a secret of ${title}`, () => {
    for (const { what, canary: secret, shown } of rows)
      test(shown === undefined ? what : `${what}: shown, since ${shown.why}`, () => {
        const seen = seenIn(secret).filter((name) => !(shown?.where.test(name) ?? false));
        const first = seen.map((name) => `${name}: ${excerpt(world.outputs.get(name) ?? '', secret)}`);
        assert.deepEqual(first, []);
      });
  });

function excerpt(text: string, secret: string): string {
  const at = Math.max(...spellings(secret).map((one) => text.indexOf(one)));
  return text.slice(Math.max(0, at - 120), at + 60);
}

test('every output was searched', () => {
  const empty = [...world.outputs].flatMap(([name, text]) => (text === '' ? [name] : []));
  assert.deepEqual(empty, []);
  assert.ok(world.outputs.size > requests.length + answers.length + 15);
});

describe('what commands read and repeat', () => {
  const secret = canary();
  const lines = [
    `2026/11/20 14:03:22 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.1.1, server: a, request: "GET /reset?code=${secret} HTTP/1.1", upstream: "http://anna:${secret}@127.0.0.1:3000/reset?code=${secret}", host: "a", referrer: "http://b/?token=${secret}"`,
    `10.1.1.1 - - [20/Nov/2026:14:03:22 +0000] "GET /verify/eyJhbGciOiJIUzI1NiJ9.${secret}.${secret} HTTP/1.1" 502 150 "http://b/?k=${secret}" "curl"`,
    `{"level":"error","ts":1795183402.1,"logger":"http.log.error","msg":"dial tcp 127.0.0.1:3000: connect: connection refused","request":{"method":"GET","uri":"/a?b=${secret}","headers":{"Cookie":["${secret}"],"Authorization":["Bearer ${secret}"]}},"status":502}`,
    `no line of any log, with password=${secret}`,
  ];
  const configuration = `
upstreams:
  a: "http://anna:${secret}@127.0.0.1:3000"
  b: { endpoints: ["127.0.0.1:3000"], check: { path: "http://anna:${secret}@b/health?token=${secret}" } }
applications:
  c: { command: "API_TOKEN=${secret} node server.js --password=${secret}", environment: { DB_PASSWORD: ${secret}, X: [] } }
  d: { command: "node 'server.js --api-key ${secret}", environment: { SECRET_KEY_BASE: ["${secret}"], KEY: {} } }
routes:
  - { path: /, to: a, request: { set: { Authorization: "Bearer ${secret}", X-Api-Key: "${secret}" } } }
`;
  const commands: readonly (readonly string[])[] = [
    ...lines.flatMap((line) => [
      ['explain', line],
      ['explain', line, '--json'],
    ]),
    ['explain', 'foreign.log'],
    ['explain', 'foreign.log', '--json'],
    ['explain', 'foreign.log', '--lines'],
    ['explain', 'foreign.log', '--lines', '--json'],
    ['explain', 'foreign.log', '--html', 'foreign.html'],
    ['check', '-c', 'bad.yaml'],
    ['check', '-c', 'bad.yaml', '--json'],
    ['up', '-c', 'bad.yaml'],
    ['whose', `http://anna:${secret}@127.0.0.1:1/?token=${secret}`],
    ['torture', `http://anna:${secret}@127.0.0.1:1/?token=${secret}`, '--timeout', '1'],
  ];
  for (const command of commands)
    test(command.map((word) => word.slice(0, 30)).join(' '), async () => {
      const context = new FakeProcessContext(world.folder);
      writeFileSync(join(world.folder, 'foreign.log'), `${lines.join('\n')}\n`);
      writeFileSync(join(world.folder, 'bad.yaml'), configuration);
      await context.candor(...command);
      const page = join(world.folder, 'foreign.html');
      const said = context.stdout.text + context.stderr.text + (existsSync(page) ? readFileSync(page, 'utf8') : '');
      assert.notEqual(said, '');
      assert.ok(!said.includes(secret), excerpt(said, secret));
    });
});
