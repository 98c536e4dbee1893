import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { findPeer } from '../../scripts/peers.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { type HttpsMachines, startHttpsMachines } from './https-machines.ts';
import { whyNoMachines } from './machine.ts';
import { blocksOf, readDocument } from './markdown.ts';

// docs/https.md as a new user follows it, on a machine of its own with ports 80 and 443: the configurations and the commands are those
// of the document. Left out: the installation (test/packaging has it), and systemd, which a script plays.

const programs = (['pebble', 'pebble-challtestsrv', 'nginx', 'curl'] as const).map((name) => findPeer(name));
const missing = programs.find((peer) => 'missing' in peer)?.missing ?? whyNoMachines();
const options = missing === null ? { timeout: 120_000 } : { skip: missing };

const document = readDocument('docs/https.md');
const blocks = blocksOf(document);

/** The commands below a heading that begins with these words. */
function commandsOf(heading: string): readonly string[] {
  const found = blocks.filter((block) => block.heading.startsWith(heading) && block.language === '');
  assert.equal(found.length, 1, heading);
  return (found[0]?.text ?? '').split('\n');
}

function configurationOf(heading: string): string {
  const found = blocks.find((block) => block.heading.startsWith(heading) && block.language === 'yaml');
  return found?.text ?? assert.fail(heading);
}

async function configure({ server, folder }: HttpsMachines, configuration: string): Promise<void> {
  const file = join(folder, 'candor.yaml');
  writeFileSync(file, configuration);
  assert.equal((await server.run(`mkdir -p /etc/candor && cp ${file} /etc/candor/candor.yaml`)).code, 0);
}

/** Runs a command of the document; its exit code must be 0. */
async function succeeds({ server, journal }: HttpsMachines, command: string): Promise<string> {
  const { code, output } = await server.run(command);
  assert.equal(code, 0, `${command}: ${output}\n${command.startsWith('systemctl') ? journal() : ''}`);
  return output;
}

async function installApplication({ server, folder }: HttpsMachines): Promise<void> {
  const program =
    "require('node:http').createServer((_, response) => response.end('the shop')).listen(process.env.PORT);\n";
  writeFileSync(join(folder, 'server.js'), program);
  assert.equal((await server.run(`mkdir -p /srv/shop && cp ${folder}/server.js /srv/shop`)).code, 0);
}

test('the recipe leads from an empty server to HTTPS with a certificate of the live CA', options, async (t) => {
  const machines = await startHttpsMachines(t);
  const { server } = machines;

  // 1. What must be there: the commands in the prose.
  const [names = '', ports = ''] = [...document.matchAll(/`((?:getent|ss) [^`]+)`/g)].map((match) => match[1] ?? '');
  assert.match(await succeeds(machines, names.replace(/\s+/g, ' ')), /^192\.0\.2\.10\s/);
  assert.equal(await succeeds(machines, ports.replace(/\s+/g, ' ')), '');

  await installApplication(machines);

  const first = configurationOf('4.');
  await configure(machines, first);
  for (const command of commandsOf('4.')) await succeeds(machines, command);

  const [status = '', visit = ''] = commandsOf('5.');
  await until('the certificate is valid', async () => / valid\b/.test(await succeeds(machines, status)), 30_000);
  assert.match(await succeeds(machines, status), /CERTIFICATES/);
  assert.match(await succeeds(machines, visit), /^the shop$|the shop$/);
  const strict = await server.run(visit.replace('--insecure ', ''));
  assert.equal(strict.code, 60, 'the certificate of staging is trusted by no client');

  await configure(machines, stringify({ ...parse(first), ...parse(configurationOf('6.')) }));
  const [reload = '', secure = '', plain = ''] = commandsOf('6.');
  await succeeds(machines, reload);
  assert.match(await succeeds(machines, visit), /the shop$/, 'the certificate of staging stays in use');
  await until('the live certificate is there', async () => (await server.run(secure)).code === 0, 30_000);
  assert.match(await succeeds(machines, secure), /the shop$/);
  assert.match(await succeeds(machines, plain), /^HTTP\/1\.1 308 [^]*^location: https:\/\/shop\.example\.org\/\r$/im);
  await succeeds(machines, 'systemctl stop candor');
});

test(
  'where nginx answers on port 80, the start, the status and the event name it, and a restart without it goes on',
  options,
  async (t) => {
    const machines = await startHttpsMachines(t);
    const { server, folder, journal } = machines;
    const nginx = findPeer('nginx');
    assert.ok('path' in nginx);
    const configuration = `daemon off; error_log stderr; pid ${folder}/nginx.pid; events {} http { access_log off; server { listen 80; } }`;
    writeFileSync(join(folder, 'nginx.conf'), configuration);
    const other = server.spawn(nginx.path, ['-c', join(folder, 'nginx.conf'), '-p', folder], nginx.env);
    await until('nginx answers', async () => (await server.run('curl --silent http://127.0.0.1/')).code === 0);
    await installApplication(machines);
    const first = configurationOf('4.');
    await configure(machines, first);
    const refused = await server.run('systemctl enable --now candor');
    assert.notEqual(refused.code, 0);
    assert.match(journal(), /port 80 .*nginx|:80 .*nginx/i);

    await configure(machines, first.replace('":80"', '":8080"'));
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

    other.kill('SIGTERM');
    await until('nginx has ended', () => other.exitCode !== null);
    await configure(machines, first);
    await succeeds(machines, 'systemctl restart candor');
    await until('the certificate is valid', async () => / valid\b/.test(await succeeds(machines, status)), 30_000);
    await succeeds(machines, 'systemctl stop candor');
  },
);
