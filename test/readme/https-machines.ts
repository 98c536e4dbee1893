import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findPeer, type PeerName } from '../../scripts/peers.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { certificateAuthority } from '../../src/testing/testing.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { Machine } from './machine.ts';
import { candorProgram } from '../program.ts';

const serverAddress = '192.0.2.10';
const internetAddress = '192.0.2.53';
const live = 'acme-v02.api.letsencrypt.org';
const staging = 'acme-staging-v02.api.letsencrypt.org';

export interface HttpsMachines {
  /** An empty server, to which all names lead but those of the CAs. */
  readonly server: Machine;
  /** A folder for files that the server's programs share with the test. */
  readonly folder: string;
  /** What the gateway has printed, which systemd writes into its journal. */
  readonly journal: () => string;
}

/**
 * A server, and a machine that is the Internet for it: a name server, and Let's Encrypt's two CAs under their own names, each a pebble that
 * looks at ports 80 and 443. The server's programs trust the web server of the CAs; curl trusts the certificates of the live CA alone.
 */
export async function startHttpsMachines(context: TestContext): Promise<HttpsMachines> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-machines-'));
  const [server, internet] = [await Machine.start(context), await Machine.start(context)];
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await server.connect(`${serverAddress}/24`, internet, `${internetAddress}/24`);
  const authority = certificateAuthority(Date.now());
  const { certificate, key } = authority.issue({ names: [live, staging] });
  for (const [name, text] of Object.entries({
    'web.pem': certificate,
    'web.key': key,
    'trusted.pem': authority.certificate,
  }))
    writeFileSync(join(folder, name), text);
  await startInternet(internet, folder);
  const root = await internet.run(`curl --silent --insecure https://${internetAddress}:15001/roots/0`);
  writeFileSync(join(folder, 'live.pem'), root.output);
  writeFileSync(join(folder, 'candor'), `#!/bin/sh\nexec ${process.execPath} ${candorProgram} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'systemctl'), systemctl(folder), { mode: 0o755 });
  server.environment = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem'),
    CURL_CA_BUNDLE: join(folder, 'live.pem'),
  };
  await server.run(`echo nameserver ${internetAddress} > /etc/resolv.conf`);
  return { server, folder, journal: () => readFileSync(join(folder, 'journal'), 'utf8') };
}

async function startInternet(internet: Machine, folder: string): Promise<void> {
  const run = (name: PeerName, args: readonly string[]): void => {
    const peer = findPeer(name);
    if ('missing' in peer) throw new Error(peer.missing);
    internet.spawn(peer.path, args, { ...peer.env, PEBBLE_VA_NOSLEEP: '1' });
  };
  const none = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''];
  const [names, setNames] = [`${internetAddress}:53`, `${internetAddress}:8055`];
  run('pebble-challtestsrv', ['-dns01', names, '-management', setNames, '-defaultIPv4', serverAddress, ...none]);
  for (const index of [0, 1]) {
    const pebble = {
      listenAddress: `${internetAddress}:${14000 + index}`,
      managementListenAddress: `${internetAddress}:${15000 + index}`,
      ...{ certificate: join(folder, 'web.pem'), privateKey: join(folder, 'web.key'), httpPort: 80, tlsPort: 443 },
    };
    writeFileSync(join(folder, `pebble${index}.json`), JSON.stringify({ pebble }));
    run('pebble', ['-config', join(folder, `pebble${index}.json`), '-dnsserver', names]);
  }
  const front = join(import.meta.dirname, 'fixtures', 'public-authorities.ts');
  const web = [join(folder, 'web.pem'), join(folder, 'web.key')];
  const pebbles = [`${staging}=https://${internetAddress}:14000`, `${live}=https://${internetAddress}:14001`];
  internet.spawn(process.execPath, [front, internetAddress, ...web, ...pebbles]);
  for (const name of [live, staging]) {
    const addresses = JSON.stringify({ host: `${name}.`, addresses: [internetAddress] });
    await until(`${name} leads to the CA`, async () => {
      const there = `curl --silent --fail --insecure --output /dev/null --resolve ${name}:443:${internetAddress} https://${name}/directory`;
      const set = `curl --silent --fail --data '${addresses}' http://${setNames}/add-a`;
      return (await internet.run(`${set} && ${there}`)).code === 0;
    });
  }
}

/** What systemd does with the packaged unit, as far as the document uses it. The gateway runs as root. */
function systemctl(folder: string): string {
  const unit = readFileSync(join(repositoryRoot, 'packaging', 'candor.service'), 'utf8');
  const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '';
  return `#!/bin/sh
pid=$(cat ${folder}/pid 2>/dev/null)
stop() { kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done; }
start() {
  mkdir -p /var/lib/candor /run/candor /var/log/candor
  export STATE_DIRECTORY=/var/lib/candor RUNTIME_DIRECTORY=/run/candor LOGS_DIRECTORY=/var/log/candor
  ${command} >>${folder}/journal 2>&1 </dev/null &
  echo $! >${folder}/pid
  # Type=notify: ready when it serves.
  until [ -S /run/candor/*.sock ]; do kill -0 $! 2>/dev/null || exit 1; sleep 0.05; done
}
case "$*" in
  'enable --now candor') start ;;
  'restart candor') stop; start ;;
  'reload candor') kill -HUP "$pid" ;;
  'stop candor') stop ;;
  *) echo "systemctl $*: not known here" >&2; exit 2 ;;
esac
`;
}
