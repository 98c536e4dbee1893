import type { Socket } from 'node:net';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import type { SmtpChannelSpec } from '../core/alert.ts';

export interface SmtpReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A server that sends more than this before it has answered is none. */
const replyBytesMax = 64 * 1024;

/** The server's answers cannot be read, or it has closed the connection. */
export class SmtpBroken extends Error {}

/** A connection to an SMTP server (RFC 5321): sends commands, reads replies, begins TLS. Times out through its signal alone. */
export class SmtpConnection {
  readonly #spec: Pick<SmtpChannelSpec, 'host' | 'port' | 'ca'>;
  readonly #signal: AbortSignal;
  #socket: Socket;
  #received = '';
  #lines: string[] = [];
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(spec: SmtpChannelSpec, signal: AbortSignal) {
    this.#spec = spec;
    this.#signal = signal;
    const { host, port } = spec;
    this.#socket =
      spec.tls === 'implicit' ? connectTls({ host, port, ...this.#tlsOptions }) : connectTcp({ host, port });
    this.#listen();
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => this.#fail(this.#signal.reason as Error);

  get #tlsOptions(): { servername: string; ca?: string[] } {
    const { host, ca } = this.#spec;
    const servername = /^[\d.]+$|:/.test(host) ? '' : host;
    return ca.length === 0 ? { servername } : { servername, ca: [...rootCertificates, ...ca] };
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new SmtpBroken('closed')));
  }

  #onData(bytes: Buffer): void {
    this.#received += bytes.toString('latin1');
    if (this.#received.length > replyBytesMax) return this.#fail(new SmtpBroken('garbage'));
    const lines = this.#received.split(/\r?\n/);
    this.#received = lines.pop() ?? '';
    this.#lines.push(...lines);
    if (this.#lines.length > 1000) return this.#fail(new SmtpBroken('garbage'));
    this.#wake();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  /** Rejects with the error of the socket, the reason of the signal, or `SmtpBroken`. */
  async reply(): Promise<SmtpReply> {
    const lines: string[] = [];
    for (;;) {
      const line = this.#lines.shift();
      if (line === undefined) {
        if (this.#error !== null) throw this.#error;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const match = /^([2-5]\d\d)([ -]|$)(.*)$/.exec(line);
      if (match === null) throw new SmtpBroken('garbage');
      lines.push(match[3] ?? '');
      if (match[2] !== '-') return { code: Number(match[1]), lines };
    }
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Begins TLS on this connection. What the server has sent before belongs to nothing that can be trusted, and is dropped. */
  async startTls(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    this.#received = '';
    this.#lines = [];
    const secure = connectTls({ socket: plain, ...this.#tlsOptions, host: this.#spec.host });
    this.#socket = secure;
    this.#listen();
    const { promise, resolve } = Promise.withResolvers<void>();
    secure.once('secureConnect', resolve);
    this.#wake = resolve;
    await promise;
    if (this.#error !== null) throw this.#error;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#socket.removeAllListeners();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
  }
}
