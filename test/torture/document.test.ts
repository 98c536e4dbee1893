import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { repositoryRoot } from '../../scripts/repository.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { systemClock } from '../../src/testing/system.ts';
import { planGroups } from '../../src/testing/torture/stage.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

/** docs/torture.md and the configurations in docs/torture/ have the addresses on which the torture origin listens. */

const document = readFileSync(join(repositoryRoot, 'docs', 'torture.md'), 'utf8');
const groups = planGroups({ host: '127.0.0.1', port: 9400 });

function configurationIn(file: string): string {
  return readFileSync(join(repositoryRoot, 'docs', 'torture', file), 'utf8');
}

/** Address and port as they are written in a configuration. */
function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return port === '' ? hostname : `:${port}`;
}

describe('docs/torture.md', () => {
  test('lists every part with its address', () => {
    for (const { path, url, is } of groups) {
      const row = document.split('\n').find((line) => line.startsWith(`| \`${path}\` |`)) ?? '';
      assert.ok(row.includes(addressOf(url)), `${path} is at ${url}: ${row}`);
      assert.equal(row.includes('TLS |'), url.startsWith('https:'), row);
      if (url.startsWith('https:')) assert.ok(row.includes(is), row);
    }
  });

  // nginx does not start with a name that does not exist.
  const left: Readonly<Record<string, readonly string[]>> = { 'nginx.conf': ['unknown-name'] };
  for (const file of ['nginx.conf', 'haproxy.cfg', 'Caddyfile', 'httpd.conf', 'candor.yaml']) {
    test(`links ${file}, which has a route to every part`, () => {
      const configuration = configurationIn(file);
      assert.ok(document.includes(`(torture/${file})`));
      for (const { name, url } of groups) {
        if (left[file]?.includes(name) === true) continue;
        const named = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
        assert.match(configuration, named);
        assert.ok(configuration.includes(addressOf(url)), `${name} at ${url}`);
      }
    });
  }

  test('has a configuration for Candor without an error', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'candor-torture-document-'));
    writeFileSync(join(folder, 'authority.pem'), certificateAuthority(systemClock.wallTime()).certificate);
    writeFileSync(join(folder, 'candor.yaml'), configurationIn('candor.yaml'));
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('check', '-c', 'candor.yaml'), 0, context.stderr.text);
    rmSync(folder, { recursive: true, force: true });
  });

  test('has Envoy routes to existing clusters', () => {
    const text = configurationIn('envoy.yaml');
    const { static_resources: shown } = parse(text) as {
      static_resources: { clusters: { name: string; load_assignment: { cluster_name: string } }[] };
    };
    const routed = [...text.matchAll(/prefix: \/([\w-]+) \}\n +route: \{ cluster: ([\w-]+),/g)];
    assert.deepEqual(
      routed.map(([, path, cluster]) => [path, cluster]),
      shown.clusters.map(({ name, load_assignment }) => [name, load_assignment.cluster_name]),
    );
    for (const [, path = ''] of routed) {
      const { port } = new URL(groups.find(({ name }) => name === path)?.url ?? '');
      assert.ok(text.includes(`port_value: ${port} `), path);
    }
  });
});
