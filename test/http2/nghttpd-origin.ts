import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '../../scripts/peers.ts';
import { type AttackOriginKind, listening, type SeenRequest } from '../attacks/smuggling/origins.ts';
import { freePort } from '../free-port.ts';

const found = findPeer('nghttpd');

/** An endpoint of HTTP/2 from another project. It answers with a file, and tells all that it has received. */
export const nghttpd: AttackOriginKind = {
  name: 'nghttpd',
  missing: 'missing' in found ? found.missing : null,
  async start() {
    if ('missing' in found) throw new Error(found.missing);
    const folder = mkdtempSync(join(tmpdir(), 'candor-nghttpd-'));
    for (const [name, text] of [
      ['index.html', 'index'],
      ['next', 'next'],
    ] as const)
      writeFileSync(join(folder, name), text);
    const port = await freePort();
    const child = spawn(found.path, ['--no-tls', '-v', '-a', '127.0.0.1', '-d', folder, String(port)], {
      env: { ...process.env, ...found.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => void (told += bytes.toString('latin1')));
    await listening(port, child, () => told);
    return {
      port,
      seen: () => requestsIn(told),
      violations: () => told.match(/^.*(?:send (?:RST_STREAM|GOAWAY)|invalid).*$/gm) ?? [],
      async stop() {
        if (child.exitCode === null) {
          child.kill('SIGTERM');
          await once(child, 'close');
        }
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

/** Each header is a line: `[id=1] [  0.512] recv (stream_id=1) :path: /next`. Trailers have no `:method`. */
function requestsIn(told: string): SeenRequest[] {
  const requests = new Map<string, Map<string, string>>();
  for (const [, connection, stream, name = '', value = ''] of told.matchAll(
    /^\[id=(\d+)\] \[[ .\d]+\] recv \(stream_id=(\d+)\) (:?[^:\n]+): (.*)$/gm,
  )) {
    const key = `${connection} ${stream}`;
    const headers = requests.get(key) ?? new Map<string, string>();
    requests.set(key, headers.set(name, value));
  }
  return [...requests.values()].map((headers) => ({
    id: headers.get('x-request-id') ?? '',
    method: headers.get(':method') ?? '',
    target: headers.get(':path') ?? '',
    status: 0,
    port: 0,
  }));
}
