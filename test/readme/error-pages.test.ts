import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

test('docs/configuration.md, replace_errors: people get pages, the API gets what it sends, and files have the same page', async () => {
  const { text } =
    blocksOf(readDocument('docs/configuration.md')).find(({ heading }) => heading === '`replace_errors`') ?? {};
  assert.ok(text !== undefined);
  const origin = await RawOrigin.start(({ line }) =>
    ok('its own', ['Content-Type: text/html'], line.includes('/busy') ? '503 Busy' : '404 Not Found'),
  );
  const edge = await startFromYaml('routes: [{ respond: { body: x } }]\n');
  try {
    for (const name of ['pages', 'public']) await mkdir(join(edge.folder, name));
    for (const name of ['404', 'error'])
      await writeFile(join(edge.folder, 'pages', `${name}.html`), `${name} {{status}}`);
    assert.ok((await edge.reload(text.replace('127.0.0.1:3000', origin.address))).ok);
    for (const [path, body] of [
      ['/none', '404 404'],
      ['/busy', 'error 503'],
      ['/api/none', 'its own'],
      ['/assets/none', '404 404'],
    ] as const)
      assert.equal((await edge.get(path, ['Accept: text/html'])).body.toString(), body, path);
  } finally {
    await edge.stop();
    await origin.close();
  }
});
