// Starts processes: a module is loaded once in a process.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { authority } from '../tls-clients/tls-edge.ts';
import { freePort } from '../free-port.ts';
import { packedProgram } from '../program.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { GatewayFolder } from './gateway-folder.ts';

// What a gateway has in memory: a hook of Node's module loader notes each module of each thread of `candor up`.

const routes = 'routes: [{ host: edge.test, respond: { status: 200, body: served } }]\n';

const configurations: readonly (readonly [string, string, boolean])[] = [
  ['a gateway in clear text', '"127.0.0.1:PORT"', false],
  [
    'a gateway with certificates in files',
    '{ bind: "127.0.0.1:PORT", tls: { certificates: [{ certificate_file: edge.pem, key_file: edge.key }] } }',
    false,
  ],
  ['a gateway with `tls: internal`', '{ bind: "127.0.0.1:PORT", tls: internal }', true],
];

// What a gateway with certificates in files does not load, one in clear text does not either.
for (const [what, listener, isLoaded] of configurations.slice(isWholeSweep ? 0 : 1))
  test(`${what} loads ${isLoaded ? 'the' : 'no'} modules that obtain certificates`, async (t) => {
    const { certificate, key } = authority.issue({ names: ['edge.test'] });
    const folder = new GatewayFolder(
      t,
      { 'edge.pem': certificate, 'edge.key': key, 'note.mjs': noting },
      packedProgram,
    );
    const noted = join(folder.path, 'modules');
    const port = String(await freePort());
    const gateway = await folder.start(`listeners: { edge: ${listener.replace('PORT', port)} }\n${routes}`, {
      NODE_OPTIONS: `--import=${join(folder.path, 'note.mjs')}`,
      NOTED_MODULES: noted,
    });
    await gateway.stop();
    assert.ok(existsSync(noted), 'the hook has run');
    const modules = readFileSync(noted, 'utf8').trimEnd().split('\n').flatMap(sourcesOf);
    // The hook has seen both planes.
    for (const known of ['/src/control/control-plane.ts', '/src/worker/serving-worker.ts'])
      assert.ok(
        modules.some((url) => url.endsWith(known)),
        known,
      );
    assert.equal(
      modules.some((url) => url.includes('/src/certificates/')),
      isLoaded,
    );
  });

/** What a loaded file was bundled from, by its source map; a file of the source is its own. */
function sourcesOf(url: string): readonly string[] {
  const map = new URL(`${url}.map`);
  if (!existsSync(map)) return [url];
  const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { sources: readonly string[] };
  return sources.map((source) => new URL(source, url).href);
}

const noting = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) appendFileSync(process.env.NOTED_MODULES, url + '\\n');
    return next(url, context);
  },
});
`;
