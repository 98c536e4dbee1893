import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPeer, type Peer } from '../../../scripts/peers.ts';
import {
  RawClient,
  refusingAddress,
  startFaultOrigin,
  startTlsFaultOrigin,
  unansweringAddress,
} from '../../../src/testing/testing.ts';
import { listening } from '../../attacks/smuggling/origins.ts';
import { freePort } from '../../free-port.ts';
import { type FailureCase, failureCases, type OriginKind } from './failure-cases.ts';
import { type GatewayLog, pathOf, type RealGateway, type Surroundings } from './gateways.ts';

/** The lines that a log gained while an act was played. */
export interface PlayedCase {
  readonly failureCase: FailureCase;
  readonly log: GatewayLog;
  readonly lines: readonly string[];
}

/** The origins of all acts. */
export interface Stage {
  readonly addresses: Readonly<Record<OriginKind, string>>;
  /** The authority, in PEM, that gateways have to trust. */
  readonly authority: string;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const [plain, refused, unanswered, tls] = await Promise.all([
    startFaultOrigin(),
    refusingAddress(),
    unansweringAddress(),
    startTlsFaultOrigin(),
  ]);
  const text = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`;
  return {
    addresses: {
      plain: text(plain.address),
      refused: text(refused),
      unanswered: text(unanswered),
      'tls-plain-http': text(tls.addressOf('tls-plain-http')),
      'tls-alert': text(tls.addressOf('tls-alert-40')),
      certificate: text(tls.addressOf('certificate-untrusted')),
    },
    authority: tls.authority.certificate,
    close: async () => {
      await Promise.all([plain.close(), refused.close(), unanswered.close(), tls.close()]);
    },
  };
}

type FoundPeer = Extract<Peer, { path: string }>;

/** Plays every act through one gateway, one after another, and returns the lines that each of its logs gained. */
export async function playAll(gateway: RealGateway, stage: Stage): Promise<PlayedCase[]> {
  const peer = findPeer(gateway.peer);
  if ('missing' in peer) throw new Error(peer.missing);
  const folder = mkdtempSync(join(tmpdir(), `candor-real-logs-${gateway.name}-`));
  // Some gateways run as another user than root if they may.
  spawnSync('chmod', ['777', folder]);
  const around = { port: await freePort(), folder, program: peer.path, addresses: stage.addresses };
  writeFileSync(join(folder, 'authority.pem'), stage.authority);
  writeFileSync(join(folder, gateway.file), gateway.configuration(around));
  const children = [start(peer, peer.path, gateway.args(around), folder, 'output')];
  try {
    await startRest(gateway, around, children);
    const played: PlayedCase[] = [];
    for (const failureCase of failureCases.filter(({ origin }) => gateway.origins.includes(origin)))
      played.push(...(await playOne(gateway, failureCase, around)));
    return played;
  } finally {
    for (const child of children.toReversed()) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startRest(gateway: RealGateway, context: Surroundings, children: ChildProcess[]): Promise<void> {
  const { folder, port } = context;
  await listening(port, children[0] as ChildProcess, () => read(folder, 'output'));
  if (gateway.readers !== undefined) {
    const readers = findPeer(gateway.readers.peer);
    if ('missing' in readers) throw new Error(readers.missing);
    for (const { name, args, file } of gateway.readers.programs) {
      const origin = ['-n', join(folder, gateway.name)];
      children.push(start(readers, join(dirname(readers.path), name), [...origin, ...args], folder, file));
    }
  }
  // The first requests may come before a log reader runs; they belong to no act.
  for (let tries = 0; tries < 100 && gateway.logs.some(({ file }) => read(folder, file) === ''); tries++) {
    await ask(port, '/ok');
    await ask(port, '/refused/x');
    await sleep(50);
  }
}

async function playOne(
  gateway: RealGateway,
  failureCase: FailureCase,
  { port, folder }: Surroundings,
): Promise<PlayedCase[]> {
  const before = await untilQuiet(gateway, folder);
  await ask(port, `${pathOf(failureCase.origin)}${failureCase.path.slice(1)}`, failureCase.clientLeavesAfterMs);
  await untilChanged(gateway, folder, before);
  const after = await untilQuiet(gateway, folder);
  return gateway.logs.map((log, index) => ({
    failureCase,
    log,
    lines: (after[index] ?? '')
      .slice(before[index]?.length)
      .split('\n')
      .filter((line) => line !== ''),
  }));
}

/** Longer than any gateway here waits. */
const answerMsMax = 4000;

async function ask(port: number, target: string, leavesAfterMs?: number): Promise<void> {
  const client = new RawClient({ host: '127.0.0.1', port });
  client.write(`GET ${target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nUser-Agent: acts/1\r\n\r\n`);
  await client.waitFor(() => client.state !== 'open', leavesAfterMs ?? answerMsMax);
  client.close();
}

/** The logs of the gateway, once none has grown for a while. */
async function untilQuiet(gateway: RealGateway, folder: string): Promise<string[]> {
  let texts = textsOf(gateway, folder);
  for (let quiet = 0; quiet < 3; ) {
    await sleep(25);
    const now = textsOf(gateway, folder);
    quiet = now.join('') === texts.join('') ? quiet + 1 : 0;
    texts = now;
  }
  return texts;
}

/** Every log except those of failures gains a line for each request, within this time. */
const loggedMsMax = 3000;

async function untilChanged(gateway: RealGateway, folder: string, before: readonly string[]): Promise<void> {
  for (let waitedMs = 0; waitedMs < loggedMsMax; waitedMs += 25) {
    const now = textsOf(gateway, folder);
    if (gateway.logs.every(({ hasFailuresOnly }, index) => hasFailuresOnly === true || now[index] !== before[index]))
      return;
    await sleep(25);
  }
}

function textsOf({ logs }: RealGateway, folder: string): string[] {
  return logs.map(({ file }) => read(folder, file));
}

function read(folder: string, file: string): string {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function start(peer: FoundPeer, program: string, args: readonly string[], folder: string, file: string): ChildProcess {
  const output = openSync(join(folder, file), 'a');
  const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const env = { ...process.env, ...peer.env, ...home, LD_LIBRARY_PATH: librariesOf(peer) };
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', output, output] });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Varnish has its own libraries in its own folder, and finds them by itself only if it is installed. */
function librariesOf(peer: FoundPeer): string {
  const folders = (peer.env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders, ...folders.map((folder) => join(folder, 'varnish'))].join(delimiter);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(kill);
}
