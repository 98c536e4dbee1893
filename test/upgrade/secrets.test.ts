// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GatewayProgram, isAlive } from './gateway-program.ts';

// Programs keep their secrets while the gateway is replaced, and no message, file or line between the two processes has one.

const [first, second] = ['Kn4rv-first-hunter2', 'Kn4rv-second-hunter2'];
const application = `
const { createServer } = require('node:http');
process.stdout.write('half a line ' + process.env.KEY);
createServer((request, response) => {
  if (request.url === '/end-line') process.stdout.write(' is whole\\n');
  const { KEY, KEY_FILE } = process.env;
  request.resume().on('end', () => response.end(JSON.stringify({ pid: process.pid, key: KEY, file: KEY_FILE })));
}).listen(process.env.PORT, '127.0.0.1');
`;

interface Said {
  readonly pid: number;
  readonly key: string;
  readonly file: string;
}

let program: GatewayProgram;
before(async () => {
  program = new GatewayProgram();
  await program.serves();
});
after(() => program.end());

const said = async (path = '/'): Promise<Said> => JSON.parse((await program.get(path)).text) as Said;
const set = (value: string): Promise<unknown> =>
  program.ask('POST', '/v1/secrets/set', { application: 'web', values: { key: value } });

function assertHidden(): void {
  const texts = readdirSync(program.folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path): [string, string] => [path, readFileSync(path, 'latin1')]);
  for (const [name, text] of [...texts, ['what it prints', program.stderr] as [string, string]]) {
    // Beginnings of lines stand in base64 in what one process leaves for the next.
    const read = text.replaceAll(
      /"[\w+/]{12,}={0,2}"/g,
      (quoted) => quoted + Buffer.from(quoted, 'base64').toString('latin1'),
    );
    assert.ok(!/Kn4rv|hunter2/.test(read), `${name} has a secret`);
  }
}

test('an upgrade keeps programs with their secrets, and nothing between the processes has one', async () => {
  await set(first);
  writeFileSync(join(program.folder, 'application.cjs'), application);
  program.configure('', '    secrets: { KEY: key, KEY_FILE: { secret: key, as: file } }\n');
  await program.ask('POST', '/v1/reload');
  await program.until(async () => (await said()).key === first);
  const { pid, file } = await said();

  const { lines } = await program.upgrade(50, () => assertHidden());
  assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines));
  await program.until(async () => (await program.status()).pid === lines.at(-1)?.pid);
  assert.deepEqual(await said('/end-line'), { pid, key: first, file }, 'the program is the same');
  assert.equal(readFileSync(file, 'utf8'), first);
  await program.until(async () => JSON.stringify(await program.status()).includes('half a line *** is whole'));
  assertHidden();

  await program.until(async () => {
    const answer = (await set(second)) as { readonly revision?: number };
    return answer.revision !== undefined;
  });
  await program.until(async () => (await said()).key === second);
  await program.until(async () => !isAlive(pid) && !existsSync(file));
  assertHidden();
});
