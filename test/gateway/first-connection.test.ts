// Starts processes: the first connection of a process is tested.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { candorProgram } from '../program.ts';

// A check by TCP takes a gateway for ready when its port accepts. So the first connection that is accepted must be served.

let folder: string;
before(() => void (folder = mkdtempSync(join(tmpdir(), 'candor-first-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

test('while a gateway starts, every connection to its port is refused until one is answered', async () => {
  const port = await freePort();
  const file = join(folder, 'candor.yaml');
  writeFileSync(
    file,
    `workers: 2
listeners: { http: "127.0.0.1:${port}" }
admin: { socket: none }
log: { path: none }
state: none
routes: [ { path: /, respond: { body: ok } } ]
`,
  );
  const gateway = spawn(process.execPath, [candorProgram, 'up', '-c', file], { stdio: 'ignore' });
  const ended = once(gateway, 'exit');
  try {
    let refused = 0;
    let outcome = await ask(port);
    for (; outcome === 'ECONNREFUSED' && gateway.exitCode === null; outcome = await ask(port)) refused++;
    assert.match(outcome, /^HTTP\/1\.1 200 [\s\S]*ok$/);
    assert.ok(refused > 0, 'the port was tried before the gateway listened');
  } finally {
    gateway.kill('SIGKILL');
    await ended;
  }
});

/** The whole response, or the errno with which the connection ended without one. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.setEncoding('latin1').on('data', (part: string) => void (text += part));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'an error'));
    socket.on('end', () => resolve(text === '' ? 'accepted and closed without a response' : text));
    socket.write('GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n');
  });
}
