import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { conditionSent, destinationSent, type OwnUrls } from './webdav-urls.ts';

/** A route that is sent `/dav/…` as `/…`. */
const urls: OwnUrls = {
  scheme: 'https',
  authorities: ['shop.example', 'alias.example:8443'],
  sent: 'http://app:3000',
  pathSent: (path) => (/^\/dav([/?]|$)/.test(path) ? path.slice(4).replace(/^(?!\/)/, '/') : null),
  confined: true,
};
/** A route that takes every path as it comes. */
const open: OwnUrls = { ...urls, pathSent: (path) => path, confined: false };

/** What applications read a path from, and what is no URL of this origin under `/dav`. */
const escapes = [
  ...[
    'https://evil.example/dav/a',
    'http://shop.example/dav/a',
    'https://shop.example:8443/dav/a',
    '//shop.example/dav/a',
  ],
  ...[
    'https://u:p@shop.example/dav/a',
    'https://shop.example\t/dav/a',
    'https:///dav/a',
    'https:/dav/a',
    'HTTPS:/dav/a',
  ],
  ...[
    'https://127.0.0.1/dav/a',
    'ftp://shop.example/dav/a',
    'https:dav/a',
    'dav/a',
    '',
    '?x',
    '/dav/a, /dav/b',
    '/dav/a b',
  ],
  ...[
    'https://shop.example/dav/a, https://shop.example/dav/b',
    'https://shop.example/dav/a#b',
    '/dav\\..\\b',
    '/dav/a\t',
  ],
];

describe('Destination', () => {
  const cases: readonly [value: string, sent: string | null, why: string][] = [
    ['https://shop.example/dav/a', 'http://app:3000/a', 'a URL of this origin'],
    ['HTTPS://Shop.Example.:0443/dav/a%20b?c=/d', 'http://app:3000/a%20b?c=/d', 'in another spelling'],
    ['https://alias.example:8443/dav/', 'http://app:3000/', 'its other authority'],
    ['https://shop.example/dav', 'http://app:3000/', 'the prefix itself'],
    ['/dav/a', '/a', 'a path'],
    ['https://shop.example/other/a', null, 'a path that another route serves'],
    ['https://shop.example', null, 'the root, which another route serves'],
    ['/other/a', null, 'the same as a path'],
    ['/dav/\xc3\xa0,b?c', '/\xc3\xa0,b?c', 'bytes that a request target may have'],
  ];
  for (const value of escapes)
    it(`leads out of no path, and goes on to an application that has all paths: ${JSON.stringify(value)}`, () => {
      assert.equal(destinationSent(value, urls), null);
      assert.equal(conditionSent(`<${value}> (["x"])`, urls), null);
      if (!value.startsWith('/dav')) assert.equal(destinationSent(value, { ...open, authorities: ['other'] }), value);
    });
  for (const [value, sent, why] of cases) {
    it(`is translated: ${why}`, () => {
      assert.equal(destinationSent(value, urls), sent);
    });
  }
});

describe('If', () => {
  const token = '<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>';
  const cases: readonly [value: string, sent: string, why: string][] = [
    [`(${token})`, `(${token})`, 'a list without a resource'],
    [
      `<https://shop.example/dav/a> (${token} ["I am, an ETag)"]) (["x"])`,
      `<http://app:3000/a> (${token} ["I am, an ETag)"]) (["x"])`,
      'a resource',
    ],
    [`</dav/a>(Not ${token}) </dav/b> (${token})`, `</a>(Not ${token}) </b> (${token})`, 'two resources, as paths'],
    ['</dav/$&> (["a"])', '</$&> (["a"])', 'what a replacement would take for a pattern'],
    [
      '(<https://shop.example/dav/token>)',
      '(<https://shop.example/dav/token>)',
      'a state token that looks like a resource',
    ],
  ];
  for (const value of [
    ...[
      '<https://shop.example/other> (<DAV:no-lock>)',
      '(["</dav/a>"])',
      '</dav/a> (["x"',
      '</dav/a (["x"])',
      '</dav/a> (x)',
    ],
    ...['(["a]) </other> (["b"])', '</dav/a> (["x"]), </other> (["x"])', '</dav/a> () </other>'],
  ])
    it(`is refused where applications could read a resource of another route in it: ${value}`, () => {
      assert.equal(conditionSent(value, urls), null);
      assert.equal(conditionSent(value, { ...open, authorities: ['other'] }), value);
    });
  for (const [value, sent, why] of cases) {
    it(`is translated in its resources alone: ${why}`, () => {
      assert.equal(conditionSent(value, urls), sent);
    });
  }

  it('is sent as it came where no resource is of this origin, and takes a time that grows with its length', () => {
    const parts = ['(', ')', '<', '>', '"', ' ', 'a', '</other>', '["x"]', '(<urn:a>)', '<http://x/y>'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 40 }), (written) => {
        const value = written.join('');
        assert.equal(conditionSent(value, open), value);
      }),
    );
    const hostile = '("a'.repeat(20_000);
    assert.equal(conditionSent(hostile, urls), null);
    assert.equal(conditionSent('(<a>'.repeat(20_000), urls), null);
    assert.equal(conditionSent(`(${'Not<a>'.repeat(20_000)}`, urls), null);
  });
});
