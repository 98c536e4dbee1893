// Starts processes: the gateway has a processor and memory of its own, which are watched.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { RawClient } from '../../src/testing/testing.ts';
import { OwnProcess } from '../gateway/own-process.ts';
import { responseOn, until } from '../gateway/start-from-yaml.ts';
import { firstFlight } from './first-flight.ts';
import { SecureClient } from './secure-client.ts';
import { certificatesIn, edgeFiles, trusting } from './tls-edge.ts';

// Hundreds of handshakes that are never completed cost their clients the connection, and other clients nothing.

const attackers = 200;
const headMs = 1500;
/** How often good clients come meanwhile. */
const goodEveryMs = 20;
/** What the gateway may open for itself meanwhile, such as the log of its events; far fewer than there are attackers. */
const ownDescriptorsMax = 10;
/** On a busy machine the gateway may be late; far below the time that a client would wait. */
const lateMsMax = 10_000;

/** A client that does not complete its handshake. */
interface Attack {
  readonly name: string;
  readonly begin: (client: RawClient, hello: Buffer) => void;
  /** Called again and again, as long as the connection is open. */
  readonly goOn: (client: RawClient, hello: Buffer, turn: number) => void;
}

const nothing = (): void => {};

const attacks: readonly Attack[] = [
  { name: 'send nothing', begin: nothing, goOn: nothing },
  { name: 'stop within the ClientHello', begin: (client, hello) => client.write(hello.subarray(0, 60)), goOn: nothing },
  { name: 'stop after the ClientHello', begin: (client, hello) => client.write(hello), goOn: nothing },
  {
    name: 'send the ClientHello byte by byte',
    begin: nothing,
    goOn: (client, hello, turn) => turn < hello.length && client.write(hello.subarray(turn, turn + 1)),
  },
  {
    name: 'promise a record that does not come',
    // The head of a record of 16 KiB, and in it that of a ClientHello.
    begin: (client) => client.write(Uint8Array.of(22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0)),
    goOn: (client) => client.write(Uint8Array.of(0)),
  },
];

describe('a flood of clients', { skip: process.platform !== 'linux' }, () => {
  let folder: string;
  let gateway: OwnProcess;
  let hello: Buffer;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-flood-'));
    for (const [name, text] of Object.entries(edgeFiles)) writeFileSync(join(folder, name), text);
    hello = await firstFlight();
    const yaml = `
workers: 1
client: { head_timeout: ${headMs}ms, connections_per_address_max: none }
routes: [{ path: /, respond: { body: here } }]
`;
    gateway = await OwnProcess.start(yaml, 4096, certificatesIn(`${folder}/`));
  });
  after(async () => {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const address = (): { host: string; port: number } => ({ host: '127.0.0.1', port: gateway.port });

  /** A good client with a connection of its own. */
  async function isServed(): Promise<void> {
    const client = new SecureClient(address(), trusting());
    try {
      client.write('GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n');
      assert.equal((await responseOn(client)).body.toString(), 'here');
    } finally {
      client.close();
    }
  }

  for (const { name, begin, goOn } of attacks)
    test(`that ${name} delays no other client, and loses its connections`, { timeout: 120_000 }, async () => {
      await isServed();
      const rest = gateway.descriptors + ownDescriptorsMax;
      const clients = Array.from({ length: attackers }, () => new RawClient(address()));
      const beganAt = performance.now();
      for (const client of clients) begin(client, hello);
      const isOpen = (): boolean => clients.some(({ state }) => state === 'open');
      let good = 0;
      for (let turn = 0; isOpen(); turn++) {
        for (const client of clients) if (client.state === 'open') goOn(client, hello, turn);
        await isServed();
        good++;
        await passTime(goodEveryMs);
        const tookMs = performance.now() - beganAt;
        assert.ok(tookMs < headMs + lateMsMax, `the attackers are still connected after ${Math.round(tookMs)} ms`);
      }
      assert.ok(good > 0);
      for (const client of clients) client.close();
      await until('the descriptors are free again', () => gateway.descriptors <= rest);
      assert.equal(gateway.events.filter(({ kind }) => kind === 'worker_lost').length, 0);
    });

  test('is reported by its reasons', async () => {
    const reasons = (): unknown[] =>
      gateway.events.filter(({ kind }) => kind === 'tls_handshakes_failed').map(({ evidence }) => evidence['reason']);
    await until('it is reported', () => reasons().includes('timeout'));
  });
});
