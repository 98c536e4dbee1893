import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '../../scripts/peers.ts';
import { parseRawResponse } from '../../src/testing/testing.ts';
import { freePort } from '../free-port.ts';
import { startPeerProcess } from '../peer-process.ts';
import { StrictReader, type StrictRequest } from '../attacks/strict-reader.ts';
import type { Peer } from './peer.ts';
import { endMark, type Reading, type ReadMessage, readRequest, readResponse, untilQuiet } from './reading.ts';

/** Why nginx or HAProxy is not available here; null if it is. */
export function missing(name: 'nginx' | 'haproxy'): string | null {
  const found = findPeer(name);
  return 'missing' in found ? found.missing : null;
}

/**
 * A distribution's gateway before an origin that reports the requests that reach it. The forwarded request shows how
 * the gateway has read a request, and the response at its client shows how it has read a response.
 */
export async function startGatewayPeer(name: 'nginx' | 'haproxy'): Promise<Peer> {
  const found = findPeer(name);
  if ('missing' in found) throw new Error(found.missing);
  const origin = new RecordingOrigin();
  await origin.start();
  const folder = mkdtempSync(join(tmpdir(), 'candor-differential-'));
  const port = await freePort();
  const [file, text, args] = name === 'nginx' ? nginx(port, origin.port) : haproxy(port, origin.port);
  writeFileSync(join(folder, file), text);
  const program = await startPeerProcess(found, args, { folder, port });
  return {
    name,
    requests: async (bytes, quietMs) =>
      requestsIn(await converse(port, Buffer.concat([bytes, Buffer.from(endMark)]), quietMs)),
    response: async (bytes, method, quietMs) => {
      const key = origin.keep(bytes);
      const text = `${method} /answer/${key} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      return responseIn(await converse(port, Buffer.from(text), quietMs), method);
    },
    stop: async () => {
      await program.stop();
      await origin.stop();
    },
  };
}

type Files = readonly [file: string, text: string, args: readonly string[]];

function nginx(port: number, originPort: number): Files {
  const text = `
daemon off; master_process off; pid nginx.pid; error_log error.log crit;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:${port};
    lingering_close off; client_max_body_size 1m; proxy_buffer_size 64k; proxy_buffers 8 64k;
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_http_version 1.1;
      proxy_set_header Host $host:$server_port;
      proxy_set_header X-Differential-Host "=$host";
      proxy_set_header Connection "";
      proxy_ignore_client_abort on;
      proxy_next_upstream off;
    }
  }
}
`;
  return ['nginx.conf', text, ['-p', '.', '-c', 'nginx.conf', '-e', 'error.log']];
}

function haproxy(port: number, originPort: number): Files {
  const text = `
defaults
  mode http
  timeout client 3s
  timeout server 3s
  timeout connect 1s
  option http-buffer-request
  http-reuse never
  retries 0
listen gateway
  bind 127.0.0.1:${port}
  server origin 127.0.0.1:${originPort}
`;
  return ['haproxy.cfg', text, ['-db', '-f', 'haproxy.cfg']];
}

/** Reports the request in X-Read; for `/answer/<key>` it sends the stored bytes and a FIN. */
class RecordingOrigin {
  port = 0;
  readonly #kept = new Map<string, Buffer>();
  #keys = 0;
  readonly #open = new Set<Socket>();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => {
    const reader = new StrictReader(() => {});
    this.#open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#open.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes.toString('latin1'));
      for (let request = reader.next(); request !== null; request = reader.next()) this.#answer(socket, request);
    });
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  keep(bytes: Buffer): string {
    const key = String(++this.#keys);
    this.#kept.set(key, bytes);
    return key;
  }

  #answer(socket: Socket, { line, headers, body }: StrictRequest): void {
    const [method = '', target = ''] = line.split(' ');
    const key = /^\/answer\/(\d+)$/.exec(target)?.[1];
    if (key !== undefined) {
      const bytes = this.#kept.get(key);
      if (bytes === undefined) socket.end();
      else socket.end(bytes);
      this.#kept.delete(key);
      return;
    }
    const value = (name: string): string | undefined => headers.find(([n]) => n === name)?.[1];
    const read = readRequest(
      method,
      target,
      value('x-differential-host')?.slice(1) ?? value('host') ?? '',
      Buffer.from(body, 'latin1'),
    );
    const told = Buffer.from(JSON.stringify(read)).toString('base64');
    socket.write(`HTTP/1.1 200 OK\r\nX-Read: ${told}\r\nContent-Length: 0\r\n\r\n`);
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Reply {
  readonly bytes: Buffer;
  readonly isClosed: boolean;
}

/** Without a FIN: HAProxy takes a client that half-closes for one that has left. */
async function converse(port: number, bytes: Buffer, quietMs: number): Promise<Reply> {
  const socket = connect({ port, host: '127.0.0.1' });
  const pieces: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (piece: Buffer) => void pieces.push(piece));
  socket.write(bytes);
  const isClosed = await untilQuiet(socket, quietMs);
  return { bytes: Buffer.concat(pieces), isClosed };
}

function requestsIn({ bytes }: Reply): Reading {
  const messages: ReadMessage[] = [];
  for (const [head, status] of bytes.toString('latin1').matchAll(/HTTP\/1\.[01] ([2-5]\d\d)[^]*?\r\n\r\n/g)) {
    const told = /^x-read: (\S+)/im.exec(head)?.[1];
    if (told === undefined) return { messages, end: 'refused', why: status ?? '' };
    messages.push(JSON.parse(Buffer.from(told, 'base64').toString()) as ReadMessage);
  }
  // nginx answers bytes that it takes for HTTP/0.9 without a head; the page says that nginx refuses them.
  const refusal = /<title>([45]\d\d) /.exec(bytes.toString('latin1'))?.[1];
  if (refusal !== undefined) return { messages, end: 'refused', why: refusal };
  const isOver = messages.at(-1)?.start === 'GET /the-end';
  return { messages, end: isOver ? 'over' : 'partial', why: '' };
}

function responseIn({ bytes, isClosed }: Reply, method: string): Reading {
  const response = parseRawResponse(bytes, method, 'fin');
  if (!isClosed) return { messages: [], end: 'partial', why: '' };
  // The origin has sent all of its bytes: a message that is incomplete now is truncated.
  if (response === null || !response.complete) return { messages: [], end: 'refused', why: 'cut' };
  if (response.status === 502) return { messages: [], end: 'refused', why: '502' };
  return { messages: [readResponse(response.status, response.body)], end: 'over', why: '' };
}
