import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '../testing/certificates.ts';

export interface SmtpBehaviour {
  /** Offers STARTTLS with this certificate. */
  readonly certificate?: IssuedCertificate;
  readonly tls?: 'starttls' | 'implicit';
  readonly methods?: string;
  /** Answers to commands, by their first word, in place of the usual ones; null: none. 'close': ends the connection. */
  readonly answers?: Readonly<Record<string, string | null>>;
}

interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
  readonly login: string | null;
  readonly isSecure: boolean;
}

/** A mail server that keeps what it gets. */
export class SmtpServer {
  readonly mails: ReceivedMail[] = [];
  readonly commands: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(behaviour: SmtpBehaviour = {}) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      new SmtpSessionOfServer(this, behaviour, socket).begin();
    });
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

class SmtpSessionOfServer {
  readonly #server: SmtpServer;
  readonly #behaviour: SmtpBehaviour;
  #socket: Socket;
  #isSecure = false;
  #text = '';
  #from = '';
  #to: string[] = [];
  #login: string | null = null;
  #state: 'command' | 'data' | 'user' | 'password' = 'command';

  constructor(server: SmtpServer, behaviour: SmtpBehaviour, socket: Socket) {
    this.#server = server;
    this.#behaviour = behaviour;
    this.#socket = socket;
  }

  begin(): void {
    if (this.#behaviour.tls === 'implicit') this.#secure();
    else this.#listen();
    this.#answer('GREETING', '220 mail.test ESMTP');
  }

  #listen(): void {
    this.#socket.on('data', (bytes: Buffer) => this.#onData(bytes.toString('latin1')));
    this.#socket.on('error', () => {});
  }

  #secure(): void {
    const { certificate } = this.#behaviour;
    this.#socket.removeAllListeners('data');
    this.#socket = new TLSSocket(this.#socket, {
      isServer: true,
      cert: certificate?.certificate,
      key: certificate?.key,
    });
    this.#isSecure = true;
    this.#listen();
  }

  #onData(text: string): void {
    this.#text += text;
    for (;;) {
      const end = this.#text.indexOf(this.#state === 'data' ? '\r\n.\r\n' : '\r\n');
      if (end === -1) return;
      const part = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + (this.#state === 'data' ? 5 : 2));
      this.#onPart(part);
    }
  }

  #onPart(part: string): void {
    if (this.#state === 'data') return this.#onMail(part);
    if (this.#state === 'user' || this.#state === 'password') return this.#onLogin(part);
    this.#server.commands.push(part);
    const [word = ''] = part.split(/[ :]/);
    this.#onCommand(word.toUpperCase(), part);
  }

  #onCommand(word: string, line: string): void {
    const path = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (word === 'EHLO') return this.#answer(word, this.#greeting);
    if (word === 'STARTTLS') {
      this.#answer(word, '220 go ahead');
      return this.#secure();
    }
    if (word === 'AUTH') return this.#onAuth(line);
    if (word === 'MAIL') this.#from = path;
    if (word === 'RCPT') this.#to.push(path);
    if (word === 'DATA') {
      this.#answer(word, '354 end with a dot');
      this.#state = 'data';
      return;
    }
    this.#answer(word, word === 'QUIT' ? '221 bye' : '250 ok');
  }

  get #greeting(): string {
    const { methods = '', tls } = this.#behaviour;
    const offers = ['mail.test', ...(tls === 'starttls' && !this.#isSecure ? ['STARTTLS'] : [])];
    if (methods !== '') offers.push(`AUTH ${methods}`);
    return offers.map((offer, at) => `250${at === offers.length - 1 ? ' ' : '-'}${offer}`).join('\r\n');
  }

  #onAuth(line: string): void {
    const [, method = '', initial = ''] = line.split(' ');
    if (method === 'PLAIN') {
      this.#login = textOf(initial).split('\0').slice(1).join(':');
      return this.#answer('AUTH', '235 welcome');
    }
    this.#state = 'user';
    this.#answer('AUTH', `334 ${Buffer.from('Username:').toString('base64')}`);
  }

  #onLogin(part: string): void {
    this.#login = this.#state === 'user' ? textOf(part) : `${this.#login}:${textOf(part)}`;
    const isUser = this.#state === 'user';
    this.#state = isUser ? 'password' : 'command';
    this.#answer(isUser ? 'USER' : 'PASSWORD', isUser ? '334 UGFzc3dvcmQ6' : '235 welcome');
  }

  #onMail(data: string): void {
    this.#state = 'command';
    this.#server.mails.push({ from: this.#from, to: this.#to, data, login: this.#login, isSecure: this.#isSecure });
    this.#answer('MESSAGE', '250 queued');
  }

  #answer(command: string, usual: string): void {
    const { answers = {} } = this.#behaviour;
    const answer = Object.hasOwn(answers, command) ? answers[command] : usual;
    if (answer === null || answer === undefined) return;
    if (answer === 'close') this.#socket.destroy();
    else this.#socket.write(`${answer}\r\n`);
  }
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
