import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, needTwoCores } from './cores.ts';
import { candorGateway, type Gateway } from './gateways.ts';
import { residentWhileIdle } from './measure-memory.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { stop } from './processes.ts';
import { type ResidentParts, residentParts } from './resident-maps.ts';
import { runTool } from './run-tool.ts';
import { needNoOther, runFolder, startGateway, startOrigins } from './start-gateway.ts';
import { prepareTools } from './tools.ts';
import { settings } from './works.ts';

const usage = `usage: npm run bench:memory -- [options]

Where the resident memory of a gateway with idle connections is: pages of the
program, heaps of V8 by thread, malloc. Each connection has carried one request.

  --connections <n> (5000)
  --flags=<flags>   of Node and V8, in place of those of bin/candor
  --help

Exits with 1 if the measurement failed, and with 2 for a usage error.

example: npm run bench:memory -- --connections 64
`;

const asked = optionsOr(
  usage,
  { connections: { type: 'string', default: '5000' }, flags: { type: 'string', default: '' } },
  (values) => ({
    connections: wholeNumber(values.connections, '--connections'),
    nodeFlags: values.flags.split(' ').filter((word) => word !== ''),
  }),
);

await runTool(async () => {
  needTwoCores();
  await needNoOther();
  const folder = runFolder('memory');
  const tools = prepareTools(['candor'], folder, false);
  await startOrigins(tools.nginx, folder);
  const gateway = candorGateway(tools.candor, settings.plain, { nodeFlags: asked.nodeFlags });
  const probe = pathToFileURL(join(repositoryRoot, 'bench', 'heap-probe.mjs')).href;
  // The probe takes memory itself, so the sums are of a run without it.
  const bare = await run(gateway);
  const probed = await run({ ...gateway, env: { ...gateway.env, NODE_OPTIONS: `--import ${probe}` } });
  const { program, heaps, malloc, other } = bare.parts;
  line('resident', program + heaps + malloc + other, `${asked.connections} idle connections`);
  line('program', program, 'pages of Node and libraries');
  line('heaps', heaps, 'V8, all threads, with machine code');
  for (const { name, resident, used } of probed.heaps)
    line(`  ${name}`, resident, `${megabytes(used)} used; measured with a probe`);
  line('malloc', malloc, 'handles, compilation');
  line('other', other, 'stacks, shared memory');

  return 0;

  async function run(started: Gateway): Promise<{ parts: ResidentParts; heaps: readonly ThreadHeap[] }> {
    const own = join(folder, started.name);
    const pinned = await startGateway(started, gatewayCore, own);
    const measured = await residentWhileIdle(started, pinned, asked.connections, (pid) => ({
      parts: residentParts(readFileSync(`/proc/${pid}/smaps`, 'utf8')),
      heaps: lastHeaps(readFileSync(join(own, 'said.log'), 'utf8')),
    }));
    await stop(pinned);
    return measured;
  }
});

/** A heap of V8, in bytes. */
interface ThreadHeap {
  readonly name: string;
  readonly resident: number;
  readonly used: number;
}

/** The last that each thread has printed. */
function lastHeaps(said: string): ThreadHeap[] {
  const heaps = new Map<string, ThreadHeap>();
  for (const [, json = ''] of said.matchAll(/^heap-probe (\{.*\})$/gm)) {
    const heap = JSON.parse(json) as ThreadHeap;
    heaps.set(heap.name, heap);
  }
  return [...heaps.values()];
}

function line(name: string, bytes: number, note: string): void {
  console.log(`${name.padEnd(18)} ${megabytes(bytes).padStart(9)}  ${note}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
