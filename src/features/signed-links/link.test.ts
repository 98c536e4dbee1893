import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linkProblem, signedFolder, signedTarget } from './link.ts';
import { isInFolder } from './worker-folder.ts';

const [key, other] = ['a'.repeat(32), 'b'.repeat(32)];
const nowS = 1_700_000_000;
const at = (target: string, address: string | null = null, keys = [key]): string | null =>
  linkProblem(target, keys, { nowS, address, isIn: isInFolder })?.fault ?? null;
const link = signedTarget('/files/a.pdf', nowS + 60, key, null);
const signature = link.slice(link.lastIndexOf('=') + 1);

test('a link is what other languages make of the same text', () => {
  const text = '/files/a.pdf?user=7&expires=1700000060';
  // printf %s "$text" | openssl dgst -sha256 -hmac aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  assert.equal(
    signedTarget('/files/a.pdf?user=7', nowS + 60, key, null),
    `${text}&signature=7162bcca71eaaf42383edaf94a706f7af6d155c3e9d5deb0cd9cbe22c7bd93e3`,
  );
});

describe('a signed link', () => {
  for (const [what, target, fault] of [
    ['is valid until it expires', link, null],
    ['may have a query', signedTarget('/a?x=1&y=%20', nowS + 1, key, null), null],
    ['may write its signature in capitals', link.replace(signature, signature.toUpperCase()), null],
    ['has expired at that second', signedTarget('/a', nowS, key, null), 'expired'],
    ['is missing', '/files/a.pdf', 'missing'],
    ['is missing where only its time is there', `/files/a.pdf?expires=${nowS + 60}`, 'missing'],
    ['is of another key', signedTarget('/files/a.pdf', nowS + 60, other, null), 'not_valid'],
    ['is of another path', link.replace('a.pdf', 'b.pdf'), 'not_valid'],
    ['is of another time', link.replace(`=${nowS + 60}`, `=${nowS + 61}`), 'not_valid'],
    ['is spelt otherwise', link.replace('/files', '/%66iles'), 'not_valid'],
    ['goes through another folder', link.replace('/files', '/x/../files'), 'not_valid'],
    ['has two slashes', link.replace('/files', '//files'), 'not_valid'],
    ['has a parameter before', link.replace('?', '?admin=1&'), 'not_valid'],
    ['has a parameter between', link.replace('&signature', '&admin=1&signature'), 'not_valid'],
    ['has a parameter behind', `${link}&admin=1`, 'not_valid'],
    ['has an empty parameter behind', `${link}&`, 'not_valid'],
    ['has a second time', link.replace('&signature', `&expires=${nowS + 99}&signature`), 'not_valid'],
    ['has a second signature', `${link}&signature=${signature}`, 'not_valid'],
    ['has a signature before', link.replace('?', `?signature=${signature}&`), 'not_valid'],
    ['has its parameters in another order', `/files/a.pdf?signature=${signature}&expires=${nowS + 60}`, 'not_valid'],
    ['has a shorter signature', link.slice(0, -2), 'not_valid'],
    ['has no signature behind its name', link.replace(signature, ''), 'not_valid'],
    ['never expires', signedTarget('/a', Number.NaN, key, null), 'not_valid'],
    ['expires too late to be a time', signedTarget('/a', 1e13, key, null), 'not_valid'],
    ['expires twice, as its application has signed', signedTarget('/a?expires=1', nowS + 60, key, null), 'not_valid'],
  ] as const)
    test(what, () => assert.equal(at(target), fault));

  test('of an address is of no other, nor of all', () => {
    const bound = signedTarget('/a', nowS + 60, key, '192.0.2.1');
    assert.deepEqual([at(bound, '192.0.2.1'), at(bound, '192.0.2.2'), at(bound)], [null, 'not_valid', 'not_valid']);
    assert.equal(at(signedTarget('/a', nowS + 60, key, null), '192.0.2.1'), 'not_valid');
  });

  test('is valid by each key of the file', () => {
    for (const one of [key, other]) assert.equal(at(signedTarget('/a', nowS + 9, one, null), null, [key, other]), null);
  });
});

describe('a link of a folder', () => {
  const query = signedFolder('/files/album/', nowS + 60, key, null);
  const encoded = signedFolder('%2Ffiles%2Falbum%2F', nowS + 60, key, null);

  test('is what other languages make of the same text', () => {
    // printf %s "folder=/files/album/&expires=1700000060" | openssl dgst -sha256 -hmac aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    assert.equal(
      query,
      'folder=/files/album/&expires=1700000060&signature=ce270f9475a1886dff5335aa5096fea57a8cd3dac7fd6746c280f7642e93d4d3',
    );
  });

  for (const [what, target, fault] of [
    ['is valid for what is in it', `/files/album/1.jpg?${query}`, null],
    ['is valid for folders in it', `/files/album/2026/1.jpg?${query}`, null],
    ['is valid for itself', `/files/album/?${query}`, null],
    ['may have encoded slashes', `/files/album/1.jpg?${encoded}`, null],
    ['is valid for every spelling of its paths', `/files//%61lbum/x/../1.jpg?${query}`, null],
    ['is not for the folder without its slash', `/files/album?${query}`, 'not_valid'],
    ['is not for a folder that begins alike', `/files/album2/1.jpg?${query}`, 'not_valid'],
    ['is not for what is above it', `/files/1.jpg?${query}`, 'not_valid'],
    ['is not for what a dot segment leads to', `/files/album/../1.jpg?${query}`, 'not_valid'],
    ['is not for what an encoded dot segment leads to', `/files/album/%2e%2e/1.jpg?${query}`, 'not_valid'],
    ['is not for what a program may decode', `/files/album/..%2f1.jpg?${query}`, 'not_valid'],
    ['is not for what a program may take for a slash', `/files/album/..%5c1.jpg?${query}`, 'not_valid'],
    ['has an encoded slash in its path', `/files%2Falbum/1.jpg?${query}`, 'not_valid'],
    ['has another parameter', `/files/album/1.jpg?x=1&${query}`, 'not_valid'],
    ['has a parameter between', `/files/album/1.jpg?${query.replace('&', '&x=1&')}`, 'not_valid'],
    ['is of another folder', `/files/b/1.jpg?${query.replace('album', 'b')}`, 'not_valid'],
    ['expires', `/files/album/1.jpg?${signedFolder('/files/album/', nowS, key, null)}`, 'expired'],
    ['is no folder', `/files/album/1.jpg?${signedFolder('/files/album', nowS + 60, key, null)}`, 'not_valid'],
    ['is of another key', `/files/album/1.jpg?${signedFolder('/files/album/', nowS + 60, other, null)}`, 'not_valid'],
    ['may be a link that has such a parameter', signedTarget('/list?folder=/a/', nowS + 60, key, null), null],
  ] as const)
    test(what, () => assert.equal(at(target), fault));

  test('of an address is of no other', () => {
    const bound = `/a/1?${signedFolder('/a/', nowS + 60, key, '192.0.2.1')}`;
    assert.deepEqual([at(bound, '192.0.2.1'), at(bound, '192.0.2.2'), at(bound)], [null, 'not_valid', 'not_valid']);
  });
});
