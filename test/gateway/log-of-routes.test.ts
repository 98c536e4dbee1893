import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { recordsIn } from '../records.ts';

// The key `log` of routes and of the file, through the files and datagrams that leave the gateway.

describe('the log of a route', () => {
  let edge: YamlGateway;
  before(async () => {
    edge = await startFromYaml(`
upstreams: { gone: { endpoints: "127.0.0.1:1", check: none } }
log: { path: candor.log }
routes:
  - { path: /off, log: off, respond: { body: ok } }
  - { path: /off-failing, log: off, to: gone }
  - { path: /part, log: { sample: 0.1 }, respond: { body: ok } }
  - { path: /own, log: { fields: { tenant: "{header.X-Tenant}", who: "of {method}" } }, respond: { body: ok } }
`);
  });
  after(() => edge.stop());

  test('has no success where it is off, a share where it is sampled, its own fields, and each failure', async () => {
    for (let turn = 0; turn < 20; turn++) {
      await edge.get('/off');
      await edge.get('/part');
    }
    await edge.get('/off-failing');
    await edge.send(requestText('GET', '/own', ['X-Tenant: blue']));
    const log = async () => recordsIn(await readFile(join(edge.folder, 'candor.log'), 'utf8'));
    await until('the last line is written', async () => (await log()).some(({ path }) => path === '/own'));
    const records = await log();
    assert.deepEqual(
      records.map(({ path, unlogged = 0, fields }) => ({ path, unlogged, fields })),
      [
        { path: '/part', unlogged: 9, fields: undefined },
        { path: '/part', unlogged: 9, fields: undefined },
        { path: '/off-failing', unlogged: 0, fields: undefined },
        { path: '/own', unlogged: 0, fields: { tenant: 'blue', who: 'of GET' } },
      ],
    );
    await until('all are counted', () => edge.counts().ended >= 42);
  });
});

test('lines in a format of their own go to the file and to a receiver of syslog', async (context) => {
  const messages: string[] = [];
  const socket = createSocket('udp4', (bytes) => void messages.push(bytes.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => socket.close());
  const edge = await startFromYaml(`
log:
  path: candor.log
  format: '{client_address} {method} {path} {status} {header.User-Agent}'
  syslog: { to: "udp://127.0.0.1:${socket.address().port}", facility: local1, tag: edge }
routes: [{ respond: { body: ok } }]
`);
  context.after(() => edge.stop());
  await edge.get('/a', ['User-Agent: curl "x"']);
  await until('the message has come', () => messages.length === 1);
  const line = '127.0.0.1 GET /a 200 curl \\x22x\\x22';
  assert.match(messages[0] ?? '', /^<142>1 \d{4}-\S+Z \S+ edge \d+ exchange - /);
  assert.ok((messages[0] ?? '').endsWith(line), String(messages[0]));
  assert.equal(await readFile(join(edge.folder, 'candor.log'), 'utf8'), `${line}\n`);
});
