import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Peer } from '../scripts/peers.ts';
import { listening } from './attacks/smuggling/origins.ts';

/**
 * Starts a peer program that serves in the foreground with the files of `folder`. Resolves when it listens at `port`; `stop` ends
 * it and removes the folder.
 */
export async function startPeerProcess(
  peer: Extract<Peer, { path: string }>,
  args: readonly string[],
  { folder, port }: { readonly folder: string; readonly port: number },
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(peer.path, args, {
    cwd: folder,
    env: { ...process.env, ...peer.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complained = '';
  child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString('latin1')));
  await listening(port, child, () => complained);
  return {
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
