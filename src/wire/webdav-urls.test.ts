import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../testing/properties.test-support.ts';
import { conditionSent, destinationSent, type OwnUrls } from './webdav-urls.ts';

/** A route that is sent `/dav/…` as `/…`. */
const urls: OwnUrls = {
  scheme: 'https',
  authorities: ['shop.example', 'alias.example:8443'],
  sent: 'http://app:3000',
  pathSent: (path) => (/^\/dav([/?]|$)/.test(path) ? path.slice(4).replace(/^(?!\/)/, '/') : null),
};

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
    ['http://shop.example/dav/a', 'http://shop.example/dav/a', 'another scheme'],
    ['https://shop.example:8443/dav/a', 'https://shop.example:8443/dav/a', 'another port'],
    ['https://other.example/dav/a', 'https://other.example/dav/a', 'another host'],
    ['https://me@shop.example/dav/a', 'https://me@shop.example/dav/a', 'user information'],
    ['//shop.example/dav/a', '//shop.example/dav/a', 'a URL without a scheme, which RFC 4918 does not allow'],
    [
      'https://shop.example/dav/a, https://shop.example/dav/b',
      'https://shop.example/dav/a, https://shop.example/dav/b',
      'two',
    ],
    ['dav/a', 'dav/a', 'no URL'],
    ['', '', 'nothing'],
  ];
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
    [
      '<https://shop.example/other> (<DAV:no-lock>)',
      '<https://shop.example/other> (<DAV:no-lock>)',
      'a resource of another route',
    ],
    ['</dav/$&> (["a"])', '</$&> (["a"])', 'what a replacement would take for a pattern'],
    [
      '(<https://shop.example/dav/token>)',
      '(<https://shop.example/dav/token>)',
      'a state token that looks like a resource',
    ],
    ['(["</dav/a>"])', '(["</dav/a>"])', 'an entity tag that looks like a resource'],
    ['</dav/a> (["x"', '</dav/a> (["x"', 'a list without an end'],
    ['</dav/a (["x"])', '</dav/a (["x"])', 'a resource without an end'],
  ];
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
        assert.equal(conditionSent(value, urls), value);
      }),
    );
    const hostile = '("a'.repeat(20_000);
    assert.equal(conditionSent(hostile, urls), hostile);
  });
});
