import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyPrefix, readKeyFile } from './key-file.ts';

const hash = 'ab'.repeat(32);

test('a line has the name of the owner, the hash, and groups', () => {
  const { owners, flaws } = readKeyFile(`# programs\n\nci:${hash}:deploy, read\r\nold:${hash.replace('a', 'c')}\n`);
  assert.deepEqual(flaws, []);
  assert.deepEqual(
    [...owners.values()],
    [
      { name: 'ci', groups: ['deploy', 'read'] },
      { name: 'old', groups: [] },
    ],
  );
});

for (const [line, message] of [
  ['ci', /its hash is not SHA-256/],
  [`:${hash}`, /its name is empty/],
  [`ci:${hash.toUpperCase()}`, /small hexadecimal/],
  [`ci:${hash}:a:b`, /more than name, hash and groups/],
  [`ci:${keyPrefix}kanarie`, /a key in place of its hash/],
  [`${keyPrefix}kanarie:${hash}`, /a key in place of its hash/],
  [`ci:${hash}\nother:${hash}`, /there twice/],
] as const)
  test(`${line.slice(0, 24)}… is refused, and not repeated`, () => {
    const { flaws } = readKeyFile(line);
    assert.equal(flaws.length, 1);
    assert.match(flaws[0]?.message ?? '', message);
    assert.doesNotMatch(JSON.stringify(flaws), /kanarie|abab/);
  });
