import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { KeptConfiguration } from '../../src/core/kept-configuration.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Values that the kept text of a configuration does not have: a gateway tells that one has changed, and nothing else about it.

const yaml = (pin: string): string => `
state: ./state
upstreams:
  shop: { endpoints: "127.0.0.1:9", check: { path: /healthz, headers: { x-pin: "${pin}", x-name: "\${NAME}" } } }
routes: [{ to: shop }]
`;

let edge: YamlGateway;

beforeEach(async () => {
  edge = await startFromYaml(yaml('1234'), { keepsText: true, environment: { NAME: 'anna' } });
});
afterEach(() => edge.stop());

const versions = (one: KeptConfiguration | undefined) => one?.unshown?.map(({ key, version }) => `${key} ${version}`);

/** Whatever the gateway keeps or tells but the files that `candor configuration restore` writes back: its state folder, configurations, events, status and the effective configuration. */
function everythingKept(): string {
  const state = join(edge.folder, 'state');
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.parentPath !== join(state, 'configurations'),
  );
  const { gateway, events } = edge;
  return [
    ...files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
    JSON.stringify([gateway.configurations, gateway.status(), gateway.effectiveConfiguration(), events]),
  ].join('\n');
}

describe('a secret under a key of the wrong name, or of the wrong kind', () => {
  const canary = 'Kn4rvz8Q2hunter';
  const reloads: readonly (readonly [what: string, yaml: string, isApplied: boolean])[] = [
    ['a misspelled key', `${yaml('1')}admin: { socket: none, tokn: ${canary} }\n`, false],
    ['the key of a file', `${yaml('1')}alerts: { targets: { a: { webhook: { urls: ${canary} } } } }\n`, false],
    ['a list of variables', `${yaml('1')}applications: { w: { command: a, environment: ["K=${canary}"] } }\n`, false],
    ['no YAML', `${yaml('1')}tokn:${canary}\nalerts: [\n`, false],
    [
      'words of commands',
      `${yaml('1')}alerts: { targets: { a: { command: { run: [/bin/true, --token, ${canary}] } } } }\n`,
      true,
    ],
    [
      'a condition and a header',
      yaml('1').replace(
        '{ to: shop }',
        `{ to: shop, headers: { x-a: ${canary} }, request_headers: { set: { x-b: ${canary} } } }`,
      ),
      true,
    ],
  ];

  test('is kept and told nowhere, whether the reload is applied or refused', async () => {
    for (const [what, text, isApplied] of reloads) {
      const outcome = await edge.reload(text);
      assert.equal(outcome.ok, isApplied, `${what}: ${JSON.stringify(outcome)}`);
      assert.ok(!`${JSON.stringify(outcome)}${everythingKept()}`.includes(canary), what);
    }
    assert.equal(edge.gateway.configurations.list.length, reloads.length + 1);
    const originals = join(edge.folder, 'state', 'configurations');
    await until('they are written', () => existsSync(originals));
    assert.equal(statSync(originals).mode & 0o777, 0o700, 'what restore needs is for the gateway alone');
  });
});

describe('a hidden value that changes', () => {
  test('is known by its key, and so is that it changes back', async () => {
    for (const pin of ['1235', '1234']) assert.ok((await edge.reload(yaml(pin))).ok);
    const headers = 'upstreams.shop.check.headers';
    const { list } = edge.gateway.configurations;
    assert.deepEqual(
      list.map(versions),
      [1, 2, 1].map((version) => [`${headers}.x-pin ${version}`, `${headers}.x-name 1`]),
    );
    assert.equal(new Set(list.map(({ text }) => text)).size, 1);
  });

  test('cannot be found by trying which value gives what is shown or kept', async () => {
    assert.ok((await edge.reload(yaml('1235'))).ok);
    const state = join(edge.folder, 'state');
    const file = join(state, 'configurations.json');
    // The gateway writes it behind the reload's answer: once for each of the two configurations.
    await until(
      'both configurations are kept',
      () => existsSync(file) && readFileSync(file, 'utf8').split('"outcome"').length === 3,
    );
    const kept = readFileSync(file, 'utf8');
    for (const pin of ['1234', '1235']) {
      const hash = createHash('sha256').update(pin).digest('hex');
      assert.ok(!kept.includes(pin) && !kept.includes(hash.slice(0, 16)), kept);
    }
    assert.equal(statSync(join(state, 'configuration-key')).mode & 0o777, 0o600);
  });
});
