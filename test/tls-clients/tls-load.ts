import { connect as connectPlain } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { type Address, SecureClient } from './secure-client.ts';

/** The longest time for a request: a client that waits longer has been forgotten. */
const requestMsMax = 20_000;

/** How many requests a kept connection carries before the client opens another one. */
const requestsPerConnection = 20;

interface LoadResult {
  readonly answered: number;
  /** Requests that were not answered with 200, each with what happened instead. */
  readonly failed: readonly string[];
}

/** Clients within TLS that send one request after the other, until they are stopped. */
export class TlsLoad {
  #goesOn = true;
  #answered = 0;
  readonly #failed: string[] = [];
  readonly #clients: Promise<unknown>;
  readonly #address: Address;
  readonly #options: ConnectionOptions;

  /** Half of the `clients` open a connection for each request, the others keep theirs for some. */
  constructor(address: Address, options: ConnectionOptions, clients = 6) {
    this.#address = address;
    this.#options = options;
    const all = Array.from({ length: clients }, (_, index) => this.#run(index % 2 === 0 ? 1 : requestsPerConnection));
    this.#clients = Promise.all(all);
  }

  get answered(): number {
    return this.#answered;
  }

  /** Resolves when the requests in flight have ended. */
  async stop(): Promise<LoadResult> {
    this.#goesOn = false;
    await this.#clients;
    return { answered: this.#answered, failed: this.#failed };
  }

  async #run(requestsMax: number): Promise<void> {
    while (this.#goesOn) {
      const client = new SecureClient(this.#address, this.#options);
      await this.#use(client, requestsMax);
      client.close();
    }
  }

  async #use(client: SecureClient, requestsMax: number): Promise<void> {
    for (let sent = 0; sent < requestsMax && this.#goesOn; sent++) {
      const path = `/${sent}`;
      client.write(`GET ${path} HTTP/1.1\r\nHost: edge.test\r\n\r\n`);
      const { response, bytes, state } = await client.response('GET', requestMsMax);
      // RFC 9112 §9.3.1: a client may find that an idle connection has been closed, and sends its GET again on a new one.
      if (sent > 0 && bytes.length === 0 && state !== 'open') return;
      if (response?.status !== 200 || !response.complete) {
        const what = response === null ? `${bytes.length} bytes` : `${response.status}, ${String(response.complete)}`;
        this.#failed.push(`${path}: ${what}; ${state} ${client.errno ?? ''}`);
        return;
      }
      this.#answered++;
      client.forget();
      if (saysClose(response)) return;
    }
  }
}

function saysClose(response: RawResponse): boolean {
  return /\bclose\b/i.test(headerOf(response, 'connection') ?? '');
}

interface TlsVisit {
  readonly status: number | null;
  readonly isResumed: boolean;
  /** X-Request-Id of the response. */
  readonly id: string | null;
  /** The serial number of the certificate; '' in a session that was resumed without one. */
  readonly serial: string;
  /** The last ticket that the server has sent, for another visit. */
  readonly session: Buffer | null;
}

/** One request on a connection of its own. */
export async function visitOnce(address: Address, options: ConnectionOptions): Promise<TlsVisit> {
  const plain = connectPlain({ host: address.host, port: address.port });
  const secure = connect({ ...options, socket: plain });
  let session: Buffer | null = null;
  secure.on('session', (issued: Buffer) => void (session = issued));
  let text = '';
  secure.on('data', (bytes: Buffer) => void (text += bytes.toString('latin1')));
  const over = new Promise<void>((resolve) => {
    secure.once('error', () => resolve());
    secure.once('close', () => resolve());
  });
  secure.write('GET / HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n\r\n');
  let [isResumed, serial] = [false, ''];
  secure.once('secureConnect', () => {
    isResumed = secure.isSessionReused();
    serial = secure.getPeerCertificate().serialNumber ?? '';
  });
  await over;
  secure.destroy();
  plain.destroy();
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  const id = /^x-request-id: (\S+)/im.exec(text)?.[1] ?? null;
  return { status: status === undefined ? null : Number(status), isResumed, id, serial, session };
}
