import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CgiFacts } from '../../core/cgi.ts';
import { type HeaderSink, noBody, type OutgoingRequest } from '../../core/message.ts';
import { readVariables } from '../../wire/fastcgi-server.test-support.ts';
import { CgiVariables } from './cgi-variables.ts';

const facts: CgiFacts = {
  client: { address: '192.0.2.7', port: 40122, scheme: 'https', connection: { localAddress: '192.0.2.100' } },
  version: 'HTTP/1.1',
  target: '/blog/a%20b.php/more?x=1',
  prefixRemoved: '/blog',
  script: { root: '/srv/www', name: '/a b.php', pathInfo: '/more', variables: { APP_ENV: 'production' } },
};

const variables = new CgiVariables();

function composed(writeHeaders: (sink: HeaderSink) => void, cgi: CgiFacts | null = facts): Map<string, string> {
  const request = { method: 'GET', target: '/a%20b.php/more?x=1', authority: 'shop.example:8443', framing: noBody };
  variables.compose({ ...request, writeHeaders, cgi: () => cgi } as unknown as OutgoingRequest);
  return readVariables(variables.bytes.subarray(0, variables.length));
}

function ofHeaders(writeHeaders: (sink: HeaderSink) => void): Record<string, string> {
  const all = [...composed(writeHeaders)].filter(([name]) => name.startsWith('HTTP_') || name === 'CONTENT_TYPE');
  return Object.fromEntries(all.filter(([name]) => name !== 'HTTP_HOST'));
}

