import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { readToServe } from './read-configuration.ts';
import { readInThread } from './read-in-thread.ts';

const large = `upstreams: { app: ["\${HOST_OF_APP}:3000", "127.0.0.1:3001"], other: "127.0.0.1:3002" }
routes:
${Array.from({ length: 700 }, (_, at) => `  - { host: h${at}.example.org, path: /p${at}, to: ${at % 2 === 0 ? 'app' : 'other'} }`).join('\n')}
`;

const texts: readonly [what: string, text: string][] = [
  ['a large configuration', large],
  ['a large configuration with errors', `${large}  - { to: nowhere }\n`],
  ['a small configuration', 'upstreams: { app: "127.0.0.1:3000" }\nroutes: [{ to: app }]\n'],
];

describe('a thread of its own reads the same as the main thread', () => {
  for (const [what, text] of texts) {
    test(what, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'candor-read-'));
      try {
        await writeFile(join(directory, 'candor.yaml'), text);
        const context = { directory, env: { HOST_OF_APP: '127.0.0.2' }, clock: systemClock };
        const expected = await readToServe('candor.yaml', context);
        const read = await readInThread('candor.yaml', context);
        assert.deepEqual(read, expected);
        assert.equal(read.configuration === null, what.includes('errors'));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    });
  }

  test('a file that is not there', async () => {
    const context = { directory: tmpdir(), env: {}, clock: systemClock };
    const { configuration, errors } = await readInThread('candor-that-is-not-there.yaml', context);
    assert.equal(configuration, null);
    assert.match(errors[0]?.message ?? '', /there is no file/);
  });
});
