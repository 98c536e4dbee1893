// Starts processes: the example of docs/jobs.md runs.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { candorProgram } from '../program.ts';
import { blocksOf, readDocument } from './markdown.ts';

const blocks = blocksOf(readDocument('docs/jobs.md'));
const configuration = blocks.find(({ language }) => language === 'yaml')?.text ?? '';
const commands = (blocks.find(({ language }) => language === 'sh')?.text ?? '')
  .split('\n')
  .flatMap((line) => (line === '' ? [] : [line.replace(/ *#.*/, '').split(' ').slice(1)]));

describe('the example of docs/jobs.md', { timeout: 240_000 }, () => {
  let folder: string;
  let gateway: ChildProcess;

  const candor = async (words: readonly string[]): Promise<{ code: number; text: string }> => {
    const context = new FakeProcessContext(folder);
    const code = await context.candor(...words);
    return { code, text: context.stdout.text };
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-readme-jobs-'));
    const server = `require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT, '127.0.0.1');`;
    writeFileSync(join(folder, 'server.js'), server);
    for (const name of ['report', 'thumbnails', 'warm-up', 'import'])
      writeFileSync(join(folder, `${name}.js`), `console.log('${name}', process.env.BATCH);`);
    const ours = configuration
      .replace('127.0.0.1:8080', '127.0.0.1:0')
      .replaceAll('command: node ', `command: ${process.execPath} `);
    writeFileSync(join(folder, 'candor.yaml'), `${ours}\nadmin: { socket: ./candor.sock }\nlog: { path: none }\n`);
    gateway = spawn(process.execPath, [candorProgram, 'up'], { cwd: folder, stdio: 'ignore' });
    for (let round = 0; ; round++) {
      if (existsSync(join(folder, 'candor.sock')) && /warm-up.*succeeded/.test((await candor(['jobs'])).text)) break;
      assert.ok(round < 600 && gateway.exitCode === null, 'the gateway has not run warm-up');
      await passTime(100);
    }
  });

  after(async () => {
    if (gateway.exitCode === null) {
      gateway.kill('SIGTERM');
      await once(gateway, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test('lists its jobs, shows one, and runs one by hand', async () => {
    assert.deepEqual(
      commands.map(([command]) => command),
      ['jobs', 'jobs', 'jobs', 'jobs'],
    );
    const [list, all, one, run] = commands;
    assert.match((await candor(list ?? [])).text, /shop\.thumbnails {2}\*\/10 \* \* \* \*/);
    assert.match((await candor(all ?? [])).text, /shop\.report [^]*shop\.import /);
    assert.match((await candor(one ?? [])).text, /0 3 \* \* \* \(Europe\/Berlin\)/);
    assert.deepEqual(await candor(run ?? []), { code: 0, text: 'import 500\n' });
  });
});
