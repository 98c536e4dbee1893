/**
 * What a flood of passwords costs others: `npm run bench:passwords -- [seconds [pairs]]`. One client (127.0.0.1) sends 500 wrong passwords each second, each another
 * one, to a route with `basic`. Meanwhile users log in one after the other, six each second from addresses of their own, whose passwords have to be
 * checked; and a route without authentication is asked 200 times each second. Prints one line for calm and one for the flood, in pairs, until two of them were
 * not disturbed by other programs; then whether the flood costs no more than it may. Exits with 1 where it does, or where every pair was disturbed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argon2Sync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { argonOfNew, base64Of } from '../src/features/authentication/basic/password-hash.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { type FloodPair, judgeFlood } from './password-judgement.ts';
import { sampleMachine, whyNotQuiet } from './storms/machine.ts';

const seconds = Number(process.argv[2] ?? 10);
const pairsMax = Number(process.argv[3] ?? 4);
const pairsWanted = 2;
const port = Number(process.env['CANDOR_BENCH_PORT'] ?? 18_480);
const rates = { flood: 500, logins: 6, others: 200 };
const users = Array.from({ length: 2 * pairsMax * rates.logins * seconds }, (_, index) => `user${index}`);

function lineOf(name: string): string {
  const { memoryKib: memory, passes, parallelism, hashBytes: tagLength } = argonOfNew;
  const nonce = Buffer.from(name.padEnd(16, '.'));
  const hash = argon2Sync('argon2id', { message: `${name} knows`, nonce, memory, passes, parallelism, tagLength });
  return `${name}:$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64Of(nonce)}$${base64Of(hash)}`;
}

interface Answer {
  readonly status: number;
  readonly ms: number;
}

const agents = new Map<string, Agent>();

function ask(path: string, localAddress: string, credentials?: string): Promise<Answer> {
  const agent = agents.get(localAddress) ?? new Agent({ keepAlive: true, maxSockets: 64 });
  agents.set(localAddress, agent);
  const began = performance.now();
  const headers = credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` };
  return new Promise((resolve) => {
    const done = (status: number): void => resolve({ status, ms: performance.now() - began });
    const asked = request({ host: '127.0.0.1', port, path, localAddress, agent, headers }, (response) => {
      response.resume().on('end', () => done(response.statusCode ?? 0));
    });
    asked.on('error', () => done(0)).end();
  });
}

/** By how much each request was sent after it was due, in this phase. */
let lateMs: number[] = [];

/** Sends what is due by `perSecond` until the time is over; resolves with all answers. */
async function atRate(perSecond: number, send: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const began = performance.now();
  const answers: Promise<Answer>[] = [];
  for (let index = 0; index < perSecond * seconds; index++) {
    const dueIn = began + (index * 1000) / perSecond - performance.now();
    if (dueIn > 1) await sleep(dueIn);
    lateMs.push(performance.now() - began - (index * 1000) / perSecond);
    answers.push(send(index));
  }
  return Promise.all(answers);
}

function p99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
}

const p99Of = (answers: readonly Answer[]): number => p99(answers.map(({ ms }) => ms));

interface Phase {
  readonly disturbed: string | null;
  readonly loginsPerS: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Users of `part`, each of whom logs in from an address of its own. Checked passwords are remembered: no user logs in twice. */
async function measure(name: string, isFlooded: boolean, part: readonly string[]): Promise<Phase> {
  lateMs = [];
  const before = sampleMachine();
  const logins = Math.min(rates.logins, part.length / seconds);
  const [others, right, wrong] = await Promise.all([
    atRate(rates.others, () => ask('/open', '127.0.0.2')),
    atRate(logins, (index) => ask('/', `127.0.1.${index + 1}`, `${part[index]}:${part[index]} knows`)),
    isFlooded ? atRate(rates.flood, (index) => ask('/', '127.0.0.1', `user1:guess ${name} ${index}`)) : [],
  ]);
  const count = (answers: readonly Answer[], status: number): number =>
    answers.filter((answer) => answer.status === status).length;
  const disturbed = whyNotQuiet(before, sampleMachine(), p99(lateMs));
  const loginsPerS = count(right, 200) / seconds;
  console.log(
    `${name}: ${count(right, 200)} of ${right.length} logins (${loginsPerS.toFixed(1)}/s), p99 ${p99Of(right).toFixed(1)} ms; others ${count(others, 200)} of ${others.length}, p99 ${p99Of(others).toFixed(1)} ms; wrong passwords ${count(wrong, 401)} checked, ${count(wrong, 503)} turned away${disturbed === null ? '' : `; disturbed: ${disturbed}`}`,
  );
  const failed = others.length + right.length - count(others, 200) - count(right, 200);
  return { disturbed, loginsPerS, p99Ms: p99Of(others), failed };
}

const folder = mkdtempSync(join(tmpdir(), 'candor-passwords-'));
writeFileSync(join(folder, 'users'), `${users.map(lineOf).join('\n')}\n`, { mode: 0o600 });
writeFileSync(
  join(folder, 'candor.yaml'),
  `listeners: { http: "127.0.0.1:${port}" }
admin: { socket: none }
log: { path: none }
state: none
workers: 2
routes:
  - { path: /open, respond: { body: ok } }
  - { respond: { body: ok }, authentication: { basic: { users_file: users } } }
`,
);
const gateway = spawn(process.execPath, [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'], {
  cwd: folder,
  stdio: 'ignore',
});
try {
  while ((await ask('/open', '127.0.0.1')).status !== 200) await sleep(100);
  const each = rates.logins * seconds;
  const pairs: FloodPair[] = [];
  const usersOf = (phase: number): readonly string[] => users.slice(phase * each, (phase + 1) * each);
  while (pairs.length < pairsMax && pairs.filter(({ disturbed }) => disturbed === null).length < pairsWanted) {
    const calm = await measure('calm', false, usersOf(2 * pairs.length));
    const flood = await measure('flood', true, usersOf(2 * pairs.length + 1));
    pairs.push({
      ...{ disturbed: calm.disturbed ?? flood.disturbed, loginsPerS: flood.loginsPerS },
      ...{ calmP99Ms: calm.p99Ms, floodP99Ms: flood.p99Ms, failed: calm.failed + flood.failed },
    });
  }
  const { verdict, text } = judgeFlood(pairs);
  console.log(text);
  if (verdict !== 'met') process.exitCode = 1;
} finally {
  for (const agent of agents.values()) agent.destroy();
  gateway.kill('SIGTERM');
  await once(gateway, 'exit');
  rmSync(folder, { recursive: true });
}
