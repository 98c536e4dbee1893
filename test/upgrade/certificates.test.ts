// Only `npm run test:complete` runs this file: it upgrades a gateway that waits for a CA. `npm test` has `upgrade.test.ts` and
// `tls.test.ts`.
// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuthorityFront } from '../certificates/authority-front.test-support.ts';
import { needsPebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { visitOnce } from '../tls-clients/tls-load.ts';
import { GatewayProgram } from './gateway-program.ts';

// An upgrade while a certificate is being ordered, with a CA and gateways in processes of their own.

for (const kind of ['http-01', 'tls-alpn-01'])
  test(
    `an upgrade in the middle of an order loses nothing: the successor answers the ${kind} challenge and orders from then on`,
    needsPebble,
    async (t) => {
      const pebble = await startPebble(t);
      const front = await AuthorityFront.start(t, pebble);
      const folder = mkdtempSync(join(tmpdir(), 'candor-upgrade-acme-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      writeFileSync(join(folder, 'ca.pem'), pebble.root);
      const settings = (hosts: string): string => {
        const own = `hosts: [${hosts}], directory: "${front.directoryUrl}", ca_file: ${join(folder, 'ca.pem')}`;
        const tls = `{ auto: { ${own}, challenges: ${kind} }, redirect_http: false }`;
        const https = `{ bind: '127.0.0.1:${pebble.tlsPort}', tls: ${tls} }`;
        return `workers: 2\nlisteners:\n  http: '127.0.0.1:${pebble.httpPort}'\n  https: ${https}\n`;
      };
      // The CA is told to look only when the old process has closed its listeners.
      const upgraded = Promise.withResolvers<null>();
      front.answer = ({ step }) => (step === 'challenge' ? upgraded.promise : Promise.resolve(null));
      const gateway = new GatewayProgram(settings('edge.test'));
      t.after(() => gateway.end());
      await gateway.serves();
      await gateway.until(async () => front.count('challenge') === 1);
      const { lines } = await gateway.upgrade();
      assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines.at(-1)));
      const isDrained = (): boolean =>
        gateway.events().some(({ kind, to }) => kind === 'drain_phase' && to === 'drained');
      await gateway.until(async () => isDrained());
      assert.equal(front.count('new_order'), 1, 'one process orders at a time');
      upgraded.resolve(null);
      assert.equal(await gateway.exited, 0);
      const client = { servername: 'edge.test', ca: await pebble.issuingRoot() };
      const address = { host: '127.0.0.1', port: pebble.tlsPort };
      await gateway.until(async () => (await visitOnce(address, client)).status === 200);

      gateway.configure(settings('edge.test, other.test'));
      assert.equal(((await gateway.ask('POST', '/v1/reload')) as { ok: boolean }).ok, true);
      const issued = (): number => gateway.events().filter(({ kind }) => kind === 'certificate_issued').length;
      await gateway.until(async () => issued() === 2);
      assert.equal(front.count('new_order'), 2);
      const failures = gateway.events().filter(({ kind }) => kind === 'certificate_renewal_failed');
      assert.deepEqual(failures, []);
    },
  );
