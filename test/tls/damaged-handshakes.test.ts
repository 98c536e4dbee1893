import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { NetworkFault } from '../../src/core/connector.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { socketConnector } from '../../src/transport/connect.ts';
import { connectFailure } from '../../src/upstream/dial.ts';
import { connectionFailure } from '../../src/upstream/connection-failure.ts';

// Handshakes of a good server in which one byte is another, missing, or too many: whatever OpenSSL makes of it has a
// cause of ours. Some are not noticed (a session id), and some leave both sides waiting for bytes that never come.

interface Damage {
  /** Which of the server's bytes. */
  readonly at: number;
  readonly how: 'flip' | 'drop' | 'insert';
  readonly bit: number;
}

/** A TLS server, and before it a wire that does damage to what it sends. */
class DamagedServer {
  damage: Damage = { at: -1, how: 'flip', bit: 0 };
  readonly #tls: TlsServer;
  readonly #wire: Server;

  constructor(version: 'TLSv1.2' | 'TLSv1.3') {
    const { certificate: cert, key } = authority.intermediate('Intermediate').issue({ names: ['origin.test'] });
    this.#tls = createTlsServer({ cert, key, minVersion: version, maxVersion: version }, (secure) => {
      secure.on('error', () => secure.destroy());
      secure.write('hello');
    });
    this.#tls.on('tlsClientError', () => undefined);
    this.#wire = createServer((client) => {
      const server = connect(portOf(this.#tls), '127.0.0.1');
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
      client.on('data', (bytes) => server.write(bytes));
      let passed = 0;
      server.on('data', (bytes: Buffer) => {
        client.write(damaged(bytes, passed, this.damage));
        passed += bytes.length;
      });
    });
  }

  async listen(): Promise<this> {
    for (const server of [this.#tls, this.#wire]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return this;
  }

  get port(): number {
    return portOf(this.#wire);
  }

  close(): void {
    this.#wire.close();
    this.#tls.close();
  }
}

function damaged(bytes: Buffer, passed: number, { at, how, bit }: Damage): Buffer {
  const place = at - passed;
  if (place < 0 || place >= bytes.length) return bytes;
  const [before, rest] = [bytes.subarray(0, place), bytes.subarray(place + 1)];
  const byte = bytes[place] ?? 0;
  if (how === 'drop') return Buffer.concat([before, rest]);
  if (how === 'insert') return Buffer.concat([before, Buffer.from([bit, byte]), rest]);
  return Buffer.concat([before, Buffer.from([byte ^ (1 << bit)]), rest]);
}

function portOf(server: Server | TlsServer): number {
  return (server.address() as AddressInfo).port;
}

const authority = certificateAuthority(Date.now());
const settings = { serverName: null, verify: true, ca: authority.certificate, certificate: null, key: null };

type Met = { readonly fault: NetworkFault } | { readonly errno: string | null } | 'whole' | 'waits';

/** Connects, and waits for the server's first word, for a failure, or for as long as a lost byte deserves. */
function meet(port: number): Promise<Met> {
  return new Promise((resolve) => {
    const target = {
      kind: 'tcp',
      address: '127.0.0.1',
      port,
      tls: { serverName: 'origin.test', settings, protocols: ['http/1.1'] },
    } as const;
    let end = (): void => attempt.cancel();
    const waiting = setTimeout(() => settle('waits'), waitMs);
    const settle = (met: Met): void => {
      clearTimeout(waiting);
      end();
      resolve(met);
    };
    const attempt = socketConnector.connect(target, {
      onTransportConnected: () => undefined,
      onConnectFailed: (fault) => settle({ fault }),
      onConnected: (transport) => {
        end = () => transport.close('close');
        transport.listener = {
          onBytes: () => settle('whole'),
          onEnd: () => undefined,
          onWritten: () => undefined,
          onClosed: (errno) => settle({ errno }),
        };
      },
    });
  });
}

const waitMs = 200;

/** The cause, or null where there is none for it. */
function causeOf(met: Met): string | null {
  if (typeof met === 'string') return met;
  if ('fault' in met) return connectFailure(met.fault, { address: 'origin', name: 'origin.test' })?.cause ?? null;
  const place = {
    address: 'origin',
    reused: false,
    idleMs: 0,
    requestSent: true,
    bytesSent: 0,
    at: 'before',
  } as const;
  return connectionFailure(place, met.errno)?.cause ?? null;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`a damaged handshake of ${version}`, () => {
    let server: DamagedServer;
    before(async () => {
      server = await new DamagedServer(version).listen();
    });
    after(() => server.close());

    test('has a cause, wherever the damage is', async () => {
      const random = new SeededRandom(`damage to ${version}`);
      const seen = new Map<string, number>();
      for (let time = 0; time < 150; time++) {
        const at = Math.floor(random.next() * handshakeBytes);
        const how = (['flip', 'flip', 'drop', 'insert'] as const)[Math.floor(random.next() * 4)] ?? 'flip';
        server.damage = { at, how, bit: Math.floor(random.next() * 8) };
        const met = await meet(server.port);
        const cause = causeOf(met);
        assert.ok(cause !== null, `${JSON.stringify(server.damage)} is nothing we know: ${JSON.stringify(met)}`);
        seen.set(cause, (seen.get(cause) ?? 0) + 1);
      }
      // In TLS 1.2 the client reads certificates as they come; in 1.3 all but the first record is encrypted.
      assert.ok((seen.get('tls_protocol') ?? 0) > 30, JSON.stringify([...seen]));
      assert.equal(seen.get('gateway_fault'), undefined);
    });
  });
}

/** A server's half of a handshake with a certificate and an intermediate one. */
const handshakeBytes = 1500;
