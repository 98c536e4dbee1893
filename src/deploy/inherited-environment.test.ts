import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { inheritedEnvironment, lastingEnvironment } from './inherited-environment.ts';

const given = { ...process.env };

afterEach(() => {
  process.env = { ...given };
});

for (const name of ['CANDOR_TOKEN', 'NOTIFY_SOCKET', 'LISTEN_FDS', 'CREDENTIALS_DIRECTORY']) {
  test(`no application is given ${name}`, () => {
    process.env[name] = 'of ours alone';
    process.env['THEIRS'] = 'too';
    for (const environment of [inheritedEnvironment(), lastingEnvironment()]) {
      assert.equal(name in environment, false);
      assert.equal(environment['THEIRS'], 'too');
    }
  });
}
