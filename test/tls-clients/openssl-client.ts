import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import type { Address } from './secure-client.ts';

const isInstalled = spawnSync('openssl', ['version']).status === 0;
export const withOpenssl = { skip: isInstalled ? false : 'openssl is not installed' };

/** Far above the usual time: `openssl` ends with its connection. */
const limitMs = 20_000;

/** What `openssl s_client` prints of its session. */
export interface OpensslSession {
  readonly exit: number | null;
  /** Standard output and standard error. */
  readonly text: string;
  /** 'TLSv1.3'; null without a session. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly isResumed: boolean;
  readonly alpn: string | null;
  /** The group of the key exchange, by OpenSSL's name. */
  readonly group: string | null;
  /** The common name of the server's certificate. */
  readonly subject: string | null;
  /** The number of the alert that the server sent; null without one. */
  readonly alert: number | null;
  /** The status of the response; null without one. */
  readonly status: number | null;
}

/** Runs `openssl s_client` with these arguments, sends `input`, and waits until the server closes. */
export async function runOpenssl(address: Address, args: readonly string[], input: string): Promise<OpensslSession> {
  // Without this option the end of the input would end the session before the response.
  const { child, output } = startOpenssl(address, ['-ign_eof', ...args]);
  child.stdin.end(input);
  const exit = await new Promise<number | null>((resolve) => void child.on('close', resolve));
  return sessionOf(output(), exit);
}

/** The same with an open input. The caller ends it. */
export function startOpenssl(
  { host, port }: Address,
  args: readonly string[],
): { readonly child: ChildProcessWithoutNullStreams; readonly output: () => string } {
  const child = spawn('openssl', ['s_client', '-connect', `${host}:${port}`, ...args], {
    timeout: limitMs,
    // The machine's own settings may forbid what a case is about.
    env: { ...process.env, OPENSSL_CONF: '/dev/null', LC_ALL: 'C' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => void (text += bytes.toString('latin1')));
  child.stdin.on('error', () => {}); // openssl may end before it has read its input.
  return { child, output: () => text };
}

export function sessionOf(text: string, exit: number | null): OpensslSession {
  const first = (pattern: RegExp): string | null => pattern.exec(text)?.[1] ?? null;
  const [, how, version = '', cipher = ''] = /^(New|Reused), (\S+), Cipher is (\S+)/m.exec(text) ?? [];
  const hasSession = version.startsWith('TLS');
  const alert = first(/alert number (\d+)/);
  // Anywhere in a line: openssl prints tickets at the same time, on another stream.
  const status = first(/HTTP\/1\.1 (\d{3}) /);
  return {
    exit,
    text,
    version: hasSession ? version : null,
    cipher: hasSession ? cipher : null,
    isResumed: how === 'Reused',
    alpn: first(/^ALPN protocol: (\S+)/m),
    // "Server Temp Key: ECDH, prime256v1, 256 bits", "Peer Temp Key: X25519, 253 bits", and of hybrid groups a line of their own.
    group: first(/^(?:Server|Peer) Temp Key: (?:ECDH, )?([^,\s]+)/m) ?? first(/^Negotiated TLS1\.3 group: (\S+)/m),
    subject: first(/^subject=.*?CN ?= ?([^,\n/]+)/m),
    alert: alert === null ? null : Number(alert),
    status: status === null ? null : Number(status),
  };
}
