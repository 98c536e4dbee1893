import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import type { Result } from '#failures/result.ts';
import { editDistance, nearest } from '../../core/nearest.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { parseEndpoint, parseListenAddress } from './address.ts';
import { splitCommandLine } from '../../schema/format/command-line.ts';
import { parseDuration } from '../../schema/format/duration.ts';
import { parseHeaderName, parseHeaderValue, parseMethod } from '../../schema/format/field.ts';
import { parseHostPattern, parseRouteHost } from './host-pattern.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import { parseBytes } from '../../schema/format/bytes.ts';
import { parseCheckPath, parsePath, parsePathPrefix } from './path-prefix.ts';
import { loadPatterns } from '../../core/pattern.ts';
import { parsePattern } from '../../schema/format/pattern.ts';

function valueOf<T>(result: Result<T, ErrorDetail>): T {
  if (result.ok) return result.value;
  assert.fail(`${result.failure.message}: ${result.failure.suggestion}`);
}

describe('parseDuration', () => {
  const durations: [text: string, ms: number][] = [
    ['1ms', 1],
    ['500ms', 500],
    ['2s', 2000],
    ['1.5s', 1500],
    ['0.25s', 250],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1h0m5s', 3_605_000],
    ['2d', 172_800_000],
    ['1m500ms', 60_500],
  ];
  for (const [text, ms] of durations) test(`${text} is ${ms} ms`, () => assert.equal(valueOf(parseDuration(text)), ms));

  const refused = [
    '',
    's',
    '1',
    '1 s',
    '1s1m',
    '1m1m',
    '-1s',
    '1.5m',
    '1e3s',
    '١s',
    '0s',
    '0ms',
    '0.0001s',
    '25d',
    '999999999999h',
    '1s ',
    'ms',
  ];
  for (const text of refused)
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text).ok, false));

  test('what it suggests, it accepts', () => {
    for (const text of ['5 seconds', '2min', '500 msec', '1 hour', '3', '1h 30m', '2days', '10 mins', '-5s']) {
      const result = parseDuration(text);
      assert.ok(!result.ok);
      const [, suggested] = /^write (\S+)$/.exec(result.failure.suggestion ?? '') ?? [];
      assert.ok(suggested !== undefined && parseDuration(suggested).ok, text);
    }
  });
});

describe('parseBytes', () => {
  test('reads every unit', () => {
    assert.deepEqual(
      ['1B', '2KiB', '3MiB', '4GiB', '1TiB'].map((text) => valueOf(parseBytes(text))),
      [1, 2048, 3 * 2 ** 20, 2 ** 32, 2 ** 40],
    );
  });
  for (const text of ['', '1', '1kb', '1KB', '1.5MiB', '1 MiB', '0B', '-1B', '9999999999TiB']) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseBytes(text).ok, false));
  }
});

describe('parseNetwork', () => {
  test('an address is a network of one, and its text stays', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => assert.equal(valueOf(parseNetwork(address)), `${address}/32`)));
    fc.assert(
      fc.property(fc.ipV6(), (address) => assert.equal(valueOf(parseNetwork(address)), `${address.toLowerCase()}/128`)),
    );
  });

  test('what it suggests for a network with bits beyond its length, it accepts', () => {
    const network = fc.oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128)));
    fc.assert(
      fc.property(network, ([address, length]) => {
        const result = parseNetwork(`${address}/${length}`);
        if (result.ok) return;
        const [, suggested] = /^write (\S+) for the network/.exec(result.failure.suggestion ?? '') ?? [];
        assert.ok(suggested !== undefined && parseNetwork(suggested).ok, `${address}/${length}: ${suggested}`);
      }),
    );
  });

  for (const text of [
    '',
    'x',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '::/129',
    'fe80::1%eth0',
    '10.0.0.1/8',
    '::1/0',
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseNetwork(text).ok, false));
  }
});

