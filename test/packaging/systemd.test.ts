// Starts processes: systemd's own tools read the units.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { candorProgram as program } from '../program.ts';

/** What a package brings for systemd, read by systemd's own tools where they are. */

const packaging = join(repositoryRoot, 'packaging');
/** Of 10; systemd calls 2.x "OK". What is left is the network, and what applications may need. */
const exposureMax = 2.5;

const version = Number(/^systemd (\d+)/.exec(analyze('--version').stdout)?.[1] ?? 0);
const skip = version >= 250 ? false : 'systemd-analyze is not here, or too old to check units that are not installed';

const folder = mkdtempSync(join(tmpdir(), 'candor-units-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function analyze(...args: string[]): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** The units as they are installed, but for the path of the program, which this machine has elsewhere. */
function installUnits(name: string, dropIns: readonly string[]): string {
  const units = join(folder, name);
  const forService = join(units, 'candor.service.d');
  mkdirSync(forService, { recursive: true });
  const service = readFileSync(join(packaging, 'candor.service'), 'utf8');
  writeFileSync(join(units, 'candor.service'), service.replace(/^(Exec\w+)=candor/gm, `$1=${program}`));
  cpSync(join(packaging, 'candor.socket'), join(units, 'candor.socket'));
  for (const dropIn of dropIns) cpSync(join(packaging, dropIn), join(forService, dropIn));
  return units;
}

describe('the units', { skip }, () => {
  test('say nothing that systemd does not understand', () => {
    const units = installUnits('verify', []);
    const { stderr } = analyze('verify', '--man=no', join(units, 'candor.service'), join(units, 'candor.socket'));
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes('candor')),
      [],
    );
  });

  test('leave the service little to misuse', () => {
    const units = installUnits('security', []);
    const { stdout } = analyze('security', '--offline=true', '--no-pager', join(units, 'candor.service'));
    const exposure = Number(/exposure level for candor\.service: ([\d.]+)/.exec(stdout)?.[1]);
    assert.ok(exposure <= exposureMax, stdout);
  });
});

test('the commands of docs/https.md install the units where the system has none of their folders', () => {
  const recipe = readFileSync(join(repositoryRoot, 'docs', 'https.md'), 'utf8');
  const [, block = ''] = /## 2\. Install\n[^]*?```\n([^]*?)```/.exec(recipe) ?? [];
  const commands = block.split('\n').filter((line) => /^(?:cp|install|mkdir) /.test(line));
  const root = join(folder, 'root');
  const script = commands.join('\n').replaceAll(' /etc/', ` ${root}/etc/`);
  const { status, stderr } = spawnSync('sh', ['-e', '-c', script], { cwd: packaging, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const installed = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.\w+$/.test(name) && !name.endsWith('.d'),
  );
  assert.deepEqual(installed.toSorted(), [
    'etc/sysctl.d/50-candor.conf',
    'etc/systemd/system/candor.service',
    'etc/sysusers.d/candor.conf',
  ]);
});

test('systemctl reload fails where the gateway refuses the configuration: systemd runs the command, whatever its version', () => {
  const service = readFileSync(join(packaging, 'candor.service'), 'utf8');
  assert.match(service, /^Type=notify$/m);
  const [, start] = /^ExecStart=candor up (.*)$/m.exec(service) ?? [];
  assert.match(service, new RegExp(`^ExecReload=candor reload ${start}$`, 'm'));
});

test('a service that runs machine code of its own is not forbidden to', () => {
  const service = readFileSync(join(packaging, 'candor.service'), 'utf8');
  assert.doesNotMatch(service, /^MemoryDenyWriteExecute=/m);
});

test('everything that is packaged is told of in the documents', () => {
  const documented = readFileSync(join(repositoryRoot, 'docs', 'upgrade.md'), 'utf8');
  const files = readdirSync(packaging, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name } of files) assert.ok(documented.includes(name), `${name} is not in docs/upgrade.md`);
});

test('the sysctl file sets what `candor check` asks for', () => {
  const lines = readFileSync(join(packaging, '50-candor.conf'), 'utf8').split('\n');
  assert.deepEqual(
    lines.filter((line) => /^[^#\s]/.test(line)),
    ['net.ipv4.tcp_migrate_req = 1'],
  );
});
