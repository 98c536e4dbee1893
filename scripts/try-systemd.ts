import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from './repository.ts';

/**
 * Runs the packaged units under their own systemd: a real one, as the first process of new namespaces for processes, mounts,
 * network and cgroups, with these units and no others. Needs root, Linux with cgroup 2, and systemd.
 *
 *     npm run try:systemd
 */

const systemd = '/lib/systemd/systemd';
/** The tests take half a minute; a machine may be busy. */
const timeoutMs = 240_000;

const application = `require('node:http')
  .createServer((request, response) => response.end('application ' + process.pid))
  .listen(process.env.PORT, '127.0.0.1');
`;

/** Commands to run inside. Each line that it prints is compared with `expected`. */
function commands(folder: string): string {
  return `ip link set lo up; cd ${folder}
show() { echo "$1: $(systemctl show -p ActiveState,SubState,NRestarts,StatusText candor.service | sort | tr '\\n' ' ')"; }
state() { systemctl show -p ActiveState --value candor.service; }
main() { systemctl show -p MainPID --value candor.service; }
code() { curl -s -m 30 -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/; }
answers() { for i in $(seq 60); do [ "$(code)" = 200 ] && break; sleep 0.5; done; echo "$1: $(code)"; }
systemctl start candor.socket
answers 'first connection'; show started; before=$(curl -s http://127.0.0.1:8080/)
systemctl reload candor.service; echo "reload: $?"
for i in $(seq 60); do [ "$(state)" = active ] && break; sleep 0.5; done; show reloaded
cp candor.yaml good.yaml
for mistake in 'routs: []' 'routes: [' 'listeners: { http: "192.0.2.1:80" }'; do
  cat good.yaml > candor.yaml; echo "$mistake" >> candor.yaml
  systemctl reload candor.service; echo "refused: $?"
done
cat good.yaml > candor.yaml; show 'after refusals'; answers 'after refusals, a request'
old=$(main); ${join(repositoryRoot, 'bin', 'candor')} upgrade --timeout 120; echo "upgrade: $?"
${join(repositoryRoot, 'bin', 'candor')} status > /dev/null; echo "status: $?"
answers 'after the upgrade'; show upgraded
[ "$old" != "$(main)" ] && echo 'main process: another'
[ "$before" = "$(curl -s http://127.0.0.1:8080/)" ] && echo 'application: the same'
sleep 9; show 'after three times of the watchdog'
systemctl restart candor.service; echo "restart: $?"; answers restarted
kill -STOP "$(main)"; sleep 8; answers 'stopped without a word'; show 'stopped without a word'
systemctl stop candor.socket candor.service; show ended
echo finished
`;
}

const serving = /ActiveState=active NRestarts=0 StatusText=serves 0\.0\.0\.0:8080; workers: 2; .*SubState=running/;

const expected: readonly (readonly [line: string, says: RegExp])[] = [
  ['first connection', /^200$/],
  ['started', serving],
  ['reload', /^0$/],
  ['reloaded', serving],
  ['refused', /^1$/],
  ['after refusals', serving],
  ['after refusals, a request', /^200$/],
  ['upgrade', /^0$/],
  ['status', /^0$/],
  ['after the upgrade', /^200$/],
  ['upgraded', serving],
  ['main process', /^another$/],
  ['application', /^the same$/],
  ['after three times of the watchdog', serving],
  ['restart', /^0$/],
  ['restarted', /^200$/],
  ['stopped without a word', /^200$|NRestarts=1/],
  ['ended', /ActiveState=inactive/],
];

const missing = whatIsMissing();
if (missing === null) await tryUnits();
else console.log(`not tried: ${missing}`);

