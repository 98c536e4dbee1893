import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RawClient } from '../../src/testing/testing.ts';
import { ManagedWorker } from '../gateway/managed-worker.ts';
import { responseOn, timeoutMs } from '../gateway/start-from-yaml.ts';
import { firstFlight } from './first-flight.ts';
import { SecureClient } from './secure-client.ts';
import { certificatesIn, edgeFiles, trusting } from './tls-edge.ts';

// Handshakes that take their time. The sockets are real, and the time of the worker is simulated: it passes while the client
// pauses.

const headS = 10;

describe('a handshake with pauses', () => {
  let folder: string;
  let worker: ManagedWorker;
  let hello: Buffer;
  const clients: RawClient[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-slow-tls-'));
    for (const [name, text] of Object.entries(edgeFiles)) writeFileSync(join(folder, name), text);
    hello = await firstFlight();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    worker = await ManagedWorker.start();
    await worker.apply(`
listeners: { https: { bind: "127.0.0.1:0", tls: { ${certificatesIn(`${folder}/`)} } } }
log: { path: none }
client: { head_timeout: ${headS}s, head_rate_min: none }
routes: [{ path: /, respond: { body: here } }]
`);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await worker.stop();
  });

  const address = (): { host: string; port: number } => ({ host: '127.0.0.1', port: worker.portOf('https') });

  function open(): RawClient {
    const client = new RawClient(address());
    clients.push(client);
    return client;
  }

  /** Simulated time passes, and the worker reads what has been sent. */
  async function pass(ms: number): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    await worker.clock.advance(ms);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }

  /** Why handshakes have failed, as the main thread is told. */
  function reasons(): string[] {
    return worker.sent.flatMap((message) =>
      message.kind === 'batch' ? message.failedHandshakes.map(({ reason }) => reason) : [],
    );
  }

  const slow: readonly (readonly [name: string, send: (client: RawClient, second: number) => void, reason: string])[] =
    [
      ['sends one byte each second', (client, second) => client.write(hello.subarray(second, second + 1)), 'timeout'],
      [
        'stops within its ClientHello',
        (client, second) => second === 0 && client.write(hello.subarray(0, 100)),
        'timeout',
      ],
      ['sends its ClientHello and nothing more', (client, second) => second === 0 && client.write(hello), 'timeout'],
    ];
  for (const [name, send, reason] of slow)
    test(`that ${name} ends when head_timeout expires, and no byte delays that`, async () => {
      const client = open();
      for (let second = 0; second < headS - 1; second++) {
        send(client, second);
        await pass(1000);
        assert.equal(client.state, 'open', `after ${second + 1} s`);
      }
      await pass(2000);
      assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
      await pass(2000);
      assert.deepEqual(reasons(), [reason]);
    });

  test('is completed when each of its parts comes late, but all in time', async () => {
    const client = open();
    client.write(hello.subarray(0, 50));
    await pass(3000);
    client.write(hello.subarray(50));
    await pass(3000);
    assert.ok(await client.waitFor(() => client.bytes.length > 0, timeoutMs), 'the server has answered');
    assert.equal(client.bytes[0], 22);
    const other = new SecureClient(address(), trusting());
    clients.push(other);
    other.write('GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n');
    assert.equal((await responseOn(other)).body.toString(), 'here');
  });

  test('and no byte at all ends quietly', async () => {
    const client = open();
    await pass((headS + 1) * 1000);
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    await pass(2000);
    assert.deepEqual(reasons(), []);
  });
});