describe('addresses', () => {
  const endpoints: [text: string, address: string][] = [
    ['a:1', 'tcp a 1'],
    ['A.Example:65535', 'tcp a.example 65535'],
    ['app_1:80', 'tcp app_1 80'],
    ['[::1]:80', 'tcp ::1 80'],
    ['https://[2001:DB8::1]', 'tcp 2001:db8::1 443'],
    ['[0:0:0:0:0:0:0:1]:80', 'tcp ::1 80'],
    ['[::FFFF:7f00:1]:80', 'tcp ::ffff:127.0.0.1 80'],
    ['[fe80::1%eth0]:80', 'tcp fe80::1%eth0 80'],
    ['HTTP://a/', 'tcp a 80'],
    ['unix:/a', 'unix /a'],
    ['unix:///a', 'unix /a'],
  ];
  for (const [text, expected] of endpoints) {
    test(`the endpoint ${text}`, () => {
      const { address } = valueOf(parseEndpoint(text));
      assert.equal(address.kind === 'unix' ? `unix ${address.path}` : `tcp ${address.host} ${address.port}`, expected);
    });
  }
  for (const text of [
    '',
    ':',
    'a',
    'a:',
    'a:0',
    'a:b',
    'a:99999',
    '1.2.3:80',
    '1.2.3.4.5:80',
    '-a:80',
    'a..b:80',
    '[a]:80',
    '[::1]',
    '::1',
    'a b:80',
    'http://a:80/x',
    'http://a?x',
    'http://u@a',
    'ftp://a',
    'unix:',
    '/a',
    'http://',
    'a:80\n',
  ]) {
    test(`refuses the endpoint ${JSON.stringify(text)}`, () => assert.equal(parseEndpoint(text).ok, false));
  }
  for (const text of ['', ':', ':x', ':70000', 'localhost', 'unix:/a', 'http://a:80', '::1', '0.0.0.0', '[::]']) {
    test(`refuses the listener ${JSON.stringify(text)}`, () => assert.equal(parseListenAddress(text).ok, false));
  }
});

describe('splitCommandLine', () => {
  const lines: [text: string, words: string[] | null][] = [
    ['node server.js', ['node', 'server.js']],
    ['  node   server.js  ', ['node', 'server.js']],
    ['a "b c" \'d e\' f\\ g', ['a', 'b c', 'd e', 'f g']],
    ['a "" \'\'', ['a', '', '']],
    ['a "x\\"y" \'x\\y\'', ['a', 'x"y', 'x\\y']],
    ['a b"c"d', ['a', 'bcd']],
    ['a "&& |"', ['a', '&& |']],
    ['a http://x/?a=1&b=2', null],
    ['a $HOME', ['a', '$HOME']],
    ['a $(b)', null],
    ['a `b`', null],
    ['a | b', null],
    ['a > b', null],
    ['a; b', null],
    ['A=1 b', null],
    ['a "b', null],
    ['', null],
    ['   ', null],
  ];
  for (const [text, words] of lines) {
    test(words === null ? `refuses ${JSON.stringify(text)}` : `splits ${JSON.stringify(text)}`, () => {
      const result = splitCommandLine(text);
      assert.deepEqual(result.ok ? result.value : null, words);
    });
  }

  test('quoted words come back as they were', () => {
    const word = fc.string({ minLength: 1, maxLength: 8 }).filter((one) => !one.includes("'"));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (words) => {
        assert.deepEqual(valueOf(splitCommandLine(['a', ...words.map((one) => `'${one}'`)].join(' '))), [
          'a',
          ...words,
        ]);
      }),
    );
  });
});

