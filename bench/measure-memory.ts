import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, loadCore } from './cores.ts';
import { candorGateway, type Gateway, type GatewayName } from './gateways.ts';
import { type Pinned, residentBytes, stop } from './processes.ts';
import type { Memory } from './report.ts';
import { startGateway, factoryOf } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { settings } from './works.ts';

/** Resident memory with idle connections, of a gateway that has just started. */
export async function measureMemory(tools: Tools, say: (line: string) => void): Promise<Memory[]> {
  const memory: Memory[] = [];
  for (const gateway of tools.factories.keys()) {
    // A log that is written takes the same memory whether it is rotated or not.
    if (gateway === 'candor-no-rotation' || gateway === 'candor-no-log') continue;
    for (const workers of gateway === 'candor' ? [1, 2] : [1]) {
      for (const connections of [64, 5000]) {
        memory.push({
          gateway,
          workers,
          connections,
          residentBytes: await measureIdle(gateway, workers, connections, tools),
        });
        say(`memory of ${gateway} with ${connections} connections`);
      }
    }
  }
  return memory;
}

async function measureIdle(name: GatewayName, workers: number, connections: number, tools: Tools): Promise<number> {
  const gateway =
    name === 'candor'
      ? candorGateway(tools.candor, settings.plain, { workers })
      : factoryOf(tools, name)(settings.plain);
  const pinned = await startGateway(gateway, gatewayCore, join(tools.folder, gateway.name));
  const bytes = await residentWhileIdle(gateway, pinned, connections, residentBytes);
  await stop(pinned);
  return bytes;
}

/** Each connection carries one request, and is then idle when `measure` is called. */
export async function residentWhileIdle<T>(
  gateway: Gateway,
  pinned: Pinned,
  connections: number,
  measure: (pid: number) => T,
): Promise<T> {
  const words = [join(repositoryRoot, 'bench', 'client.ts'), 'idle', String(gateway.port), String(connections)];
  const client = spawn('taskset', ['-c', String(loadCore), process.execPath, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(client, 'close');
  const [first] = (await Promise.race([once(client.stdout, 'data'), ended])) as [unknown];
  if (!Buffer.isBuffer(first)) throw new Error(`${gateway.name} did not take ${connections} connections`);
  // Memory that a garbage collection frees is returned within seconds of idleness.
  await sleep(3000);
  const measured = measure(pinned.pid);
  client.stdin.end();
  await ended;
  return measured;
}
