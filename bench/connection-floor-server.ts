import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TlsHostSettings } from '../src/core/tls-server.ts';
import type { Transport, TransportListener } from '../src/core/transport.ts';
import { listen } from '../src/transport/listen.ts';
import { type StreamHandle, streamInternals } from '../src/transport/stream-handle.ts';
import { tlsServer } from '../src/transport/tls-server.ts';
import { systemRandom } from '../src/system/system.ts';

/**
 * Answers each request with a fixed page, and closes the connection if the request asks for that: what a connection costs on Node
 * before anything is done with it. `handle`: on libuv's handle of each accepted connection; `socket`: as `node:net` documents;
 * `tls-socket`: as `node:tls` documents; `tls-transport`: on the transport and the handshake of Candor, without its gateway. With
 * TLS the certificate is `bench.pem` and `bench.key` of the working folder.
 */
const [mode, port] = process.argv.slice(2);

const page = '<!doctype html><title>Order 1742</title><h1>Order 1742</h1>';
const closeHeader = 'Connection: close';
const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n`;
const response = Buffer.from(`${head}\r\n${page}`);
const lastResponse = Buffer.from(`${head}${closeHeader}\r\n\r\n${page}`);

const at = { port: Number(port), host: '127.0.0.1', backlog: 4096 };
if (mode === 'tls-socket') createTlsServer(certificateAndKey(), answerOnSocket).listen(at);
else if (mode === 'tls-transport') listenOnTransport();
else {
  const server = createServer({ noDelay: true }, answerOnSocket);
  server.listen(at, () => {
    if (mode === 'handle') takeHandles(server);
  });
}

function certificateAndKey(): { readonly cert: string; readonly key: string } {
  return { cert: readFileSync('bench.pem', 'utf8'), key: readFileSync('bench.key', 'utf8') };
}

function answerOnSocket(socket: Socket): void {
  socket.on('data', (request) => {
    if (request.includes(closeHeader)) socket.end(lastResponse);
    else socket.write(response);
  });
  socket.on('error', () => socket.destroy());
}

function takeHandles(listening: Server): void {
  const { streamBaseState, kReadBytesOrError } = streamInternals;
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  const { _handle: listener } = listening as unknown as {
    readonly _handle: { onconnection(error: number, handle: StreamHandle): void; setNoDelay(on: boolean): number };
  };
  function onread(this: StreamHandle): undefined {
    const length = streamBaseState[kReadBytesOrError] as number;
    const isLast = length < 0 || buffer.subarray(0, length).includes(closeHeader);
    if (length > 0) this.writeBuffer(null, isLast ? lastResponse : response);
    if (isLast) this.close();
  }
  listener.setNoDelay(true);
  listener.onconnection = (error, handle): void => {
    if (error !== 0) throw new Error(`accepting failed: ${error}`);
    handle.onread = onread;
    handle.useUserBuffer(buffer);
    handle.readStart();
  };
}

function listenOnTransport(): void {
  const { cert: certificate, key } = certificateAndKey();
  const host: TlsHostSettings = {
    ...{ id: 'bench.test', certificates: [{ certificate, key }], versionMin: 'TLSv1.2', ciphers: null },
    ...{ clientCertificates: null, ticketKeys: randomBytes(48) },
  };
  const session = { host, serverName: 'bench.test', protocols: ['http/1.1'], versionMax: 0x0304 };
  listen(
    { host: at.host, port: at.port, sharePort: false },
    {
      onListening() {},
      onListenFailed(errno) {
        throw new Error(`listening failed: ${errno}`);
      },
      onConnection(plain) {
        plain.listener = listenerOf((bytes, start, end) => {
          plain.listener = listenerOf(() => {});
          const waiter = { onSecure: answerOnTransport, onHandshakeFailed() {} };
          tlsServer(systemRandom).start(plain, bytes.slice(start, end), session, waiter);
        });
      },
    },
  );
}

function answerOnTransport(transport: Transport): void {
  transport.listener = listenerOf((bytes, start, end) => {
    const isLast = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).includes(closeHeader);
    const own = isLast ? lastResponse : response;
    transport.write(own, 0, own.length, 'owned');
    if (isLast) transport.end('close');
  });
}

function listenerOf(onBytes: TransportListener['onBytes']): TransportListener {
  return { onBytes, onEnd() {}, onWritten() {}, onClosed() {} };
}
