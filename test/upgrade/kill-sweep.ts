import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as passTime } from 'node:timers/promises';
import { GatewayProgram, isAlive } from './gateway-program.ts';

/** The process of an upgrade that gets a signal, and the time of the signal after the start of the new process. */
export interface Blow {
  readonly at: 'old' | 'new' | 'both';
  readonly signal: NodeJS.Signals;
  readonly afterMs: number;
}

/** The result of a kill. */
interface Blown {
  /** The process that serves in the end; null if none has to. */
  readonly serves: 'old' | 'new' | null;
  /** From the signal until a request was answered through the application. */
  readonly backMs: number;
  /** Requests that were refused or not answered with 200 although the old process survived. */
  readonly failed: readonly string[];
  /** Broken promises. */
  readonly broken: readonly string[];
}

/** More than a new process and its application take on a busy machine. */
const timeoutMs = 40_000;

/** Upgrades a running gateway, sends a signal in the middle of it, and reports which process serves afterwards. */
export async function upgradeWithBlow({ at, signal, afterMs }: Blow): Promise<Blown> {
  const gateway = new GatewayProgram('workers: 2\n');
  const broken: string[] = [];
  let clients: ReturnType<typeof askUntilTold> | null = null;
  try {
    await gateway.serves();
    if (at === 'new') clients = askUntilTold(gateway);
    let [fresh, struckAt] = [0, 0];
    const struck = Promise.withResolvers<void>();
    const over = gateway
      .upgrade(30, ({ step, pid = 0 }) => {
        if (step !== 'starting') return;
        fresh = pid;
        void passTime(afterMs).then(() => {
          struckAt = performance.now();
          for (const target of at === 'both' ? [gateway.pid, pid] : [at === 'old' ? gateway.pid : pid])
            if (isAlive(target)) process.kill(target, signal);
          struck.resolve();
        });
      })
      .then(({ lines }) => lines.at(-1)?.outcome ?? 'none')
      .catch(() => 'cut')
      .then((outcome) => ({ outcome, at: performance.now() }));
    await struck.promise;
    const { outcome, at: overAt } = await over;
    // The new process is the gateway once it has taken over: a signal that ends it then ends the gateway.
    // It may have done so before a kill, and be reported after it.
    const hasTaken = outcome === 'done' && (at !== 'new' || signal === 'SIGKILL' || overAt < struckAt);
    const ends = at === 'both' || (at === 'old' ? signal === 'SIGTERM' && outcome !== 'done' : hasTaken);
    if (ends) {
      // The orphan watchdog ends the applications of a killed gateway.
      await settled(
        () => !isAlive(gateway.pid) && !isAlive(fresh) && running(gateway.folder).applications.length === 0,
      );
      const left = running(gateway.folder);
      if (isAlive(gateway.pid) || isAlive(fresh)) broken.push('a process of the gateway has not ended');
      if (left.applications.length > 0) broken.push(`applications run on: ${left.applications.join()}`);
      return { serves: null, backMs: 0, failed: [], broken };
    }
    const back = await settled(
      async () => (await gateway.get('/')).status === 200,
      () => running(gateway.folder).gateways.length === 0,
    );
    const backMs = Math.round(performance.now() - struckAt);
    if (!back) broken.push('no process serves');
    const wanted = at === 'old' || outcome === 'done' ? fresh : gateway.pid;
    // A successor that is killed after the old process has handed off everything counts as a killed gateway.
    const isOne =
      back &&
      (await settled(async () => {
        const { gateways, applications } = running(gateway.folder);
        const { pid, state } = await gateway.status();
        return (
          gateways.join() === String(pid) &&
          state === 'serving' &&
          applications.join() === String(await gateway.applicationPid())
        );
      }));
    const now = running(gateway.folder);
    if (!isOne)
      broken.push(`gateways ${now.gateways.join()}, applications ${now.applications.join()}, wanted ${wanted}`);
    const failed = (await clients?.end()) ?? [];
    if (back && (await gateway.upgrade()).lines.at(-1)?.outcome !== 'done') broken.push('the next upgrade fails');
    const serves = now.gateways.includes(fresh) ? 'new' : 'old';
    if (now.gateways.length === 1 && now.gateways[0] !== wanted)
      broken.push(`process ${now.gateways.join()} serves, not ${wanted}`);
    if (broken.length > 0) broken.push(gateway.stderr.slice(-3000));
    return { serves, backMs, failed, broken };
  } finally {
    // Otherwise the clients would go on for ever after the end of the gateway.
    await clients?.end();
    await gateway.end();
    for (const pid of Object.values(running(gateway.folder)).flat()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
}

/** Processes of the gateway in this folder, and of its application. */
function running(folder: string): { gateways: number[]; applications: number[] } {
  const found = { gateways: [] as number[], applications: [] as number[] };
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      if (!readlinkSync(`/proc/${name}/cwd`).startsWith(folder) || !isAlive(Number(name))) continue;
      const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
      if (words.includes('application.cjs')) found.applications.push(Number(name));
      if (words.some((word) => word.endsWith('candor.mjs')) && words.includes('up')) found.gateways.push(Number(name));
    } catch {
      // The process has ended.
    }
  }
  return found;
}

async function settled(
  holds: () => boolean | Promise<boolean>,
  isHopeless: () => boolean = () => false,
): Promise<boolean> {
  for (const giveUpAt = performance.now() + timeoutMs; performance.now() < giveUpAt; await passTime(50)) {
    if (await Promise.resolve(holds()).catch(() => false)) return true;
    if (isHopeless()) return false;
  }
  return false;
}

/** One request after the other, each on a new connection. */
function askUntilTold(gateway: GatewayProgram): { end(): Promise<readonly string[]> } {
  const failed: string[] = [];
  let goesOn = true;
  const asking = (async () => {
    while (goesOn) {
      const answer = await gateway.get('/').catch((error: NodeJS.ErrnoException) => error.code ?? 'failed');
      if (typeof answer === 'string') failed.push(answer);
      else if (answer.status !== 200) failed.push(String(answer.status));
      await passTime(5);
    }
  })();
  return {
    async end() {
      goesOn = false;
      await asking;
      return failed;
    },
  };
}
