import { createHash } from 'node:crypto';
import { type Socket, connect as connectTcp } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import type { SmtpChannelSpec } from '../core/alert.ts';
import { hostPort } from '../core/endpoint.ts';
import {
  accepted,
  type AlertChannel,
  type AlertMessage,
  marked,
  refused,
  type SendResult,
  withoutSecrets,
} from './channel.ts';
import { plainTextOf, headline } from './alert-json.ts';
import { deliveryFault } from './network-error.ts';

interface SmtpReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A server that sends more than this before it has answered is none. */
const replyBytesMax = 64 * 1024;

/** The server's answers cannot be read, or it has closed the connection. */
class SmtpBroken extends Error {}

/** A connection to an SMTP server (RFC 5321): sends commands, reads replies, begins TLS. Times out through its signal alone. */
class SmtpConnection {
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

/** A message in the format of RFC 5322, whose lines end with CR LF. Its body is base64: no line of it begins with a dot. */
function mailOf(message: AlertMessage, from: string, to: readonly string[]): string {
  const { alert } = message;
  const host = from.split('@')[1] ?? 'localhost';
  const thread = messageId(alert.key, host);
  const headers = [
    `From: Candor <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    `Subject: ${encodedWords(headline(alert))}`,
    `Date: ${mailDate(alert.at)}`,
    `Message-ID: ${messageId(`${alert.id} ${alert.key}`, host)}`,
    // Mail programs show all changes of a thing together.
    `In-Reply-To: ${thread}`,
    `References: ${thread}`,
    'Auto-Submitted: auto-generated',
    ...(alert.severity === 'critical' && alert.change !== 'resolved' ? ['X-Priority: 1'] : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ];
  return `${headers.join('\r\n')}\r\n\r\n${base64Lines(plainTextOf(message))}`;
}

function messageId(text: string, host: string): string {
  return `<${createHash('sha256').update(text).digest('hex').slice(0, 32)}@${host}>`;
}

/** 'Mon, 23 Nov 2026 21:30:00 +0000' */
function mailDate(at: number): string {
  return new Date(at).toUTCString().replace('GMT', '+0000');
}

function base64Lines(text: string): string {
  const encoded = Buffer.from(text.replace(/\r?\n/g, '\r\n')).toString('base64');
  return `${(encoded.match(/.{1,76}/g) ?? []).join('\r\n')}\r\n`;
}

/** 36 bytes are 48 characters of base64: with the name of the header, a line has less than 76 (RFC 2047 §2). */
const wordBytesMax = 36;

/** A header's text; anything but ASCII as encoded words, which are never divided within a character. */
export function encodedWords(text: string): string {
  if (/^[\x20-\x7e]{0,200}$/.test(text)) return text;
  const words: string[] = [];
  let part = '';
  for (const character of text) {
    if (Buffer.byteLength(part + character) > wordBytesMax) {
      words.push(part);
      part = '';
    }
    part += character;
  }
  words.push(part);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}

/** Sends a mail by SMTP (RFC 5321), with STARTTLS (RFC 3207) and AUTH PLAIN or LOGIN (RFC 4954). */
export class SmtpChannel implements AlertChannel {
  readonly destination: string;
  readonly #spec: SmtpChannelSpec;
  readonly #ownName: string;

  /** `ownName`: what the server is greeted with. */
  constructor(spec: SmtpChannelSpec, ownName: string) {
    this.#spec = spec;
    this.#ownName = ownName;
    this.destination = hostPort(spec.host, spec.port);
  }

  async send(message: AlertMessage, signal: AbortSignal): Promise<SendResult> {
    const session = new SmtpSession(this.#spec, this.#ownName, signal);
    try {
      await session.deliver(message);
      return accepted(`${this.destination} accepted the mail`, session.exchange);
    } catch (error) {
      return this.#failure(error, session.exchange);
    } finally {
      session.close();
    }
  }

  #failure(error: unknown, exchange: readonly string[]): SendResult {
    if (error instanceof SmtpRefusal) {
      const { reason, nextStep, isRetriable } = error;
      return refused(`${this.destination} ${reason}`, nextStep, { isRetriable, exchange });
    }
    if (error instanceof SmtpBroken) {
      const reason = `${this.destination} closed the connection, or sent something that is no SMTP`;
      return refused(reason, tryByHand, { isRetriable: true, exchange: [...exchange, `< ${reason}`] });
    }
    const { reason, nextStep } = deliveryFault(error, this.destination);
    return refused(reason, nextStep, { isRetriable: true, exchange: [...exchange, `< ${reason}`] });
  }
}

const tryByHand =
  'See whether the port is one for mail: 587 with `tls: starttls`, 465 with `tls: implicit`, 25 in clear text.';

/** The server has answered, and not with what is needed. */
class SmtpRefusal extends Error {
  readonly reason: string;
  readonly nextStep: string;
  readonly isRetriable: boolean;

  constructor(reason: string, nextStep: string, isRetriable: boolean) {
    super(reason);
    this.reason = reason;
    this.nextStep = nextStep;
    this.isRetriable = isRetriable;
  }
}

class SmtpSession {
  readonly exchange: string[] = [];
  readonly #spec: SmtpChannelSpec;
  readonly #ownName: string;
  readonly #connection: SmtpConnection;

  constructor(spec: SmtpChannelSpec, ownName: string, signal: AbortSignal) {
    this.#spec = spec;
    this.#ownName = ownName;
    this.#connection = new SmtpConnection(spec, signal);
  }

  async deliver(message: AlertMessage): Promise<void> {
    const { from, to } = this.#spec;
    await this.#expect(220, 'did not greet', tryByHand);
    let offers = await this.#greet();
    if (this.#spec.tls === 'starttls') {
      await this.#startTls(offers);
      offers = await this.#greet();
    }
    await this.#authenticate(offers);
    await this.#ask(`MAIL FROM:<${from}>`, 250, 'refused the sender', 'Write a `from` that this server accepts.');
    for (const address of to)
      await this.#ask(`RCPT TO:<${address}>`, 250, 'refused a recipient', 'Correct `to`, or allow this sender there.');
    await this.#ask('DATA', 354, 'did not want the mail', 'See what its answer says.');
    this.exchange.push(...marked('>', plainTextOf(message)));
    this.#connection.write(`${mailOf(message, from, to)}.\r\n`);
    await this.#expect(250, 'did not accept the mail', 'See what its answer says.');
    // The mail is accepted: what the server makes of QUIT does not matter.
    this.#connection.write('QUIT\r\n');
  }

  /** What the server offers, in capitals. */
  async #greet(): Promise<readonly string[]> {
    const { lines } = await this.#ask(`EHLO ${this.#ownName}`, 250, 'refused EHLO', tryByHand);
    return lines.slice(1).map((line) => line.toUpperCase());
  }

  async #startTls(offers: readonly string[]): Promise<void> {
    if (!offers.some((offer) => offer === 'STARTTLS'))
      throw new SmtpRefusal(
        'does not offer STARTTLS',
        'Write `tls: implicit` for its TLS port (465), or `tls: none` if the mail may travel in clear text.',
        false,
      );
    await this.#ask('STARTTLS', 220, 'refused STARTTLS', tryByHand);
    await this.#connection.startTls();
  }

  async #authenticate(offers: readonly string[]): Promise<void> {
    const { user, password } = this.#spec;
    if (user === null || password === null) return;
    const methods = new Set(
      offers.filter((offer) => /^AUTH[ =]/.test(offer)).flatMap((offer) => offer.slice(5).split(' ')),
    );
    const wrong = 'See whether `username` and `password_file` are right; some services want a password for programs.';
    if (methods.has('PLAIN')) {
      await this.#ask(
        `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`,
        235,
        'refused the login',
        wrong,
        'AUTH PLAIN …',
      );
    } else if (methods.has('LOGIN')) {
      await this.#ask('AUTH LOGIN', 334, 'refused the login', wrong);
      await this.#ask(base64(user), 334, 'refused the login', wrong, '(user)');
      await this.#ask(base64(password), 235, 'refused the login', wrong, '(password)');
    } else {
      const next =
        methods.size === 0
          ? 'Remove `username`, or use the port for submission (587).'
          : 'It offers only methods that Candor does not know: use another server.';
      throw new SmtpRefusal('offers neither AUTH PLAIN nor AUTH LOGIN', next, false);
    }
  }

  #ask(command: string, wanted: number, problem: string, nextStep: string, shown = command): Promise<SmtpReply> {
    this.exchange.push(...marked('>', shown));
    this.#connection.write(`${command}\r\n`);
    return this.#expect(wanted, problem, nextStep);
  }

  async #expect(wanted: number, problem: string, nextStep: string): Promise<SmtpReply> {
    const reply = await this.#connection.reply();
    const text = withoutSecrets(this.#withoutSecrets(reply.lines.join('\n')), []);
    this.exchange.push(...marked('<', `${reply.code} ${text}`));
    // 251: the server forwards to another address.
    if (reply.code === wanted || (wanted === 250 && reply.code === 251)) return reply;
    throw new SmtpRefusal(`${problem} (${reply.code})`, nextStep, reply.code < 500);
  }

  /** Servers repeat in their refusals what they were sent, also in part. */
  #withoutSecrets(text: string): string {
    const { user, password } = this.#spec;
    if (user === null || password === null) return text;
    const secrets = [password, base64(password), base64(`\0${user}\0${password}`)];
    return text.replace(/[^\s"'<>()]+/g, (word) => (secrets.some((secret) => hasPart(word, secret)) ? '***' : word));
  }

  close(): void {
    this.#connection.close();
  }
}

/** Shorter parts may stand in a word by chance. */
const partCharacters = 6;

function hasPart(word: string, secret: string): boolean {
  const size = Math.min(partCharacters, secret.length);
  for (let at = 0; size > 0 && at + size <= secret.length; at++)
    if (word.includes(secret.slice(at, at + size))) return true;
  return false;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
