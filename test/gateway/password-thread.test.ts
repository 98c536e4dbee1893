// Starts processes: passwords are checked in a thread that begins in a file of the bundle, which the command alone has.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { freePort } from '../free-port.ts';
import { packedProgram } from '../program.ts';
import { until } from './start-from-yaml.ts';

test('the installed program checks passwords of bcrypt', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-bcrypt-'));
  const port = await freePort();
  const yaml = `
listeners: { http: "127.0.0.1:${port}" }
admin: { socket: none }
log: { path: none }
state: none
workers: 1
authentication: { basic: { users_file: users } }
routes: [{ respond: { body: in } }]
`;
  writeFileSync(join(folder, 'users'), `ada:${hashSync('secret', 4)}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'candor.yaml'), yaml);
  const gateway = spawn(process.execPath, [packedProgram, 'up', '-c', 'candor.yaml'], { cwd: folder, stdio: 'ignore' });
  const statusOf = async (password: string): Promise<number> => {
    const headers = { authorization: `Basic ${btoa(`ada:${password}`)}`, connection: 'close' };
    return fetch(`http://127.0.0.1:${port}/`, { headers }).then(
      ({ status }) => status,
      () => 0,
    );
  };
  try {
    await until('ada is let in', async () => (await statusOf('secret')) === 200, 30_000);
    assert.equal(await statusOf('wrong'), 401);
  } finally {
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
    rmSync(folder, { recursive: true });
  }
});
