import type { Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { Result } from '#failures/result.ts';
import type { SyslogSpec } from '../core/syslog-spec.ts';
import type { Clock } from '../core/time.ts';
import { lineFeed } from '../record/line-feed.ts';
import { errnoOf, type LogOutput } from '../record/log-output.ts';
import { BackOff, within, writeAll } from './back-off.ts';

/** A receiver that does not answer must not hold up the lines for a file that is opened after it. */
const connectMs = 5000;
/** How long a receiver may take nothing. */
const writeMs = 10_000;

/**
 * Sends the lines of `syslog-lines.ts`: each in a datagram (RFC 5426), with its length before it over TCP (RFC 6587) and TLS (RFC 5425), and as
 * a line to the journal of systemd. A write sends all of its lines or fails; then `LogFile` keeps them, and tries again. Node's modules are loaded
 * when they are needed.
 */
export class SyslogOutput implements LogOutput {
  readonly #spec: SyslogSpec;
  readonly #clock: Clock;
  #stream: Socket | null = null;
  #datagrams: UdpSocket | null = null;
  readonly #backOff: BackOff;

  constructor(spec: SyslogSpec, clock: Clock) {
    this.#spec = spec;
    this.#clock = clock;
    this.#backOff = new BackOff(clock);
  }

  async write(bytes: Uint8Array, from: number): Promise<Result<number, string>> {
    const { reason } = this.#backOff;
    if (reason !== null) return { ok: false, failure: reason };
    try {
      const lines = linesIn(bytes.subarray(from));
      if (this.#spec.kind === 'udp') await this.#sendDatagrams(lines);
      else await this.#sendStream(this.#spec.kind === 'journal' ? bytes.subarray(from) : framed(lines));
      this.#backOff.succeeded();
      return { ok: true, value: bytes.length - from };
    } catch (error) {
      return { ok: false, failure: this.#failed(error) };
    }
  }

  #failed(error: unknown): string {
    this.#drop();
    return this.#backOff.failed(errnoOf(error));
  }

  #drop(): void {
    this.#stream?.destroy();
    this.#datagrams?.close();
    this.#stream = null;
    this.#datagrams = null;
  }

  // Datagrams.

  async #sendDatagrams(lines: readonly Uint8Array[]): Promise<void> {
    const socket = (this.#datagrams ??= await this.#openDatagrams());
    for (const line of lines)
      await within(writeMs, this.#clock, (done) => socket.send(line, (error) => done(error ?? null)));
  }

  /** Connected, so that the system reports a receiver that is not there. */
  async #openDatagrams(): Promise<UdpSocket> {
    const { host, port } = this.#spec;
    const { createSocket } = process.getBuiltinModule('node:dgram');
    const { lookup } = process.getBuiltinModule('node:dns/promises');
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    // What a later send finds out.
    socket.on('error', () => this.#forgetDatagrams(socket));
    await within(connectMs, this.#clock, (done) => socket.connect(port, address, () => done(null)));
    return socket;
  }

  #forgetDatagrams(socket: UdpSocket): void {
    if (this.#datagrams === socket) this.#datagrams = null;
    socket.close();
  }

  // Streams.

  async #sendStream(bytes: Uint8Array): Promise<void> {
    const stream = (this.#stream ??= await this.#connect());
    await writeAll(stream, bytes, writeMs, this.#clock);
  }

  async #connect(): Promise<Socket> {
    const { kind, host, port, tag, authorities } = this.#spec;
    const { connect } = process.getBuiltinModule('node:net');
    let stream: Socket;
    let ready = 'connect';
    if (kind === 'tls') {
      const tls = process.getBuiltinModule('node:tls');
      const ca = authorities.length === 0 ? {} : { ca: [...authorities] };
      stream = tls.connect({ host, port, ...ca, ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }) });
      ready = 'secureConnect';
    } else stream = kind === 'journal' ? connect({ path: host }) : connect({ host, port });
    try {
      await within(connectMs, this.#clock, (done) => {
        stream.once(ready, () => done(null));
        stream.once('error', done);
      });
    } catch (error) {
      stream.on('error', () => {});
      stream.destroy();
      throw error;
    }
    // The next write finds out that there is no connection.
    stream.on('error', () => {});
    stream.once('close', () => {
      if (this.#stream === stream) this.#stream = null;
    });
    stream.resume();
    stream.unref();
    if (kind === 'journal') stream.write(`${tag}\n\n6\n1\n0\n0\n0\n`);
    return stream;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    stream?.end();
    this.#datagrams?.close();
    this.#datagrams = null;
    await Promise.resolve();
  }
}

/** Without their LF. */
function linesIn(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}

/** RFC 6587 §3.4.1: octet counting. */
function framed(lines: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(lines.flatMap((line) => [Buffer.from(`${line.length} `), line]));
}
