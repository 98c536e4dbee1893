import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedProgram } from './programs.ts';

/** What brings a new version of the program into service. */
export interface DeployTarget {
  /** Where clients ask. */
  readonly port: number;
  /** Resolves when the deployment is over, with the moments at which instances became ready; empty: they are not known. */
  deploy(version: string): Promise<readonly number[]>;
  /** Replaces the gateway's own process; null: it cannot. */
  readonly upgrade: (() => Promise<void>) | null;
  stop(): Promise<void>;
}

/** Starts a target with the version `v0` in an empty folder. */
export type TargetStart = (folder: string, program: DeployedProgram) => Promise<DeployTarget>;

/** Resolves when it holds; an error means that it does not. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const giveUpAt = Date.now() + timeoutMs; Date.now() < giveUpAt; await sleep(50))
    if (await holds().catch(() => false)) return;
  throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
}

export async function untilAnswers(port: number): Promise<void> {
  await until(`port ${port} answers`, async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);
}
