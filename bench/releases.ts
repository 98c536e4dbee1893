import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../scripts/repository.ts';
import { toolOptions } from '../test/tool-options.ts';
import { gatewayCore, loadCore, needTwoCores } from './cores.ts';
import { drive } from './drive.ts';
import { judge, type Round } from './judgement.ts';
import { benchPort } from './ports.ts';
import { cpuMicroseconds, type Pinned, stopAll } from './processes.ts';
import { runFolder, startGateway } from './start-gateway.ts';
import { intervalRank } from './statistics.ts';
import { needPeer, type Program } from './tools.ts';
import { type Work, works } from './works.ts';

const usage = `usage: npm run bench:releases [-- --rounds <n> --seconds <n> --warm-up <n> --ratio-max <n> --instances <n>]

Compares the CPU time of small GETs to an application of which two releases
share the requests, half and half, with that to one release. Both gateways run
at the same time on one core, from the source, each with as many instances of
the application and a load of its own on the other core. Their applications'
CPU time does not count. With two instances, \`two_choices\` always picks the less
loaded one of one release, and that is nearly all of the difference: of two
releases, chance picks.

  --rounds <n>     (20), 6 or more
  --seconds <n>    of each round (2)
  --warm-up <n>    seconds before the first round, until V8 has compiled (15)
  --ratio-max <n>  the most that two releases may cost (1.03)
  --instances <n>  of the application (2), an even number

It ends with 0 where the whole 95 % interval of the median ratio is at most that.

example: npm run bench:releases -- --rounds 10
`;

const {
  rounds,
  seconds,
  'warm-up': warmUpS,
  'ratio-max': ratioMax,
  instances: instanceCount,
} = toolOptions(usage, [], { rounds: 20, seconds: 2, 'warm-up': 15, 'ratio-max': 1.03, instances: 2 });

const [small] = works as readonly [Work];
const folder = runFolder('releases');

const program = (version: string): string => `
const { createServer } = require('node:http');
createServer((request, response) => response.end('release ${version}\\n')).listen(Number(process.env.PORT), '127.0.0.1');
`;

interface Deployed {
  readonly pinned: Pinned;
  readonly port: number;
  readonly socketPath: string;
  readonly instances: readonly number[];
}

type Shown = { readonly rollout: { readonly state: string; readonly share: number } | null };

function admin<T>(socketPath: string, method: string, path: string, body: object | null = null): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, headers: { 'Content-Type': 'application/json' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text) as T);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body === null ? undefined : JSON.stringify(body));
  });
}

const rolloutOf = async (socketPath: string): Promise<Shown['rollout']> =>
  (await admin<{ applications: Shown[] }>(socketPath, 'GET', '/v1/releases')).applications[0]?.rollout ?? null;

/** A gateway whose application has been deployed: with one release it is in force, with two each gets half of the requests. */
async function startDeployed(releases: 1 | 2): Promise<Deployed> {
  const [own, port] = [join(folder, `of-${releases}`), benchPort(releases)];
  const socketPath = join(own, 'admin.sock');
  const command = ['taskset', '-c', String(loadCore), process.execPath, 'server.cjs'];
  const text = `state: ./state
workers: 1
listeners: { http: "127.0.0.1:${port}" }
client: { connections_max: 12000, connections_per_address_max: none }
admin: { socket: ${socketPath} }
log: { path: ./requests.log }
applications:
  web:
    command: ${JSON.stringify(command)}
    directory: ./first
    instances: ${instanceCount / releases}
    readiness: /
    releases: { ${releases === 1 ? 'strategy: blue_green' : 'strategy: canary, steps: [50% 1h]'}, bake: 1s, warm: none }
routes: [{ to: web }]
`;
  const gateway = {
    name: 'candor' as const,
    ...{ port, env: {} },
    command: [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'],
    files: { 'candor.yaml': text, 'first/server.cjs': program('r1'), 'next/server.cjs': program('r2') },
  } as const;
  const pinned = await startGateway(gateway, gatewayCore, own);
  // It opens a little later.
  while (!existsSync(socketPath)) await sleep(20);
  const from = { kind: 'folder', path: join(own, 'next') };
  await admin(socketPath, 'POST', '/v1/releases/deploy', { application: 'web', from });
  for (let isThere = false; !isThere; await sleep(200)) {
    const rollout = await rolloutOf(socketPath);
    isThere = releases === 1 ? rollout === null : rollout?.state === 'shifting';
  }
  // Those of the release before end.
  if (releases === 1) await sleep(2000);
  const { applications } = await admin<{ applications: { instances: { pid: number | null }[] }[] }>(
    ...([socketPath, 'GET', '/v1/status'] as const),
  );
  const instances = applications.flatMap((one) => one.instances.flatMap(({ pid }) => pid ?? []));
  if (instances.length !== instanceCount)
    throw new Error(`the application has ${instances.length} processes in place of ${instanceCount}`);
  return { pinned, port, socketPath, instances };
}

/** Of the gateway alone. */
const spentBy = ({ pinned, instances }: Deployed): number =>
  instances.reduce((rest, pid) => rest - cpuMicroseconds(pid), cpuMicroseconds(pinned.pid));

async function driveBoth(
  both: readonly [Deployed, Deployed],
  forS: number,
  wrk: Program,
  what: 'warm-up' | 'round',
): Promise<readonly number[]> {
  return Promise.all(
    both.map(async ({ port }) => {
      const { done, failures } = await drive(small, port, forS, { wrk, folder });
      if (failures > 0 && what === 'round') throw new Error(`${failures} of ${done} requests failed`);
      return done;
    }),
  );
}

async function measure(): Promise<Round[]> {
  const wrk = needPeer('wrk');
  const both = [await startDeployed(1), await startDeployed(2)] as const;
  await driveBoth(both, warmUpS, wrk, 'warm-up');
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const before = both.map(spentBy);
    const done = await driveBoth(both, seconds, wrk, 'round');
    const [older = 0, newer = 0] = both.map(
      (one, at) => (spentBy(one) - (before[at] as number)) / (done[at] as number),
    );
    const rollout = await rolloutOf(both[1].socketPath);
    if (rollout?.share !== 0.5) throw new Error('the second release has been taken back');
    measured.push({ work: small.name, round, older, newer });
    console.log(
      `round ${round} of ${rounds}: ${older.toFixed(1)} and ${newer.toFixed(1)} µs, ratio ${(newer / older).toFixed(3)}`,
    );
  }
  return measured;
}

if (instanceCount < 2 || instanceCount % 2 !== 0) throw new Error('--instances takes an even number.');
if (intervalRank(rounds, 0.95) === 0) throw new Error('--rounds takes 6 or more: fewer allow no conclusion.');
needTwoCores();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  const [judged] = judge(await measure(), ratioMax);
  if (judged === undefined) throw new Error('there were no rounds');
  const { ratio, interval, held, older, newer } = judged;
  console.log(
    `\nCPU of a small GET: one release ${older.toFixed(1)} µs, two ${newer.toFixed(1)} µs; two ÷ one ${ratio.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}), ${held ? 'held' : 'FAILED'}: at most ${ratioMax}`,
  );
  process.exitCode = held ? 0 : 1;
} catch (error) {
  console.error(`nothing could be measured: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
} finally {
  await stopAll();
}
