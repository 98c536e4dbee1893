import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { SteadyLoad } from '../steady-load.ts';
import { answers, checkMs, endProcess, type KitGateway, startKitGateway, watched } from './kit-gateways.ts';
import { sampleCommand } from './sample-command.ts';

interface RestartPlan {
  readonly framework: string;
  readonly gateways: readonly string[];
  readonly restarts: number;
  /** Requests a second to each gateway. */
  readonly rate: number;
  /** Of the environment of the application. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface RestartFigures {
  readonly framework: string;
  readonly gateway: string;
  readonly sent: number;
  readonly failed: number;
  readonly kinds: readonly string[];
  /** Restarts whose program ended with another code than 0. */
  readonly otherCodes: number;
}

/** Long enough for three checks. */
const drain = { noticeMs: 4 * checkMs, idleMs: checkMs, timeoutMs: 9000 };

/** Two instances of one framework behind each gateway: one after the other ends by SIGTERM and starts again, under load. */
export async function restartRolling(plan: RestartPlan): Promise<readonly RestartFigures[]> {
  return Promise.all(
    plan.gateways.map((gateway) =>
      restartBehind(gateway, plan).catch((error: unknown) => ({
        ...{ framework: plan.framework, gateway, sent: 0, failed: 1, otherCodes: 0 },
        kinds: [`the run broke off: ${String(error)}`],
      })),
    ),
  );
}

async function restartBehind(
  gatewayName: string,
  { framework, restarts, rate, environment }: RestartPlan,
): Promise<RestartFigures> {
  const ports = [await freePort(), await freePort()];
  const start = (port: number, version: string): ChildProcess => {
    const child = startSample(framework, port, { ...environment, PORT: String(port), KIT_VERSION: version });
    // A program whose output is not read would wait for that.
    for (const stream of [child.stdout, child.stderr]) stream?.resume();
    return child;
  };
  const instances = ports.map((port) => start(port, 'first'));
  const load: { running: SteadyLoad | null } = { running: null };
  let gateway: KitGateway | null = null;
  let otherCodes = 0;
  try {
    const ready = framework === 'plain' ? '/' : '/readyz';
    await Promise.all(ports.map((port) => answers(port, ready)));
    gateway = await startKitGateway(gatewayName, ports);
    const running = new SteadyLoad({ port: gateway.port, rate, hasSockets: false });
    load.running = running;
    running.start();
    await sleep(1000);
    for (let number = 0; number < restarts; number++) {
      const at = number % 2;
      const port = ports[at] as number;
      if ((await endProcess(instances[at] as ChildProcess)) !== 0) otherCodes += 1;
      instances[at] = start(port, `restart ${number}`);
      await answers(port, ready);
      // The other one is next when the gateway sends requests to this one again.
      await untilAnswered(running, `restart ${number}`);
    }
    await running.stop();
    const kinds = [...running.failures].map(([kind, { count, example }]) => `${count} × ${kind} (${example})`);
    return { framework, gateway: gatewayName, sent: running.sent, failed: running.failed, kinds, otherCodes };
  } finally {
    await load.running?.stop();
    await gateway?.stop();
    await Promise.all(instances.map((instance) => endProcess(instance)));
  }
}

async function untilAnswered({ firstAnswers }: SteadyLoad, version: string): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; !firstAnswers.has(version); await sleep(20))
    if (Date.now() > giveUpAt) throw new Error(`${version} has got no request for 60 s`);
}

export function startSample(framework: string, port: number, more: NodeJS.ProcessEnv): ChildProcess {
  const options = { host: '127.0.0.1', port, drain };
  const { command, args, environment } = sampleCommand(framework, port);
  const own = { KIT_OPTIONS: JSON.stringify(options), KIT_NOTICE_MS: String(drain.noticeMs) };
  return watched(
    spawn(command, args, {
      env: { ...process.env, ...environment, ...own, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}
