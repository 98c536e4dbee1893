import { preparePeer, type PeerName } from './peers.ts';

/** Fetches the programs that tests run beside Candor. With `--complete` it exits with 1 if one is missing. */
const peers: readonly PeerName[] = [
  'nginx',
  'haproxy',
  'apache2',
  'caddy',
  'varnishd',
  'varnishlog',
  'curl',
  'wrk',
  'h2load',
  'nghttp',
  'nghttpd',
  'pebble',
  'pebble-challtestsrv',
];

for (const peer of peers) {
  const found = preparePeer(peer, console.log);
  if (!('missing' in found)) continue;
  console.log(found.missing);
  if (process.argv.includes('--complete')) process.exitCode = 1;
}
