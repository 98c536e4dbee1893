import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { readToServe } from './read-configuration.ts';
import { readInThread, JoinedRead, partMax, splitRead, reloadFrom } from './read-in-thread.ts';
import * as fc from '../../test/properties.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ServedRead } from './configuration-read.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';

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

function readOf(routes: number, upstreams: number): ServedRead {
  const named = (count: number, prefix: string): unknown[] =>
    Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}` }));
  const configuration = {
    member: 'm',
    routes: named(routes, '/r'),
    upstreams: named(upstreams, 'u'),
  } as unknown as Configuration;
  return {
    configuration,
    errors: [],
    path: '/candor.yaml',
    leftOpen: { log: true, state: false, socket: true },
    text: 'x',
    shown: { text: 'x', warnings: [], unshown: null },
    isMissing: false,
  };
}

const joinedOf = (read: ServedRead): ServedRead | null => {
  const joined = new JoinedRead();
  for (const part of splitRead(read)) joined.add(structuredClone(part));
  return joined.read;
};

describe('a configuration in parts', () => {
  test('is the same when it is put together, and no part has more than its share', () => {
    fc.assert(
      fc.property(fc.nat(3 * partMax), fc.nat(50), (routes, upstreams) => {
        const read = readOf(routes, upstreams);
        assert.deepEqual(joinedOf(read), read);
        for (const part of splitRead(read)) {
          if (part.kind === 'routes') assert.ok(part.routes.length <= partMax);
          if (part.kind === 'upstreams') assert.ok(part.upstreams.length <= partMax / 10);
          if (part.kind === 'head') assert.deepEqual(part.read.configuration?.routes, []);
        }
      }),
    );
  });

  test('that cannot be used arrives with its errors', () => {
    const read = { ...readOf(0, 0), configuration: null };
    assert.deepEqual(joinedOf(read), read);
  });

  test('of which nothing has arrived is null', () => {
    assert.equal(new JoinedRead().read, null);
  });
});

test('a reload whose file is gone says what to do with a gateway that runs, and names no command that starts one', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'candor-reload-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'other.yaml'), '');
  const read = await reloadFrom('gateway.conf', { directory, env: {}, clock: systemClock })();
  assert.deepEqual(read.ok ? [] : read.errors, [
    `gateway.conf: there is no file "gateway.conf" in ${JSON.stringify(directory)} (put it back where it was, or start Candor with -c and another file)`,
  ]);
});
