// Only `npm run test:complete` runs this file: it builds two machines of namespaces. `npm test` has `test/gateway/automatic-
// certificates.test.ts`.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { startHttpsMachines } from './https-machines.ts';
import { commandsOf, configurationOf, configure, installApplication, needsMachines, succeeds } from './https-recipe.ts';

// docs/https.md, "What must be there", where it is not: nginx holds port 80.

test(
  'where nginx answers on port 80, the start, the status and the event name it, and a start without it goes on',
  needsMachines,
  async (t) => {
    const machines = await startHttpsMachines(t);
    const { server, folder, journal } = machines;
    const nginx = findPeer('nginx');
    assert.ok('path' in nginx);
    // Its own folders for temporary files: nginx was unpacked, not installed, so that /var/lib/nginx may not exist.
    const configuration = `daemon off; error_log stderr; pid ${folder}/nginx.pid; events {} http { access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen 80; } }`;
    writeFileSync(join(folder, 'nginx.conf'), configuration);
    server.spawn(nginx.path, ['-c', join(folder, 'nginx.conf'), '-p', folder], nginx.env);
    await until('nginx answers', async () => (await server.run('curl --silent http://127.0.0.1/')).code === 0);
    await installApplication(machines);
    const first = configurationOf('4.');
    await configure(machines, first);
    const refused = await server.run('systemctl enable --now candor');
    assert.notEqual(refused.code, 0);
    assert.match(journal(), /port 80 .*nginx|:80 .*nginx/i);

    // With tls-alpn-01, port 443 would do.
    await configure(
      machines,
      first.replace('":80"', '":8080"').replace('directory: staging', 'directory: staging, challenges: [http-01]'),
    );
    await succeeds(machines, 'systemctl enable --now candor');
    const [status = ''] = commandsOf('5.');
    const named = /port 80 of shop\.example\.org .*is answered by nginx\/[\d.]+, not by us/;
    let shown = '';
    const isShown = async (): Promise<boolean> =>
      named.test((shown = await succeeds(machines, status)).replace(/\s+/g, ' '));
    await until('the status names nginx', isShown, 30_000);
    assert.match(shown, /pending/);
    assert.match(journal(), /"kind":"certificate_renewal_failed"/);
    assert.match(journal(), named);

    await succeeds(machines, 'systemctl stop candor');

    await succeeds(machines, `kill $(cat ${folder}/nginx.pid)`);
    await until('nginx has ended', async () => (await server.run('curl --silent http://127.0.0.1/')).code !== 0);
    await configure(machines, first);
    await succeeds(machines, 'systemctl enable --now candor');
    await until('the certificate is valid', async () => / valid\b/.test(await succeeds(machines, status)), 30_000);
    await succeeds(machines, 'systemctl stop candor');
  },
);
