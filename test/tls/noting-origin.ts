import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '../../src/testing/certificates.ts';

/** What one handshake said. */
interface Seen {
  /** The name that was asked for (RFC 6066 §3); null where none was. */
  readonly serverName: string | null;
  /** The common name of the certificate that the client showed; null where it showed none. */
  readonly client: string | null;
}

/** An HTTPS origin that notes each handshake, and answers every request with the number of its connection. */
export class NotingOrigin {
  readonly handshakes: Seen[] = [];
  /** May be changed: the next handshake shows this one. */
  certificate: IssuedCertificate;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #numbers = new WeakMap<Socket, number>();
  /** Requests to `/slow` wait for this. */
  #released = Promise.withResolvers<void>();

  constructor(certificate: IssuedCertificate, clientAuthority: string | null) {
    this.certificate = certificate;
    const client =
      clientAuthority === null ? {} : { requestCert: true, rejectUnauthorized: false, ca: clientAuthority };
    this.#server = createServer({ ...this.#credentials(), ...client });
    this.#server.on('secureConnection', (secure) => this.#note(secure));
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    this.#server.on('request', (request, response) => {
      const text = String(this.#numbers.get(request.socket));
      if (request.url !== '/slow') response.end(text);
      else void this.#released.promise.then(() => response.end(text));
    });
  }

  async listen(host = '127.0.0.1'): Promise<this> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get serverNames(): readonly (string | null)[] {
    return [...new Set(this.handshakes.map(({ serverName }) => serverName))];
  }

  show(certificate: IssuedCertificate): void {
    this.certificate = certificate;
    this.#server.setSecureContext(this.#credentials());
  }

  /** Answers what waits at `/slow`. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  #credentials(): { cert: string; key: string } {
    return { cert: this.certificate.certificate, key: this.certificate.key };
  }

  #note(secure: TLSSocket): void {
    const serverName = typeof secure.servername === 'string' ? secure.servername : null;
    const shown = secure.getPeerX509Certificate()?.subject;
    this.handshakes.push({ serverName, client: shown === undefined ? null : shown.replace(/^CN=/, '') });
    this.#numbers.set(secure, this.handshakes.length);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
