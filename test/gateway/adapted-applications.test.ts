import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

const server = `
require('node:http').createServer((request, response) => {
  response.end(process.env.GREETING + ' from ' + process.argv[2]);
}).listen(Number(process.argv[2]), '127.0.0.1');
`;
const worker = `
require('node:fs').writeFileSync('worked', String(process.env.PORT));
setInterval(() => {}, 1000);
`;

const contentOf = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);

const sources: readonly (readonly [kind: string, file: string, text: string])[] = [
  [
    'procfile',
    'Procfile',
    `web: GREETING=hello ${process.execPath} server.cjs $PORT\nworker: ${process.execPath} worker.cjs\n`,
  ],
  [
    'pm2',
    'ecosystem.config.js',
    `const bin = '${process.execPath}';
     module.exports = { apps: [
       { name: 'shop', script: './server.cjs', interpreter: bin, args: '$PORT', env: { PORT: 0, GREETING: 'hello' } },
       { name: 'shop-worker', script: './worker.cjs', interpreter: bin },
     ] };`,
  ],
];

describe('what candor adapt writes runs', () => {
  for (const [kind, file, text] of sources)
    test(`of a file of ${kind}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'candor-adapted-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      for (const [name, content] of Object.entries({ [file]: text, 'server.cjs': server, 'worker.cjs': worker }))
        writeFileSync(join(folder, name), content);
      const context = new FakeProcessContext(folder);
      assert.equal(await context.candor('adapt', kind, file), 0, context.stderr.text);
      // The port of the application is not one that a test may take.
      const yaml = context.stdout.text
        .replace(/^listeners:\n.*\n/m, '')
        .replace(/^( {4})(command:)/m, `$1directory: ${folder}\n$1$2`);
      const edge = await startFromYaml(`state: ${join(folder, 'state')}\n${yaml}`);
      t.after(() => edge.stop());
      await until('it serves', async () => (await edge.get('/')).status === 200);
      assert.match((await edge.get('/')).body.toString(), /^hello from \d+$/);
      await until('the worker runs', () => contentOf(join(folder, 'worked')) === 'undefined');
    });
});
