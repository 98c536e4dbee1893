import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const signature = 'NTLMSSP\0';
const usesUnicode = 0x1;

/** A message of NTLM that is sent as the token of Authorization: its type, and the user, whom the third one names. */
export function ntlmToken(type: 1 | 3, user = ''): string {
  const head = Buffer.alloc(72);
  head.write(signature, 'latin1');
  head.writeUInt32LE(type, 8);
  if (type === 1) return head.subarray(0, 32).toString('base64');
  head.writeUInt16LE(user.length, 36);
  head.writeUInt16LE(user.length, 38);
  head.writeUInt32LE(head.length, 40);
  return Buffer.concat([head, Buffer.from(user, 'latin1')]).toString('base64');
}

/** The second message: names no target, and has a challenge of zeros. */
function challengeToken(): string {
  const message = Buffer.alloc(48);
  message.write(signature, 'latin1');
  message.writeUInt32LE(2, 8);
  message.writeUInt32LE(48, 16);
  message.writeUInt32LE(0x201, 20);
  message.writeUInt32LE(48, 44);
  return message.toString('base64');
}

function userIn(message: Buffer): string {
  const length = message.readUInt16LE(36);
  const at = message.readUInt32LE(40);
  const isUnicode = message.length >= 64 && (message.readUInt32LE(60) & usesUnicode) !== 0;
  return message.subarray(at, at + length).toString(isUnicode ? 'utf16le' : 'latin1');
}

/** Authenticates connections by NTLM, as its real servers do, but whoever names a user is that user. It answers with the user. */
export class NtlmOrigin {
  readonly server: Server;
  /** Logins that have succeeded. */
  logins = 0;
  readonly #users = new WeakMap<Socket, string | null>();

  constructor() {
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<NtlmOrigin> {
    const origin = new NtlmOrigin();
    origin.server.listen(0, '127.0.0.1');
    await once(origin.server, 'listening');
    return origin;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    request.resume();
    const [, token = null] = /^NTLM (.*)$/.exec(request.headers.authorization ?? '') ?? [];
    const user = this.#users.get(socket) ?? '';
    if (token === null && user !== '') return void response.end(user);
    const message = Buffer.from(token ?? '', 'base64');
    if (message.length > 8 && message.readUInt32LE(8) === 1) {
      this.#users.set(socket, null);
      return void response.writeHead(401, { 'www-authenticate': `NTLM ${challengeToken()}` }).end();
    }
    if (token === null || this.#users.get(socket) !== null)
      return void response.writeHead(401, { 'www-authenticate': 'NTLM' }).end();
    this.logins++;
    this.#users.set(socket, userIn(message));
    response.end(userIn(message));
  }
}
