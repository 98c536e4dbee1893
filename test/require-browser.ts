import { preparePeer } from '../scripts/peers.ts';

/** For commands that need a browser: fetches it, or says why not and ends the process with 1. */
export function requireBrowser(): void {
  const peer = preparePeer('chromium', console.error);
  if (!('missing' in peer)) return;
  console.error(peer.missing);
  process.exit(1);
}
