import assert from 'node:assert/strict';
import { createServer, connect as connectPlain } from 'node:net';
import { describe, it, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import fc from '../../test/properties.ts';
import { type ClientHello, clientHelloBytesMax, clientHelloFlightBytesMax, parseClientHello } from './client-hello.ts';

/** The first bytes that Node's TLS sends. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const bytes = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => socket.once('data', bytes.resolve).on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const plain = connectPlain((server.address() as { port: number }).port, '127.0.0.1');
  const secure = connect({ socket: plain, ...options }).on('error', () => {});
  const hello = await bytes.promise;
  secure.destroy();
  plain.destroy();
  server.close();
  return hello;
}

function parsed(bytes: Uint8Array): ClientHello {
  const reading = parseClientHello(bytes, 0, bytes.length);
  assert.equal(reading.state, 'done');
  return reading.state === 'done' ? reading.hello : assert.fail();
}

/** The same message in records of these sizes; the last one is that of all further ones. */
function inRecords(hello: Buffer, ...sizes: number[]): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < message.length; at += size) {
    size = sizes.shift() ?? size;
    const fragment = message.subarray(at, at + size);
    records.push(Buffer.from([0x16, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment);
  }
  return Buffer.concat(records);
}

/** The ClientHello in one record, whose extensions are filled up (RFC 7685) to a message body of `bytes`. */
function padded(hello: Buffer, bytes: number): Buffer {
  const body = hello.subarray(9);
  const cipherAt = 35 + (body[34] as number);
  const compressionAt = cipherAt + 2 + body.readUInt16BE(cipherAt);
  const extensionsAt = compressionAt + 1 + (body[compressionAt] as number);
  const padding = Buffer.alloc(bytes - body.length);
  padding.writeUInt16BE(21, 0);
  padding.writeUInt16BE(padding.length - 4, 2);
  const all = Buffer.concat([hello, padding]);
  all.writeUInt16BE(all.length - 9 - extensionsAt - 2, 9 + extensionsAt);
  all.writeUIntBE(all.length - 9, 6, 3);
  return all;
}

const sni = { servername: 'Shop.Example.ORG' };

describe('the parser of a ClientHello', () => {
  const cases: readonly (readonly [string, ConnectionOptions, ClientHello])[] = [
    ['a name, in lowercase', sni, { serverName: 'shop.example.org', protocols: [], versionMax: 0x0304 }],
    [
      'protocols, the preferred one first',
      { ...sni, ALPNProtocols: ['h2', 'http/1.1'] },
      { serverName: 'shop.example.org', protocols: ['h2', 'http/1.1'], versionMax: 0x0304 },
    ],
    ['neither', { servername: '' }, { serverName: null, protocols: [], versionMax: 0x0304 }],
    [
      'TLS 1.2 only',
      { ...sni, maxVersion: 'TLSv1.2' },
      { serverName: 'shop.example.org', protocols: [], versionMax: 0x0303 },
    ],
  ];
  for (const [name, options, expected] of cases) {
    it(`reads ${name}`, async () => {
      assert.deepEqual(parsed(await helloOf(options)), expected);
    });
  }

  it('asks for more until the message is complete, wherever it is split, and reads the same in any records', async () => {
    const hello = await helloOf({ ...sni, ALPNProtocols: ['http/1.1'] });
    const whole = parsed(hello);
    for (let end = 0; end < hello.length; end++)
      assert.equal(parseClientHello(hello, 0, end).state, 'partial', `${end}`);
    for (const sizes of [[1, 1, 1, 1, 1000], [3, 500], [4, 100], [5, 2, 100], [100], [16_384]])
      assert.deepEqual(parsed(inRecords(hello, ...sizes)), whole, sizes.join());
    const behind = Buffer.concat([Buffer.from('PROXY'), hello, Buffer.from('more')]);
    assert.deepEqual(parseClientHello(behind, 5, behind.length), { state: 'done', hello: whole });
  });

  it('treats an address as no server name, knows a text that is no host name, and drops a final dot', async () => {
    const hello = await helloOf({ servername: 'shop.example.org' });
    const renamed = (to: string): Buffer => {
      const text = hello.toString('latin1').replace('shop.example.org', to);
      return Buffer.from(text, 'latin1');
    };
    assert.equal(parsed(renamed('shop.example.or.')).serverName, 'shop.example.or');
    for (const name of [
      'shop/example.org',
      'shop example.org',
      '\0hop.example.org',
      '.hop.example.org',
      '*.op.example.org',
      'op.example.org:8',
    ])
      assert.equal(parsed(renamed(name)).serverName, '', JSON.stringify(name));
    for (const address of ['192.000.002.001.', '[2001:0db8::0:1]', '2001:db8::0:0001'])
      assert.equal(parsed(renamed(address)).serverName, null, address);
  });

  const refusals: readonly (readonly [string, Buffer])[] = [
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['another record', Buffer.from([0x17, 3, 3, 0, 1, 0])],
    ['another version of records', Buffer.from([0x16, 2])],
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0])],
    ['a record over the limit', Buffer.from([0x16, 3, 1, 0x40, 1])],
    ['another handshake message', Buffer.from([0x16, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['a message over the limit', Buffer.from([0x16, 3, 1, 0, 4, 1, 1, 0, 1])],
    ['a message that ends too early', Buffer.from([0x16, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3])],
  ];
  for (const [name, bytes] of refusals) {
    it(`refuses ${name}`, () => {
      assert.equal(parseClientHello(bytes, 0, bytes.length).state, 'refused');
    });
  }

  for (const [bytes, state] of [
    [clientHelloBytesMax - 1, 'done'],
    [clientHelloBytesMax, 'done'],
    [clientHelloBytesMax + 1, 'refused'],
  ] as const)
    it(`answers "${state}" to a ClientHello of ${bytes} bytes, in several records`, async () => {
      const small = await helloOf(sni);
      const large = inRecords(padded(small, bytes), 16_384);
      const reading = parseClientHello(large, 0, large.length);
      assert.equal(reading.state, state);
      if (reading.state === 'done') assert.deepEqual(reading.hello, parsed(small));
      if (state === 'done') assert.equal(parseClientHello(large, 0, large.length - 1).state, 'partial');
    });

  test('the largest ClientHello of the smallest records is no longer than the limit for the preface', () => {
    // The message header and the body of 64 KiB: 33 bytes in each of the records that are allowed.
    const flight = inRecords(Buffer.alloc(5 + 4 + clientHelloBytesMax), 33);
    assert.ok(flight.length <= clientHelloFlightBytesMax);
  });

  test('no bytes make it throw or read beyond the limit', async () => {
    const hello = await helloOf({ ...sni, ALPNProtocols: ['h2', 'http/1.1'] });
    const changes = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.nat(hello.length), (bytes, cut) => {
        const changed = Buffer.from(hello);
        for (const [at, value] of bytes) changed[at] = value;
        assert.ok(['partial', 'done', 'refused'].includes(parseClientHello(changed, 0, cut).state));
      }),
    );
    const endless = inRecords(Buffer.alloc(5 + clientHelloBytesMax + 10, 1), 1000);
    assert.equal(parseClientHello(endless, 0, endless.length).state, 'refused');
    const tiny = inRecords(hello, 1); // RFC 8446 §5.1 allows it.
    assert.equal(parseClientHello(tiny, 0, tiny.length).state, 'done');
    const tinyRecords = (bytes: number): Buffer =>
      inRecords(Buffer.from([...Array(5).keys(), 1, 0, 0x3e, 0x80, ...Array(bytes - 4).fill(0)]), 1);
    const states = [2048, 2049].map((bytes) => parseClientHello(tinyRecords(bytes), 0, 6 * bytes).state);
    assert.deepEqual(states, ['partial', 'refused']);
  });
});
