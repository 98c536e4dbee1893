import { createServer, type Server } from 'node:net';
import { type StreamHandle, type StreamInternals, streamInternals } from '../src/transport/stream-handle.ts';

/**
 * Answers each request with a fixed page, and closes the connection if the request asks for that: what a connection costs on Node
 * before anything is done with it. `handle`: on libuv's handle of each accepted connection; `socket`: as `node:net` documents.
 */
const [mode, port] = process.argv.slice(2);

const page = '<!doctype html><title>Order 1742</title><h1>Order 1742</h1>';
const closeField = 'Connection: close';
const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n`;
const response = Buffer.from(`${head}\r\n${page}`);
const lastResponse = Buffer.from(`${head}${closeField}\r\n\r\n${page}`);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (request) => {
    if (request.includes(closeField)) socket.end(lastResponse);
    else socket.write(response);
  });
  socket.on('error', () => socket.destroy());
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => {
  if (mode === 'handle') takeHandles(server, streamInternals as StreamInternals);
});

function takeHandles(listening: Server, { streamBaseState, kReadBytesOrError }: StreamInternals): void {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  const { _handle: listener } = listening as unknown as {
    readonly _handle: { onconnection(error: number, handle: StreamHandle): void; setNoDelay(on: boolean): number };
  };
  function onread(this: StreamHandle): undefined {
    const length = streamBaseState[kReadBytesOrError] as number;
    const isLast = length < 0 || buffer.subarray(0, length).includes(closeField);
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
