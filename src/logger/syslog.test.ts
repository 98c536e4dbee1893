import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { NewEvent } from '../core/event.ts';
import type { SyslogSpec } from '../core/syslog-spec.ts';
import { logLinesIn } from '../record/log-lines.ts';
import { sampleExchange } from '../record/sample-exchange.test-support.ts';
import { TestRing } from '../record/test-ring.test-support.ts';
import { RecordWriter } from '../record/write-record.ts';
import { systemClock } from '../system/system.ts';
import { certificateAuthority } from '../testing/certificates.ts';
import { Syslog } from './syslog.ts';

const record = (path: string, more = ''): string =>
  `{"v":1,"id":"a","at":"2026-11-27T08:42:18.123Z","path":"${path}"${more}}\n`;

class Receiver {
  received = '';
  readonly sockets = new Set<Socket>();
  #wake: (() => void) | null = null;

  readonly take = (socket: Socket): void => {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => this.add(bytes.toString('latin1')));
  };

  add(text: string): void {
    this.received += text;
    this.#wake?.();
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

async function listen(context: TestContext, server: Server, at: number | string = 0): Promise<number> {
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function open(context: TestContext, spec: Partial<SyslogSpec>, format = 'json') {
  const lost = { lines: 0 };
  const events: NewEvent[] = [];
  const whole = {
    kind: 'tcp',
    name: 'tcp://test',
    host: '127.0.0.1',
    port: 0,
    facility: 16,
    tag: 'edge',
    authorities: [],
  };
  const syslog = await Syslog.open({ ...whole, ...spec } as SyslogSpec, {
    clock: systemClock,
    events: { emit: (event) => void events.push(event as NewEvent) },
    lines: logLinesIn(format),
    hostname: 'box',
    processId: 7,
    onLost: (lines) => (lost.lines += lines),
  });
  context.after(() => syslog.close());
  return { syslog, lost, events };
}

const message = (severity: number, path: string, more = ''): string =>
  `<${128 + severity}>1 2026-11-27T08:42:18.123Z box edge 7 exchange - ${record(path, more).trim()}`;

describe('lines of the log for a receiver of syslog', () => {
  test('are a datagram each over UDP, a failure as a warning', { timeout: 5000 }, async (context) => {
    const receiver = new Receiver();
    const socket = createSocket('udp4', (bytes) => receiver.add(`${bytes.toString()}|`));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    context.after(() => socket.close());
    const { syslog } = await open(context, { kind: 'udp', port: socket.address().port });
    const failed = ',"cause":"connect_refused"';
    syslog.append(Buffer.from(record('/a') + record('/b', failed)));
    await receiver.until(() => receiver.received.split('|').length === 3);
    assert.equal(receiver.received, `${message(6, '/a')}|${message(4, '/b', failed)}|`);
  });

  test('have their length before them over TCP, and come again after the receiver has closed', {
    timeout: 9000,
  }, async (context) => {
    const receiver = new Receiver();
    const port = await listen(context, createServer(receiver.take));
    const { syslog } = await open(context, { port });
    syslog.append(Buffer.from(record('/a') + record('/b')));
    const [a, b, c] = ['/a', '/b', '/c'].map((path) => message(6, path)) as [string, string, string];
    await receiver.until(() => receiver.received.length === 2 * (a.length + 4));
    assert.equal(receiver.received, `${a.length} ${a}${b.length} ${b}`);
    const [first] = receiver.sockets;
    first?.destroy();
    await once(first as Socket, 'close');
    receiver.received = '';
    await new Promise(setImmediate);
    syslog.append(Buffer.from(record('/c')));
    await receiver.until(() => receiver.received.length > 0);
    assert.equal(receiver.received, `${c.length} ${c}`);
  });

  test('go over TLS to a receiver that the authority knows, and to no other', { timeout: 9000 }, async (context) => {
    const authority = certificateAuthority(systemClock.wallTime());
    const { certificate, key } = authority.issue({ names: ['localhost'] });
    const receiver = new Receiver();
    const port = await listen(context, createTlsServer({ cert: certificate, key }, receiver.take));
    const spec = { kind: 'tls', host: 'localhost', port } as const;
    const { syslog } = await open(context, { ...spec, authorities: [authority.certificate] });
    syslog.append(Buffer.from(record('/a')));
    await receiver.until(() => receiver.received.length > 0);
    assert.equal(receiver.received, `${message(6, '/a').length} ${message(6, '/a')}`);
    const untrusted = await open(context, spec);
    untrusted.syslog.append(Buffer.from(record('/secret')));
    while (untrusted.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(JSON.stringify(untrusted.events[0]), /SELF_SIGNED|UNABLE_TO|DEPTH_ZERO/);
    assert.doesNotMatch(receiver.received, /secret/);
  });

  test('are lines with a severity for the journal of systemd, in a format of their own', {
    timeout: 5000,
  }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'candor-journal-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const receiver = new Receiver();
    const host = join(folder, 'stdout');
    await listen(context, createServer(receiver.take), host);
    const { syslog } = await open(context, { kind: 'journal', host }, '{path} is {cause}');
    const writer = new RecordWriter({
      ...{ deployment: '', member: '', processStartedUnixMs: 0, processKey: 'k', worker: 1, queryAllowed: [] },
      ring: new TestRing(),
    });
    syslog.append(Buffer.from(writer.line(sampleExchange({ target: '/a' }))));
    const expected = 'edge\n\n6\n1\n0\n0\n0\n<6>/a is -\n';
    await receiver.until(() => receiver.received.length >= expected.length);
    assert.equal(receiver.received, expected);
  });

  test('wait for a receiver that is not there, and beyond 4 MiB they are dropped and counted', {
    timeout: 5000,
  }, async (context) => {
    const server = createServer();
    const port = await listen(context, server);
    await new Promise((resolve) => server.close(resolve));
    const { syslog, lost } = await open(context, { port });
    const large = record(`/${'x'.repeat(1024 * 1024)}`);
    for (let lines = 0; lines < 6; lines++) syslog.append(Buffer.from(large));
    assert.equal(lost.lines, 3);
  });
});
