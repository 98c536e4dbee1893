import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, type RawData, type ServerOptions, WebSocket, WebSocketServer } from 'ws';

// Both ends of WebSockets by the package `ws`, which shares no code with the gateway and refuses every frame that breaks a rule
// of RFC 6455.

/** An application that echoes each message of each of its WebSockets. */
export class EchoApplication {
  readonly server: WebSocketServer;
  /** The WebSockets that have been opened, in order. */
  readonly opened: Peer[] = [];
  /** False: messages are received and not sent back. */
  echoes = true;

  private constructor(options: ServerOptions) {
    this.server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
    this.server.on('connection', (socket) => {
      const peer = new Peer(socket);
      this.opened.push(peer);
      socket.on('message', (data, isBinary) => {
        if (this.echoes) socket.send(bytesOf(data), { binary: isBinary });
      });
    });
  }

  static async start(options: ServerOptions = {}): Promise<EchoApplication> {
    const application = new EchoApplication(options);
    await once(application.server, 'listening');
    return application;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.opened) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

interface Message {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** One end of a WebSocket, and all that it has received. */
export class Peer {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  readonly pings: string[] = [];
  readonly pongs: string[] = [];
  /** Broken rules of the protocol and errors of the connection. */
  readonly errors: string[] = [];
  /** The code and the reason of the end. */
  readonly ended: Promise<readonly [code: number, reason: string]>;
  /** The request id that the gateway has given to a client. */
  id = '';

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => void this.messages.push({ bytes: bytesOf(data), isBinary }));
    socket.on('ping', (data) => void this.pings.push(data.toString('latin1')));
    socket.on('pong', (data) => void this.pongs.push(data.toString('latin1')));
    socket.on('error', ({ message }) => void this.errors.push(message));
    this.ended = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve([code, reason.toString()]));
    });
  }

  /** A client that is connected. */
  static async connect(url: string, options: ClientOptions = {}): Promise<Peer> {
    const peer = new Peer(new WebSocket(url, options));
    peer.socket.once('upgrade', ({ headers }: IncomingMessage) => {
      peer.id = String(headers['x-request-id']);
    });
    await once(peer.socket, 'open');
    assert.notEqual(peer.id, '');
    return peer;
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
