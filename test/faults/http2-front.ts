import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** What an HTTP/1.1 connection says of itself alone (RFC 9113 §8.2.2). */
const ofConnections: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'host',
]);

/**
 * Makes clients of HTTP/1.1 clients of HTTP/2 (node:http2, in clear text), so that the same cases are played over it: each connection is one.
 * A stream that is reset becomes a connection that is closed within the message; a client that leaves resets its stream.
 */
export class Http2Front {
  readonly #server: Server;
  readonly #behind: string;
  readonly #sessions = new Map<Socket, ClientHttp2Session>();

  private constructor(host: string, port: number) {
    this.#behind = `http://${host}:${port}`;
    this.#server = createServer(
      { noDelay: true, keepAliveTimeout: 0, joinDuplicateHeaders: true },
      (request, response) => this.#relay(request, response),
    );
  }

  static async start(behind: { readonly host: string; readonly port: number }): Promise<Http2Front> {
    const front = new Http2Front(behind.host, behind.port);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) session.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #sessionOf(socket: Socket): ClientHttp2Session {
    const known = this.#sessions.get(socket);
    if (known !== undefined && !known.closed) return known;
    const session = connect(this.#behind);
    this.#sessions.set(socket, session);
    session.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sessions.delete(socket);
      session.close();
    });
    return session;
  }

  #relay(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false;
    const { socket } = request;
    const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
    const stream = this.#sessionOf(socket).request(requestHeaders(request), { endStream: !hasBody });
    if (hasBody) request.pipe(stream);
    response.once('close', () => {
      if (!response.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
    });
    relayResponse(stream, response, socket);
  }
}

function requestHeaders({ method, url, headers }: IncomingMessage): OutgoingHttpHeaders {
  const lines = Object.entries(headers).filter(([name]) => !ofConnections.has(name));
  return { ':method': method, ':path': url, ':authority': headers.host ?? '', ...Object.fromEntries(lines) };
}

function relayResponse(stream: ClientHttp2Stream, response: ServerResponse, socket: Socket): void {
  stream.on('headers', (head: IncomingHttpHeaders & { ':status'?: number }) => {
    socket.write(`HTTP/1.1 ${head[':status']} Interim\r\n${linesOf(head)}\r\n`);
  });
  stream.once('response', (head) => {
    response.writeHead(head[':status'] as number, responseHeaders(head));
    // A stream that is reset at once has had its head.
    response.flushHeaders();
  });
  stream.once('trailers', (headers: IncomingHttpHeaders) =>
    response.addTrailers(responseHeaders(headers) as Record<string, string>),
  );
  stream.pipe(response, { end: false });
  stream.once('end', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR && response.headersSent) response.end();
  });
  stream.on('error', () => {}); // 'close' follows.
  stream.once('close', () => {
    if (!response.writableEnded) socket.destroySoon();
  });
}

function responseHeaders(head: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(head).filter(([name]) => !name.startsWith(':')));
}

function linesOf(head: IncomingHttpHeaders): string {
  return Object.entries(responseHeaders(head))
    .map(([name, value]) => `${name}: ${String(value)}\r\n`)
    .join('');
}
