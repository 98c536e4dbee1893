import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net';
import type { Peer } from './peer.ts';
import { endMark, type Reading, type ReadMessage, readRequest, readResponse, untilQuiet } from './reading.ts';

interface Conversation {
  readonly messages: ReadMessage[];
  /** The number of the connection: a port may be used again. */
  readonly number: number;
  end: Reading['end'];
  why: string;
}

/** Node's own server and client, over sockets, with their defaults. */
export async function startNodeHttp(): Promise<Peer> {
  const conversations = new WeakMap<Socket, Conversation>();
  const server = createServer((request, response) => {
    const conversation = conversations.get(request.socket);
    const pieces: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (bytes: Buffer) => void pieces.push(bytes));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      conversation?.messages.push(readRequest(method, url, hostOf(url, headers.host), Buffer.concat(pieces)));
      response.setHeader('X-Read', '1');
      response.end();
    });
  });
  Object.assign(server, { httpAllowHalfOpen: true });
  const ends = new Map<number, Conversation>();
  let accepted = 0;
  server.on('connection', (socket) => {
    const conversation: Conversation = { messages: [], number: ++accepted, end: 'over', why: '' };
    conversations.set(socket, conversation);
    ends.set(socket.remotePort ?? 0, conversation);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const conversation = conversations.get(socket);
    const { code = '' } = error;
    // Bytes after a message that closes have no reader.
    if (conversation !== undefined && code !== 'HPE_CLOSED_CONNECTION' && code !== 'ECONNRESET') {
      conversation.end = code === 'HPE_INVALID_EOF_STATE' ? 'partial' : 'refused';
      conversation.why = code;
    }
    socket.destroy();
  });
  server.on('connect', (request, socket: Socket) => {
    conversations.get(request.socket)?.messages.push(readRequest('CONNECT', request.url ?? '', '', Buffer.alloc(0)));
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const origin = createNetServer({ allowHalfOpen: true });
  let answers: Map<string, Buffer> = new Map();
  origin.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      const [, key = ''] = /^\w+ \/(\d+) /.exec(bytes.toString('latin1')) ?? [];
      socket.end(answers.get(key) ?? Buffer.alloc(0));
    });
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const originPort = (origin.address() as AddressInfo).port;
  let asked = 0;

  return {
    name: 'node',
    requests: async (bytes, quietMs) => {
      const before = accepted;
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      let answers = '';
      socket.on('data', (piece: Buffer) => (answers += piece.toString('latin1')));
      socket.write(Buffer.concat([bytes, Buffer.from(endMark)]));
      await once(socket, 'connect');
      const { localPort = 0 } = socket;
      const isClosed = await untilQuiet(socket, quietMs);
      const conversation = ends.get(localPort);
      ends.delete(localPort);
      if (conversation === undefined || conversation.number <= before) return { messages: [], end: 'partial', why: '' };
      const { messages, end, why } = conversation;
      // Node answers by itself if Host is missing or an expectation is unknown, and continues.
      const heads = [...answers.matchAll(/HTTP\/1\.1 ([2-5]\d\d)[^]*?\r\n\r\n/g)];
      const own = heads.findIndex(([head]) => !/^x-read:/im.test(head));
      if (own >= 0) return { messages: messages.slice(0, own), end: 'refused', why: heads[own]?.[1] ?? '' };
      return { messages, end: end === 'over' && !isClosed ? 'partial' : end, why };
    },
    response: (bytes, method, quietMs) => {
      const key = String(++asked);
      answers = answers.set(key, bytes);
      return nodeResponse(originPort, key, method, quietMs).finally(() => answers.delete(key));
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      origin.close();
      await Promise.all([once(server, 'close'), once(origin, 'close')]);
    },
  };
}

function hostOf(url: string, host = ''): string {
  return /^https?:\/\/([^/?]*)/i.exec(url)?.[1] ?? host;
}

function nodeResponse(port: number, key: string, method: string, quietMs: number): Promise<Reading> {
  return new Promise((resolve) => {
    const refused = (why: string): void => resolve({ messages: [], end: 'refused', why });
    const request = httpRequest({ port, host: '127.0.0.1', path: `/${key}`, method, agent: false });
    request.on('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (bytes: Buffer) => void pieces.push(bytes));
      const { statusCode = 0 } = response;
      response.on('end', () =>
        resolve({ messages: [readResponse(statusCode, Buffer.concat(pieces))], end: 'over', why: '' }),
      );
      response.on('error', (error: NodeJS.ErrnoException) => refused(error.code ?? 'cut'));
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ messages: [readResponse(response.statusCode ?? 0, Buffer.alloc(0))], end: 'over', why: '' });
    });
    request.on('error', (error: NodeJS.ErrnoException) => refused(error.code ?? ''));
    // The exchange is over, however the connection ends.
    request.on('close', () => refused('cut'));
    request.setTimeout(quietMs, () => {
      resolve({ messages: [], end: 'partial', why: '' });
      request.destroy();
    });
    request.end();
  });
}
