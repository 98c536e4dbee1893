import { preparePeers, type PeerName } from './peers.ts';

/** Fetches the programs that tests run beside Candor. With `--complete` it exits with 1 if one is missing. */
const names: readonly PeerName[] = [
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
  'promtool',
  'litmus',
  'chromium',
  'postgres',
  'mariadbd',
  'redis-server',
];

for (const found of preparePeers(names, console.log)) {
  if (!('missing' in found)) continue;
  console.log(found.missing);
  if (process.argv.includes('--complete')) process.exitCode = 1;
}