describe('what requests are matched by', () => {
  before(loadPatterns);

  const accepted: [parse: (text: string) => Result<string, ErrorDetail>, text: string, value: string][] = [
    [parseHostPattern, 'Example.ORG', 'example.org'],
    [parseHostPattern, '*.example.org', '*.example.org'],
    [parseHostPattern, '127.0.0.1', '127.0.0.1'],
    [parseHostPattern, '[::1]', '[::1]'],
    [parseHostPattern, 'localhost', 'localhost'],
    ...['shop-*.example.org', '*shop.example.org', '*.example.org', 'a.org', '~ ^a'].map(
      (text): [typeof parseRouteHost, string, string] => [parseRouteHost, text, text],
    ),
    [parseRouteHost, '~^[a-z]+$', '~ ^[a-z]+$'],
    [parseRouteHost, 'SHOP-*.Example.org.', 'shop-*.example.org'],
    [parsePattern, '(?<id>[0-9]+)', '(?<id>[0-9]+)'],
    [parsePathPrefix, '/', '/'],
    [parsePathPrefix, '/a/', '/a'],
    [parsePathPrefix, '/%C3%BC', '/%C3%BC'],
    [parsePathPrefix, '/.well-known', '/.well-known'],
    [parsePathPrefix, "/a:b@c;d=e,f!g'h+i&j", "/a:b@c;d=e,f!g'h+i&j"],
    [parseCheckPath, '/up?a=b', '/up?a=b'],
    [parseMethod, 'GET', 'GET'],
    [parseMethod, 'PROPFIND', 'PROPFIND'],
    [parseHeaderName, 'X-A', 'X-A'],
    [parseHeaderValue, '', ''],
    [parseHeaderValue, 'a\tb', 'a\tb'],
  ];
  for (const [parse, text, value] of accepted)
    test(`${parse.name} takes ${JSON.stringify(text)}`, () => assert.equal(valueOf(parse(text)), value));

  const paths: [text: string, kind: string, value: string][] = [
    ['/api/', 'prefix', '/api'],
    ['= /login', 'exact', '/login'],
    ['=/login/', 'exact', '/login/'],
    ['*.php', 'glob', '/**.php'],
    ['**/a.php', 'glob', '/**/a.php'],
    ['/users/*/edit', 'glob', '/users/*/edit'],
    ['/api*', 'glob', '/api*'],
    ['~ ^/a b', 'pattern', '^/a b'],
  ];
  for (const [text, kind, value] of paths)
    test(`parsePath takes ${JSON.stringify(text)} for ${kind} ${value}`, () =>
      assert.deepEqual(parsePath(text), { ok: true, value: { kind, text: value } }));

  const refused: [parse: (text: string) => Result<unknown, ErrorDetail>, texts: string[]][] = [
    [
      parseHostPattern,
      [
        '',
        '*',
        'a*',
        '*.*.org',
        '**.org',
        'a:80',
        'http://a',
        '.a',
        'a/b',
        'a b',
        '^a$',
        '-a',
        'a..b',
        'no',
        'y.',
        'ｏｎ',
      ],
    ],
    [
      parsePathPrefix,
      [
        '',
        'a',
        '*',
        '/*',
        '/a/*',
        '/a?b',
        '/a#b',
        '/a b',
        '/%',
        '/%zz',
        '/./a',
        '/..',
        '//',
        '/a//b',
        '^/a',
        '/a\\b',
        '/a$',
        '/(a|b)',
        '\n',
      ],
    ],
    [parsePath, ['', 'a', '/a b', '= a', '=', '~', '~ (', '~* a', '^/a', '/a$', '/a***', '/../*', '^~ a b', '/a/*']],
    [parseRouteHost, ['', '*', 'a-*-*.org', '*.*.org', 'a*b*.org', '**.org', '~', '~ (', 'a+', '-*.org']],
    [parsePattern, ['', '(', '(?!a)', 'a'.repeat(1001)]],
    [parseCheckPath, ['', 'up', 'http://a/up', '/a b', '/a#b', '/ü']],
    [parseMethod, ['', 'get', 'CONNECT', '*', 'A B']],
    [parseHeaderName, ['', 'a b', 'a:', ':a', 'ü', 'a\n']],
    [parseHeaderValue, ['a\nb', 'a\0b', 'ü', ' a', 'a ']],
  ];
  for (const [parse, texts] of refused)
    for (const text of texts)
      test(`${parse.name} refuses ${JSON.stringify(text)}`, () => assert.equal(parse(text).ok, false));

  test('an accepted value is accepted again and stays what it is', () => {
    for (const parse of [parseHostPattern, parsePathPrefix, parseNetwork]) {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.domain(), fc.webPath(), fc.ipV4()), (text) => {
          const once = parse(text);
          if (once.ok) assert.deepEqual(parse(once.value), once);
        }),
      );
    }
  });
});

describe('nearest', () => {
  test('distance is none for the same, the same both ways, and at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        assert.equal(editDistance(a, a), 0);
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
      }),
    );
  });

  test('a swap of neighbours counts once', () => assert.equal(editDistance('chekc', 'check'), 1));
  test('the nearest comes first', () =>
    assert.deepEqual(nearest('timeout', ['timeouts', 'timeuots', 'log']), ['timeouts', 'timeuots']));
  test('a character more or less is near, and as many more as its length allows', () =>
    assert.deepEqual(nearest('timeo', ['timeouts', 'timeou', 'time', 'tim']), ['time', 'timeou']));
  test('what is not near is not suggested', () => assert.deepEqual(nearest('flux', ['timeouts', 'log']), []));
});