async function tryUnits(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-systemd-'));
  try {
    writeUnits(folder);
    await boot(folder);
    process.exitCode = judge(folder) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The packaged units, adjusted to paths of this machine, and with a shorter watchdog time. */
function writeUnits(folder: string): void {
  const units = join(folder, 'units');
  mkdirSync(join(units, 'candor.service.d'), { recursive: true });
  const packaged = (name: string): string => readFileSync(join(repositoryRoot, 'packaging', name), 'utf8');
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write(
    'units/candor.service',
    packaged('candor.service').replace(/^User=.*\nGroup=.*\n/m, 'User=nobody\nGroup=nogroup\n'),
  );
  write('units/candor.socket', packaged('candor.socket').replace('ListenStream=80', 'ListenStream=8080'));
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
  const run = (command: string): string =>
    `${join(repositoryRoot, 'bin', 'candor')} ${command} -c ${join(folder, 'candor.yaml')}`;
  write(
    'units/candor.service.d/here.conf',
    `[Service]\nEnvironment=PATH=${path}\nExecStart=\nExecStart=${run('up')}\n` +
      `ExecReload=\nExecReload=${run('reload')}\nWatchdogSec=3\nPrivateTmp=no\n` +
      `StandardError=append:${join(folder, 'candor.log')}\n`,
  );
  write(
    'units/try.service',
    `[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nTimeoutStartSec=infinity\nEnvironment=PATH=${path}\n` +
      `ExecStart=/bin/sh ${join(folder, 'commands')}\nStandardOutput=file:${join(folder, 'said')}\n` +
      `StandardError=file:${join(folder, 'said')}\n`,
  );
  write('units/default.target', '[Unit]\nWants=try.service\n');
  for (const target of ['basic', 'sysinit', 'shutdown', 'sockets', 'multi-user', 'network', 'network-online']) {
    write(`units/${target}.target`, '[Unit]\nDefaultDependencies=no\n');
  }
  write(
    'candor.yaml',
    `listeners: { http: '0.0.0.0:8080' }\nworkers: 2\ndrain: { lame_duck: 1ms }\n` +
      `applications: { web: { command: [node, ${join(folder, 'application.cjs')}], directory: / } }\n`,
  );
  write('application.cjs', application);
  write('commands', commands(folder));
  for (const name of ['', 'application.cjs', 'candor.yaml']) spawnSync('chmod', ['a+rX', join(folder, name)]);
}

/** One cgroup contains all processes, and ends all of them. */
async function boot(folder: string): Promise<void> {
  const first = `mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system /run/lock && mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /var/lib; mount -t tmpfs tmpfs /var/log
export container=candor-try SYSTEMD_UNIT_PATH=${join(folder, 'units')}
exec ${systemd} --system --show-status=no --log-target=console --unit=default.target
`;
  const around = `set -e
mkdir ${folder}/cgroup; mount -t cgroup2 cgroup2 ${folder}/cgroup
mkdir ${folder}/cgroup/candor-try-$$; echo $$ > ${folder}/cgroup/candor-try-$$/cgroup.procs
unshare --pid --ipc --uts --net --cgroup --mount --fork --kill-child --mount-proc sh ${folder}/first > ${folder}/systemd.log 2>&1 &
read -r word || true
echo $$ > ${folder}/cgroup/cgroup.procs; echo 1 > ${folder}/cgroup/candor-try-$$/cgroup.kill; sleep 1
find ${folder}/cgroup/candor-try-$$ -depth -type d -exec rmdir {} +
`;
  writeFileSync(join(folder, 'first'), first);
  const child = spawn('unshare', ['--mount', 'sh', '-c', around], { stdio: ['pipe', 'inherit', 'inherit'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const giveUpAt = Date.now() + timeoutMs;
  while (!said(folder).includes('\nfinished\n') && Date.now() < giveUpAt && child.exitCode === null) await sleep(500);
  child.stdin.end('end\n');
  await gone;
}

function judge(folder: string): boolean {
  const lines = said(folder).split('\n');
  let good = true;
  for (const [name, says] of expected) {
    const found = lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    const fits = found.length > 0 && found.every((text) => says.test(text));
    good &&= fits;
    console.log(`${fits ? '✔' : '✖'} ${name}: ${found.join(' | ') || 'nothing'}`);
  }
  if (good) return true;
  console.log(said(folder));
  for (const log of ['candor.log', 'systemd.log']) {
    if (existsSync(join(folder, log))) console.log(readFileSync(join(folder, log), 'utf8').slice(-4000));
  }
  return false;
}

function said(folder: string): string {
  return existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8') : '';
}

function whatIsMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return "namespaces and cgroups of one's own need root on Linux";
  if (!existsSync(systemd)) return `there is no ${systemd}`;
  const namespaces = spawnSync('unshare', ['--mount', '--pid', '--cgroup', '--fork', 'true']).status === 0;
  return namespaces ? null : 'the system gives no namespaces';
}
