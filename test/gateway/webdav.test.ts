// Starts processes: other programs are the server and the client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { findPeer, type Peer } from '../../scripts/peers.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/testing.ts';
import { freePort } from '../free-port.ts';
import { startPeerProcess } from '../peer-process.ts';
import { startFromYaml } from './start-from-yaml.ts';

// WebDAV as Apache serves it and litmus tests it. Both are programs of their own: what they take for one URL is what is tested.

const apache = findPeer('apache2');
const litmus = findPeer('litmus');
const missing = [apache, litmus].flatMap((peer) => ('missing' in peer ? [peer.missing] : []));
const certificate = certificateAuthority(systemClock.wallTime()).issue({ names: ['localhost'] });

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

async function startApache({ path, env }: Extract<Peer, { path: string }>): Promise<number> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'candor-webdav-'));
  chmodSync(folder, 0o755);
  for (const name of ['www', 'locks']) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
  const modules = join(dirname(dirname(path)), 'lib/apache2/modules');
  const load = ['mpm_event', 'authz_core', 'dav', 'dav_fs'].map(
    (name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`,
  );
  const settings = [
    ...[`ServerRoot ${folder}`, 'ServerName app.internal', `Listen 127.0.0.1:${port}`, `PidFile ${folder}/apache.pid`],
    ...[`ErrorLog ${folder}/error.log`, `Mutex file:${folder}`, ...load, 'StartServers 1', 'ServerLimit 1'],
    ...['ThreadLimit 8', 'ThreadsPerChild 8', 'MaxRequestWorkers 8', `DavLockDB ${folder}/locks/db`],
    ...(process.getuid?.() === 0 ? ['User nobody', 'Group nogroup'] : []),
    ...[`DocumentRoot ${folder}/www`, `<Directory ${folder}/www>`, 'Dav On', 'Require all granted', '</Directory>', ''],
  ];
  writeFileSync(join(folder, 'apache.conf'), settings.join('\n'));
  const args = ['-DFOREGROUND', '-f', join(folder, 'apache.conf')];
  const started = await startPeerProcess({ path, env }, args, { folder, port });
  ends.push(() => started.stop());
  return port;
}

/** Runs suites of litmus; resolves with the lines in which they tell a failure, or their sum. */
async function told({ path, env }: Extract<Peer, { path: string }>, suites: string, url: string): Promise<string[]> {
  // An installed one is a script beside the programs of its suites; an unpacked one is one of these.
  const [, prefix = ''] = /^(.*)\/(?:bin|libexec\/litmus)\/\w+$/.exec(path) ?? [];
  const cwd = mkdtempSync(join(tmpdir(), 'candor-litmus-'));
  ends.push(async () => rmSync(cwd, { recursive: true, force: true }));
  const lines: string[] = [];
  for (const suite of suites.split(' ')) {
    const args = ['--htdocs', join(prefix, 'share/litmus/htdocs'), url];
    const options = { cwd, env: { ...process.env, ...env } };
    const output = await text(spawn(join(prefix, 'libexec/litmus', suite), args, options).stdout);
    lines.push(...output.split(/[\r\n]+/).filter((line) => /FAIL|summary for/.test(line)));
  }
  return lines;
}

/** Tests of each suite of litmus 0.13. Over TLS one of `http` is left out. */
const counts = { basic: 16, copymove: 13, props: 30, locks: 41, http: 3 };

describe('litmus finds no fault with WebDAV', { skip: missing.length > 0 && missing.join('; ') }, () => {
  const all = 'basic copymove props locks http';
  // The suites that send Destination and If. Apache names resources in responses without the prefix that the route has removed, which one of `props` finds.
  const ways = [
    ['over https, before an application without it', 'https', '/', all],
    ['behind a prefix that the route removes', 'https', '/files/', 'copymove locks'],
  ] as const;
  let edge: Awaited<ReturnType<typeof startFromYaml>> | undefined;
  for (const [how, scheme, path, suites] of ways) {
    test(how, { timeout: 60_000 }, async () => {
      if ('missing' in apache || 'missing' in litmus) return;
      edge ??= await startFromYaml(
        `
upstreams: { app: { endpoints: "127.0.0.1:${await startApache(apache)}" } }
routes: [{ path: /files, to: app, rewrite: { path: /, host: endpoint } }, { to: app }]
listeners: { http: { bind: "127.0.0.1:0", tls: { certificates: [{ certificate_file: a.pem, key_file: a.key }] } } }
`,
        { files: { 'a.pem': certificate.certificate, 'a.key': certificate.key } },
      );
      const { port } = edge.address();
      const expected = suites.split(' ').map((suite) => {
        const count = counts[suite as keyof typeof counts];
        return `<- summary for \`${suite}': of ${count} tests run: ${count} passed, 0 failed. 100.0%`;
      });
      assert.deepEqual(await told(litmus, suites, `${scheme}://localhost:${port}${path}`), expected);
    });
  }
  after(() => edge?.stop());
});
