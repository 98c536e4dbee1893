import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { UpstreamTls } from '../../src/core/upstream-spec.ts';
import type { CertificateAuthority } from '../../src/testing/testing.ts';

/** The host name in the certificates of all fronts. */
const serverName = 'origin.test';

/**
 * TLS before an origin that speaks none. It passes on how the origin ends a connection: a FIN becomes `close_notify` and FIN,
 * an RST becomes an RST. So a fault within TLS is the same fault.
 */
export class TlsFront {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #port = 0;

  private constructor(behind: { readonly host: string; readonly port: number }, authority: CertificateAuthority) {
    const { certificate, key } = authority.issue({ names: [serverName] });
    const secureContext = createSecureContext({ cert: certificate, key });
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
      this.#keep(raw);
      const secure = new TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
      secure.on('error', () => raw.destroy());
      secure.on('close', () => raw.destroy());
      secure.once('secure', () => this.#relay(raw, secure, behind));
    });
  }

  static async start(
    behind: { readonly host: string; readonly port: number },
    authority: CertificateAuthority,
  ): Promise<TlsFront> {
    const front = new TlsFront(behind, authority);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    front.#port = (front.#server.address() as { port: number }).port;
    return front;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#port };
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(raw: Socket, secure: TLSSocket, { host, port }: { readonly host: string; readonly port: number }): void {
    const plain = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#keep(plain);
    plain.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') raw.resetAndDestroy();
      else raw.destroy();
    });
    plain.on('close', () => secure.destroySoon());
    secure.on('close', () => plain.destroy());
    // `pipe` passes each end on as an end.
    secure.pipe(plain);
    plain.pipe(secure);
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => this.#open.delete(socket));
  }
}

/** How a gateway speaks to fronts whose certificates `authority` has issued. */
export function upstreamTlsOf(authority: CertificateAuthority): UpstreamTls {
  return { serverName, verify: true, ca: authority.certificate, certificate: null, key: null };
}
