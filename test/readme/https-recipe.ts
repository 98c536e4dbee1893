import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPeer } from '../../scripts/peers.ts';
import type { HttpsMachines } from './https-machines.ts';
import { whyNoMachines } from './machine.ts';
import { blocksOf, readDocument } from './markdown.ts';

/** docs/https.md as a new user follows it: what it says is read from it. */

const programs = (['pebble', 'pebble-challtestsrv', 'nginx', 'curl'] as const).map((name) => findPeer(name));
const missing = programs.find((peer) => 'missing' in peer)?.missing ?? whyNoMachines();

/** For the options of a test. */
export const needsMachines = missing === null ? { timeout: 60_000 } : { skip: missing };

export const document = readDocument('docs/https.md');
const blocks = blocksOf(document);

/** The commands below a heading that begins with these words. */
export function commandsOf(heading: string): readonly string[] {
  const found = blocks.filter((block) => block.heading.startsWith(heading) && block.language === '');
  assert.equal(found.length, 1, heading);
  return (found[0]?.text ?? '').split('\n');
}

export function configurationOf(heading: string): string {
  const found = blocks.find((block) => block.heading.startsWith(heading) && block.language === 'yaml');
  return found?.text ?? assert.fail(heading);
}

export async function configure({ server, folder }: HttpsMachines, configuration: string): Promise<void> {
  const file = join(folder, 'candor.yaml');
  writeFileSync(file, configuration);
  assert.equal((await server.run(`mkdir -p /etc/candor && cp ${file} /etc/candor/candor.yaml`)).code, 0);
}

/** Runs a command of the document; its exit code must be 0. */
export async function succeeds({ server, journal }: HttpsMachines, command: string): Promise<string> {
  const { code, output } = await server.run(command);
  assert.equal(code, 0, `${command}: ${output}\n${command.startsWith('systemctl') ? journal() : ''}`);
  return output;
}

export async function installApplication({ server, folder }: HttpsMachines): Promise<void> {
  const program =
    "require('node:http').createServer((_, response) => response.end('the shop')).listen(process.env.PORT);\n";
  writeFileSync(join(folder, 'server.js'), program);
  assert.equal((await server.run(`mkdir -p /srv/shop && cp ${folder}/server.js /srv/shop`)).code, 0);
}
