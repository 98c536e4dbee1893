import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfiguration } from '../src/config/load.ts';
import { thisHost } from '../src/config/host.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import { programTimes } from '../src/system/process-times.ts';

/**
 * Compares what the gateway counts of an application over an hour with sums of /proc that are read four times a second, and with what the programs say
 * themselves. The application burns and rests, takes and gives back memory, starts children, and is restarted every ten minutes:
 *
 *     npm run bench:cost -- --seconds 3600
 *
 * Exits with 1 if CPU time or memory differ by more than 3 %.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3600' } } });
const seconds = Number(values.seconds);

/** In turns of a minute: burns a fifth of a core, rests, holds 200 MB more, starts children that burn. */
const program = `
  const { spawnSync } = require('node:child_process');
  const { createServer } = require('node:http');
  let held = null;
  const burn = (ms) => { const end = process.cpuUsage().user + ms * 1000; while (process.cpuUsage().user < end) for (let n = 0; n < 1e5; n++); };
  const child = 'const end = process.cpuUsage().user + 200e3; while (process.cpuUsage().user < end) for (let n = 0; n < 1e5; n++);';
  setInterval(() => {
    const turn = Math.floor(process.uptime() / 60) % 4;
    held = turn === 2 ? (held ?? Buffer.alloc(200e6, 1)) : null;
    if (turn === 0 || turn === 2) burn(200);
    if (turn === 3) spawnSync(process.execPath, ['-e', child]);
  }, 1000);
  createServer((_, response) => response.end('ok')).listen(process.env.PORT, '127.0.0.1');
`;

const folder = await mkdtemp(join(tmpdir(), 'candor-bench-cost-'));
const path = join(folder, 'candor.yaml');
await writeFile(join(folder, 'program.cjs'), program);
await writeFile(
  path,
  `
listeners: { http: "127.0.0.1:0" }
admin: { socket: ${join(folder, 'admin.sock')} }
log: { path: ${join(folder, 'exchanges.log')} }
state: ${join(folder, 'state')}
workers: 1
applications: { shop: { command: [${JSON.stringify(process.execPath)}, program.cjs] } }
routes: [ { to: shop } ]
`,
);
const loading = await loadConfiguration(path, process.env, thisHost());
if (!loading.ok) throw new Error(loading.errors.map(({ message }) => message).join('\n'));
const gateway = await startGateway({ configuration: loading.configuration, source: path });

/** What /proc shows, added up more often than the gateway looks. */
const truth = { cpuMs: 0, byteSeconds: 0 };
let [last, lastMs, lastPid] = [performance.now(), 0, 0];
const read = async (): Promise<void> => {
  const pid = (await gateway.usageNow()).rows.find(({ kind }) => kind === 'instances')?.programs[0]?.pid ?? 0;
  const now = performance.now();
  const processes = [...((pid === 0 ? null : programTimes(pid))?.processes.values() ?? [])];
  const cpuMs = processes.reduce((sum, { ownMs, waitedMs }) => sum + ownMs + waitedMs, 0);
  truth.cpuMs += pid === lastPid ? Math.max(0, cpuMs - lastMs) : cpuMs;
  truth.byteSeconds += (processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0) * (now - last)) / 1000;
  [last, lastMs, lastPid] = [now, pid === lastPid ? Math.max(lastMs, cpuMs) : cpuMs, pid];
};
const reading = setInterval(() => void read(), 250);
const startedAt = Date.now();
const restarting = setInterval(() => void restart(), 600_000);
async function restart(): Promise<void> {
  const [instance] = (await gateway.usageNow()).rows.flatMap(({ programs }) => programs);
  if (instance !== undefined) gateway.restartInstance(instance.id);
}
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
clearInterval(reading);
clearInterval(restarting);
await read();
await gateway.stop('the measurement is over');
const { applications } = await gateway.usageCost(startedAt - 3_600_000, Date.now());
const quantity = (unit: string): number =>
  applications.flatMap(({ items }) => items).find((item) => item.unit === unit)?.quantity ?? 0;
const rows = [
  ['CPU-hours', quantity('cpu_hour'), truth.cpuMs / 3_600_000],
  ['GB-hours', quantity('memory_gb_hour'), truth.byteSeconds / 1e9 / 3600],
] as const;
let worst = 0;
for (const [name, counted, shown] of rows) {
  const difference = counted / shown - 1;
  worst = Math.max(worst, Math.abs(difference));
  process.stdout.write(
    `${name}: ${counted.toFixed(4)} counted, ${shown.toFixed(4)} in /proc, ${(difference * 100).toFixed(2)} %\n`,
  );
}
await rm(folder, { recursive: true, force: true });
process.exit(worst > 0.03 ? 1 : 0);
