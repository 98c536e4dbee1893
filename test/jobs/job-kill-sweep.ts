import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobFact } from '../../src/features/jobs/main-history.ts';
import { candorProgram } from '../program.ts';

const timeoutMs = 120_000;

interface KilledAgain {
  /** Times that the programs were told they were due at, in their order. */
  readonly ran: readonly string[];
  /** Of the journal: times at which a run was claimed. */
  readonly claimed: readonly number[];
  /** Times that were due, and that the journal says nothing of. */
  readonly untold: readonly string[];
}

const server = `require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT, '127.0.0.1');`;
/** Says when it was due, in one write. */
const program = `require('node:fs').appendFileSync('ran', process.env.CANDOR_JOB_DUE_AT + '\\n');`;

/** Runs a gateway with a job that is due each second, kills it (SIGKILL) so long after its first run, starts it again, and so on. */
export async function killAgainAndAgain(afterMs: readonly number[]): Promise<KilledAgain> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-job-kill-'));
  const ranFile = join(folder, 'ran');
  const journalFile = join(folder, 'state', 'jobs', 'journal');
  let child: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const text = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  try {
    writeFileSync(join(folder, 'server.cjs'), server);
    writeFileSync(
      join(folder, 'candor.yaml'),
      `state: ./state\nworkers: 1\nlisteners: { http: "127.0.0.1:0" }\nadmin: { socket: ./admin.sock }\nlog: { path: none }\n` +
        `applications:\n  shop:\n    command: ["${process.execPath}", server.cjs]\n` +
        `    jobs: { tick: { command: ${JSON.stringify([process.execPath, '-e', program])}, schedule: "* * * * * *", overlap: allow } }\n` +
        `routes: [{ to: shop }]\n`,
    );
    for (const ms of [...afterMs, null]) {
      const before = text(ranFile).length;
      child = spawn(process.execPath, [candorProgram, 'up'], { cwd: folder, stdio: 'ignore' });
      const giveUpAt = Date.now() + timeoutMs;
      while (text(ranFile).length === before) {
        if (Date.now() > giveUpAt) throw new Error(`no run after ${timeoutMs} ms: ${text(journalFile).slice(-2000)}`);
        await sleep(20);
      }
      if (ms !== null) await sleep(ms);
      await end(ms === null ? 'SIGTERM' : 'SIGKILL');
    }
    return resultOf(text(ranFile), text(journalFile));
  } finally {
    await end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(ranText: string, journalText: string): KilledAgain {
  const ran = ranText.split('\n').slice(0, -1);
  const facts = journalText
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JobFact);
  const claimed = facts.flatMap((fact) => (fact.kind === 'started' ? (fact.tick ?? []) : []));
  const told = new Set([...claimed, ...facts.flatMap((fact) => (fact.kind === 'skipped' ? fact.tick : []))]);
  const missed = facts.flatMap((fact) => (fact.kind === 'missed' ? [fact] : []));
  const isTold = (at: number): boolean => told.has(at) || missed.some(({ first, last }) => first <= at && at <= last);
  const untold: string[] = [];
  for (let at = claimed[0] ?? 0; at <= (claimed.at(-1) ?? 0); at += 1000)
    if (!isTold(at)) untold.push(new Date(at).toISOString());
  return { ran, claimed, untold };
}
