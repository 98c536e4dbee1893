import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';
import { loadCore } from './cores.ts';
import type { FixedRate } from './latency-summary.ts';
import { load } from './load.ts';
import { ask } from './processes.ts';
import type { Program } from './tools.ts';
import type { Work } from './works.ts';

interface Done {
  /** Completed requests, or messages that came back. */
  readonly done: number;
  readonly perSecond: number;
  /** A run with failures is no measurement. */
  readonly failures: number;
}

/** Sends the requests of a work repeatedly, from the core of the load. In 0 seconds it sends none. */
export async function drive(
  work: Work,
  port: number,
  seconds: number,
  tools: { readonly wrk: Program; readonly folder: string },
): Promise<Done> {
  if (seconds === 0) return { done: 0, perSecond: 0, failures: 0 };
  if (work.name === 'websocket') {
    const { messages } = await askClient<{ messages: number }>(['echo', String(port), String(seconds)]);
    return { done: messages, perSecond: messages / seconds, failures: messages === 0 ? 1 : 0 };
  }
  const place = { port, core: loadCore, seconds, folder: tools.folder };
  const { requests, perSecond, failures } = await load(tools.wrk, work, place);
  // A run without any response has failed too.
  return { done: requests, perSecond, failures: requests === 0 ? Math.max(1, failures) : failures };
}

/** The result line of `client.ts`. */
async function askClient<T>(words: readonly string[]): Promise<T> {
  const client = join(repositoryRoot, 'bench', 'client.ts');
  return JSON.parse(await ask(loadCore, [process.execPath, client, ...words], {})) as T;
}

const fixedRateConnections = 20;

/** Small GETs at a fixed rate, from the core of the load, on which the origin runs first. */
export async function askFixedRate(port: number, perSecond: number, seconds: number): Promise<FixedRate> {
  const program = join(repositoryRoot, 'bench', 'fixed-rate.ts');
  const words = [String(port), '/orders/1742', String(perSecond), String(seconds), String(fixedRateConnections)];
  return JSON.parse(await ask(loadCore, [process.execPath, program, ...words], {}, 'background')) as FixedRate;
}
