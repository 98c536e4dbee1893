import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import {
  requestText,
  responseOn,
  startFromYaml,
  timeoutMs,
  until,
  type YamlGateway,
} from '../gateway/start-from-yaml.ts';
import { SecureClient } from './secure-client.ts';
import { edgeFiles, listenersYaml, trusting } from './tls-edge.ts';
import { recordStarts, WireRelay } from './wire-relay.ts';

// The end of a session as its client sees it. Without close_notify an end may be an attacker's (RFC 8446 §6.1), so that a
// response that ends with its connection is complete only with it; and no byte of a response may be lost by the close.

const host = 'Host: edge.test';
const alert = 21;
const applicationData = 23;
/** TLS 1.3: an alert of two bytes, its true type, and the tag of the cipher. */
const alertBytes13 = 19;

let origin: RawOrigin;
let edge: YamlGateway;
let relay: WireRelay;

describe('the end of a session', { timeout: 120_000 }, () => {
  before(async () => {
    origin = await RawOrigin.start();
    edge = await startFromYaml(
      `${listenersYaml({ https: '' })}
client: { keep_alive: 300ms }
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes: [{ path: /, to: app, commit_delay: none }]
`,
      { files: edgeFiles },
    );
    relay = await WireRelay.start(edge.address('https'));
    relay.keepsBytes = true;
  });
  after(async () => {
    await relay?.close();
    await edge?.stop();
    await origin?.close();
  });
  beforeEach(() => {
    origin.forget();
    origin.answer = () => ok('from the application');
  });

  /** What a client sends, after which the gateway ends the session. */
  const ends: readonly (readonly [name: string, bytes: string, status: number])[] = [
    ['a response to a client that asks for the close', requestText('GET', '/', [host, 'Connection: close']), 200],
    ['a response to a client of HTTP/1.0', `GET / HTTP/1.0\r\n${host}\r\n\r\n`, 200],
    ['a refusal', 'nonsense\r\n\r\n', 400],
    ['the keep-alive timeout', requestText('GET', '/', [host]), 200],
  ];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const [name, bytes, status] of ends)
      test(`after ${name} has close_notify before the FIN: ${version}`, async () => {
        const client = new SecureClient(relay.address, trusting({ minVersion: version, maxVersion: version }));
        client.write(bytes);
        assert.equal((await responseOn(client)).status, status);
        assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs), `the connection is ${client.state}`);
        const sent = relay.fromGateway;
        const last = recordStarts(sent).at(-1) ?? assert.fail('no record');
        const [type, length] = [sent[last], sent.readUInt16BE(last + 3)];
        const expected = version === 'TLSv1.2' ? [alert, length] : [applicationData, alertBytes13];
        assert.deepEqual([type, length], expected);
        client.close();
      });

  /** A response in parts, each in a turn of its own. */
  function inParts(head: string, parts: readonly string[], end: (socket: Socket) => void): (socket: Socket) => void {
    return (socket) => {
      socket.setNoDelay(true).write(head);
      const left = [...parts];
      const next = (): void => {
        const part = left.shift();
        if (part === undefined) return end(socket);
        socket.write(part);
        setImmediate(next);
      };
      setImmediate(next);
    };
  }

  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

  for (const [count, size] of [
    [1, 1],
    [2, 100],
    [3, 15_000],
    [5, 40_000],
    [50, 1000],
    [20, 70_000],
  ] as const)
    test(`loses no byte of a response in ${count} parts of ${size} bytes, however it ends`, async () => {
      const parts = Array.from({ length: count }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(size));
      const whole = parts.join('');
      const chunked = inParts('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', parts.map(chunk), (socket) => {
        socket.write('0\r\n\r\n');
      });
      const sized = inParts(`HTTP/1.1 200 OK\r\nContent-Length: ${whole.length}\r\n\r\n`, parts, () => {});
      const untilClose = inParts('HTTP/1.1 200 OK\r\n\r\n', parts, (socket) => void socket.end());
      const requests = [requestText('GET', '/', [host, 'Connection: close']), `GET / HTTP/1.0\r\n${host}\r\n\r\n`];
      const rounds = whole.length > 100_000 ? 2 : 5;
      for (let round = 0; round < rounds; round++)
        for (const answer of [chunked, sized, untilClose])
          for (const request of requests) {
            origin.answer = () => answer;
            const client = new SecureClient(edge.address('https'), trusting());
            client.write(request);
            const { body } = await responseOn(client);
            assert.equal(body.length, whole.length, request);
            assert.ok(body.toString('latin1') === whole, 'every byte is in its position');
            assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs), `it is ${client.state}`);
            client.close();
          }
    });

  test('leaves no exchange and no connection', async () => {
    await until('none is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    assert.equal(edge.counts().unclassified, 0);
  });
});
