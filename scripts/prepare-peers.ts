import { preparePeer, type PeerName } from './peers.ts';

/** Fetches what tests run beside ours, where it is missing, and says what cannot be had. */
const peers: readonly PeerName[] = ['nginx', 'haproxy', 'apache2', 'caddy', 'varnishd', 'varnishlog', 'curl'];

for (const peer of peers) {
  const found = preparePeer(peer, console.log);
  if ('missing' in found) console.log(found.missing);
}
