import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Applications that Candor runs, and that speak HTTP/2 alone.

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);
const same = (bytes: Buffer): Buffer => bytes;

let edge: YamlGateway;
let client: Client;
before(async () => {
  edge = await startFromYaml(`
applications:
  echo: { command: ["${process.execPath}", "${fixture('grpc-echo.mjs')}"], http2: true }
  wrong: { command: ["${process.execPath}", "${fixture('http1-only.mjs')}"], http2: true }
routes:
  - { path: /wrong, to: wrong }
  - { to: echo }
`);
  client = new Client(`127.0.0.1:${edge.address().port}`, credentials.createInsecure());
});
after(async () => {
  client.close();
  await edge.stop();
});

const readinessOf = (name: string): string[] =>
  edge.gateway
    .status()
    .applications.filter(({ id }) => id === name)
    .flatMap(({ instances }) => instances.map(({ phase, reason }) => `${phase} ${reason ?? ''}`));

describe('an application with http2: true', () => {
  test('is ready when it answers as a gRPC server does, and is called', async () => {
    await until('it is ready', () => readinessOf('echo').some((text) => text.startsWith('ready')));
    const answer = await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest('/test.Echo/one', same, same, Buffer.from('hello'), (error, bytes) =>
        error === null && bytes !== undefined ? resolve(bytes) : reject(error),
      );
    });
    assert.equal(answer.toString(), 'hello');
  });

  test('is not ready when it speaks HTTP/1.1 alone, and the finding says what to change', async () => {
    await until('it was asked', () => readinessOf('wrong').some((text) => text.includes('HTTP/2')));
    assert.match(readinessOf('wrong').join(), /the answer is not HTTP\/2 \("HTTP\/1\.1 400 Bad Request/);
    const session = connect(`http://127.0.0.1:${edge.address().port}`);
    const status = await new Promise((resolve, reject) => {
      session.on('error', reject);
      session
        .request({ ':path': '/wrong' })
        .on('error', reject)
        .on('response', (head) => resolve(head[':status']));
    });
    session.close();
    assert.equal(status, 503);
  });
});
