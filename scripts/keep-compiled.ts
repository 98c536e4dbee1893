import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { candorProgram } from '../test/program.ts';

// Runs programs of a bundle, which keep what V8 has compiled of them (`load-compiled.cjs`): the command, or the threads of this process.

/** Each thread keeps what it has compiled a second after its start. */
const restMs = 1500;
/** Of a program that does not serve, or does not end. */
const programMsMax = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'candor-compiled-'));
const file = join(folder, 'candor.yaml');
const origin = createServer((request, response) => request.pipe(response));
await once(origin.listen(0, '127.0.0.1'), 'listening');
const { port } = origin.address() as AddressInfo;
const yaml = (state: string, admin: string): string => `
member: one
workers: 1
listeners: { http: "127.0.0.1:0" }
admin: { socket: ${admin} }
log: { path: ${join(folder, 'access.log')} }
state: ${state}
upstreams:
  echo: { endpoints: ["127.0.0.1:${port}"] }
  none: { endpoints: ["127.0.0.1:1"] }
routes:
  - { path: /, to: echo }
  - { path: /none, to: none }
  - { path: /fixed, respond: { body: served } }
`;

try {
  if (process.argv[2] === 'command') await runCommand();
  else await runThreads();
} finally {
  origin.close();
  rmSync(folder, { recursive: true, force: true });
}

async function runCommand(): Promise<void> {
  writeFileSync(file, yaml(join(folder, 'state'), join(folder, 'admin.sock')));
  spawnSync(candorProgram, ['check', '-c', file], { timeout: programMsMax });
  await readConfiguration();
  const gateway = spawn(candorProgram, ['up', '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: programMsMax,
  });
  const exited = once(gateway, 'exit');
  let text = '';
  for await (const part of gateway.stderr.setEncoding('utf8')) {
    text += part as string;
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1];
    if (address === undefined) continue;
    await askFor(address);
    await sleep(restMs);
    gateway.kill();
    break;
  }
  gateway.stderr.resume();
  await exited;
}

/** The gateway ends this thread as soon as it has its answer. */
async function readConfiguration(): Promise<void> {
  const { port1: ours, port2: parts } = new MessageChannel();
  const main = join(candorProgram, '..', '..', 'dist', 'cli', 'configuration-thread.js');
  const workerData = { file, directory: folder, env: {}, parts };
  await once(new Worker(pathToFileURL(main), { workerData, transferList: [parts] }), 'exit');
  ours.close();
}

async function runThreads(): Promise<void> {
  const { startFromYaml } = await import('../test/gateway/start-from-yaml.ts');
  const edge = await startFromYaml(yaml('none', 'none'));
  const { host, port: listening } = edge.address();
  await askFor(`${host}:${listening}`);
  await edge.reload(yaml('none', 'none').replace('served', 'served again'));
  await sleep(restMs);
  await edge.stop();
}

async function askFor(address: string): Promise<void> {
  for (const path of ['/', '/fixed', '/none', '/'])
    for (const options of [{}, { method: 'POST', body: 'content' }])
      await (await fetch(`http://${address}${path}`, options)).text();
}