/** A run of lines as it stands in a head. */
function lines(sink: HeaderSink, text: string): void {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${text.replaceAll('\n', '\r\n')}\r\n`, 'latin1');
  sink.headerLines(bytes, 16, bytes.length);
}

const browser =
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)\nAccept: text/html\nCookie: a=1\nReferer:  https://shop.example/ ';

const cases: readonly {
  readonly name: string;
  readonly write: (sink: HeaderSink) => void;
  readonly expected: Record<string, string>;
}[] = [
  {
    name: 'are variables without white space around their values',
    write: (sink) => lines(sink, browser),
    expected: {
      HTTP_USER_AGENT: 'Mozilla/5.0 (X11; Linux x86_64)',
      HTTP_ACCEPT: 'text/html',
      HTTP_COOKIE: 'a=1',
      HTTP_REFERER: 'https://shop.example/',
    },
  },
  {
    name: 'of the same name are one variable, within a run of lines and over several',
    write(sink) {
      lines(sink, 'X-One: 1\nCookie: a=1\nx-one: 2\nCOOKIE: b=2');
      sink.header('X-Two', '1');
      lines(sink, 'Cookie: c=3\nX-Two: 2');
      sink.header('X-One', '3');
    },
    expected: { HTTP_X_ONE: '1, 2, 3', HTTP_COOKIE: 'a=1; b=2; c=3', HTTP_X_TWO: '1, 2' },
  },
  {
    name: 'with a "_" or another mark in the name are left out, and those that the gateway says otherwise',
    write(sink) {
      lines(
        sink,
        "X_User: eve\nX.User: eve\nX-Us'er: eve\nProxy: http://eve\nHost: eve\nContent-Length: 99\nX-User: bob",
      );
      sink.header('Proxy', 'http://eve');
    },
    expected: { HTTP_X_USER: 'bob' },
  },
  {
    name: 'that name the type of the body have a variable of their own, of the first one alone',
    write(sink) {
      lines(sink, 'Content-Type: text/plain');
      lines(sink, 'Content-Type: text/html\nAccept: */*');
    },
    expected: { CONTENT_TYPE: 'text/plain', HTTP_ACCEPT: '*/*' },
  },
  {
    name: 'may be empty, long and many',
    write(sink) {
      lines(sink, 'X-Empty:\nX-Blank:  ');
      lines(sink, `X-Long: ${'v'.repeat(40_000)}`);
      for (let n = 0; n < 200; n++) lines(sink, `X-${'n'.repeat(n + 200)}: ${n}`);
    },
    expected: {
      HTTP_X_EMPTY: '',
      HTTP_X_BLANK: '',
      HTTP_X_LONG: 'v'.repeat(40_000),
      ...Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`HTTP_X_${'N'.repeat(n + 200)}`, String(n)])),
    },
  },
];

describe('the headers of a request', () => {
  for (const { name, write, expected } of cases)
    it(`${name}, however often they have come`, () => {
      for (let time = 0; time < 4; time++) assert.deepEqual(ofHeaders(write), expected, `time ${time}`);
    });

  it('of one request are not those of another whose lines begin alike', () => {
    for (let n = 0; n < 8; n++) {
      const { HTTP_COOKIE: cookie } = ofHeaders((sink) => lines(sink, `Accept: text/html\nCookie: session=${n % 2}`));
      assert.equal(cookie, `session=${n % 2}`);
    }
  });
});

describe('what is told besides', () => {
  it('is of the request, its connection, its program and its route', () => {
    const told = Object.fromEntries(composed((sink) => sink.header('App-Env', 'test')));
    assert.deepEqual(told, {
      GATEWAY_INTERFACE: 'CGI/1.1',
      SERVER_SOFTWARE: 'candor',
      REQUEST_METHOD: 'GET',
      QUERY_STRING: 'x=1',
      REQUEST_URI: '/blog/a%20b.php/more?x=1',
      SCRIPT_NAME: '/blog/a b.php',
      PATH_INFO: '/more',
      DOCUMENT_URI: '/blog/a b.php/more',
      DOCUMENT_ROOT: '/srv/www',
      SCRIPT_FILENAME: '/srv/www/a b.php',
      PATH_TRANSLATED: '/srv/www/more',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REQUEST_SCHEME: 'https',
      HTTPS: 'on',
      REMOTE_ADDR: '192.0.2.7',
      REMOTE_PORT: '40122',
      SERVER_ADDR: '192.0.2.100',
      SERVER_PORT: '8443',
      SERVER_NAME: 'shop.example',
      REDIRECT_STATUS: '200',
      HTTP_HOST: 'shop.example:8443',
      HTTP_APP_ENV: 'test',
      APP_ENV: 'production',
    });
  });

  const script = facts.script as NonNullable<CgiFacts['script']>;
  const changes: readonly [string, Partial<CgiFacts>, string, string][] = [
    ['the program', { script: { ...script, name: '/b.php' } }, 'SCRIPT_FILENAME', '/srv/www/b.php'],
    ['the root', { script: { ...script, root: '/srv/other' } }, 'DOCUMENT_ROOT', '/srv/other'],
    ['what follows the program', { script: { ...script, pathInfo: '' } }, 'PATH_INFO', ''],
    ['what the route removes', { prefixRemoved: '' }, 'SCRIPT_NAME', '/a b.php'],
    ['the version', { version: 'HTTP/2' }, 'SERVER_PROTOCOL', 'HTTP/2.0'],
    ['the scheme', { client: { ...facts.client, scheme: 'http' } }, 'REQUEST_SCHEME', 'http'],
    ['the client', { client: { ...facts.client, address: '192.0.2.8' } }, 'REMOTE_ADDR', '192.0.2.8'],
    ['the route', { script: { ...script, variables: { APP_ENV: 'test' } } }, 'APP_ENV', 'test'],
    ['the program (there is none)', { script: null }, 'SCRIPT_NAME', '/blog'],
  ];
  for (const [what, change, name, expected] of changes)
    it(`is told anew where ${what} is another one`, () => {
      const before = composed(() => undefined).get(name);
      assert.notEqual(before, expected);
      assert.equal(composed(() => undefined, { ...facts, ...change }).get(name), expected);
      assert.equal(composed(() => undefined).get(name), before);
    });
});
