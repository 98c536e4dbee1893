import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPeer } from '../../scripts/peers.ts';
import { certificateAuthority, type IssuedCertificate } from '../../src/testing/certificates.ts';
import { freePort } from '../free-port.ts';

/** A CA (Let's Encrypt's test server) whose names all resolve to 127.0.0.1. */
export interface Pebble {
  readonly directoryUrl: string;
  /** The root that its web server's certificate is issued by, in PEM. */
  readonly root: string;
  /** The certificate of its web server with its key, for a server before it. */
  readonly server: IssuedCertificate;
  /** Where it looks for HTTP-01 and TLS-ALPN-01 challenges. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** The URL that sets TXT records of its name server (`/set-txt`, `/clear-txt`). */
  readonly namesUrl: string;
  /** That name server, with its port. */
  readonly nameServer: string;
  /** The root that the certificates it issues are trusted by, in PEM. */
  issuingRoot(): Promise<string>;
}

const ca = findPeer('pebble');
const names = findPeer('pebble-challtestsrv');

/** For the options of a test. */
export const needsPebble =
  'missing' in ca ? { skip: ca.missing } : 'missing' in names ? { skip: names.missing } : { timeout: 60_000 };

interface PebbleSettings {
  /** Percent of the good nonces that it rejects. */
  readonly nonceReject?: number;
  /** Key id and HMAC key; without it any account is accepted. */
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string };
}

/** One for all tests of a file that need no settings, and no CA that knows nothing of others: it makes its keys for a third of a second. */
export class SharedPebble {
  readonly #endings: (() => void)[] = [];
  #pebble: Promise<Pebble> | null = null;

  get(): Promise<Pebble> {
    this.#pebble ??= startPebble({ after: (end) => void this.#endings.push(end) });
    return this.#pebble;
  }

  end(): void {
    for (const end of this.#endings) end();
  }
}

export async function startPebble(
  context: { readonly after: (end: () => void) => void },
  settings: PebbleSettings = {},
): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-pebble-'));
  const ports: number[] = [];
  for (let i = 0; i < 6; i++) ports.push(await freePort());
  const [acme = 0, management = 0, httpPort = 0, tlsPort = 0, dns = 0, setNames = 0] = ports;
  const authority = certificateAuthority(Date.now());
  const { certificate, key } = authority.issue({ names: ['127.0.0.1', 'localhost'] });
  writeFileSync(join(folder, 'cert.pem'), certificate);
  writeFileSync(join(folder, 'key.pem'), key);
  const { externalAccount, nonceReject = 0 } = settings;
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, 'cert.pem'),
    privateKey: join(folder, 'key.pem'),
    httpPort,
    tlsPort,
    externalAccountBindingRequired: externalAccount !== undefined,
    externalAccountMACKeys: externalAccount && { [externalAccount.keyId]: externalAccount.hmacKey },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ pebble }));
  const none = ['-http01', '', '-https01', '', '-tlsalpn01', ''];
  const namesArgs = ['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${setNames}`, '-defaultIPv6', '', ...none];
  const started = [
    start(names, namesArgs, {}),
    start(ca, ['-config', join(folder, 'config.json'), '-dnsserver', `127.0.0.1:${dns}`], {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(nonceReject),
      PEBBLE_AUTHZREUSE: '0',
    }),
  ];
  context.after(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await Promise.all(started.map((child) => untilAnnounced(child)));
  await Promise.all([acme, management, setNames].map((port) => untilListening(port)));
  const { HttpsTransport } = await import('../../src/certificates/https-transport.ts');
  const transport = new HttpsTransport([authority.certificate]);
  const ask = async (path: string): Promise<string> => {
    const url = `https://127.0.0.1:${management}/${path}`;
    const sent = await transport.send({ method: 'GET', url, headers: {}, body: null }, new AbortController().signal);
    if (!sent.ok) throw new Error(sent.failure.code);
    return sent.value.body;
  };
  return {
    directoryUrl: `https://127.0.0.1:${acme}/dir`,
    root: authority.certificate,
    server: { certificate, key },
    httpPort,
    tlsPort,
    nameServer: `127.0.0.1:${dns}`,
    namesUrl: `http://127.0.0.1:${setNames}`,
    issuingRoot: () => ask('roots/0'),
  };
}

function start(peer: ReturnType<typeof findPeer>, args: readonly string[], env: Record<string, string>): ChildProcess {
  if ('missing' in peer) throw new Error(peer.missing);
  return spawn(peer.path, args, { env: { ...process.env, ...peer.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Both print a line for each of their listeners, and that a moment before they listen; the last one is theirs for requests. */
function untilAnnounced(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (part: Buffer) => {
      output += part.toString();
      if (/ACME directory available|Starting management server/i.test(output)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
}

/** The limit is the test's. */
async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' });
    const isListening = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isListening) return;
    await sleep(5);
  }
}
