import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../scripts/repository.ts';
import type { InspectionRequest } from '../soak/inspector-server.ts';

/** What a gateway needs in its environment, so that its workers can be ended. */
export const losableEnvironment = (folder: string): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=${pathToFileURL(join(repositoryRoot, 'test/soak/inspector-server.ts')).href}`,
  CANDOR_SOAK_INSPECTOR: join(folder, 'inspector'),
});

/** Lets one of its workers end by an exception. */
export async function loseWorker(folder: string, pid: number): Promise<void> {
  const socket = connect(`${join(folder, 'inspector')}-${pid}`).resume();
  const expression = 'setTimeout(() => { throw new RangeError("on purpose") }, 0)';
  socket.write(`${JSON.stringify({ do: 'run', which: Math.random(), expression } satisfies InspectionRequest)}\n`);
  await once(socket, 'close');
}
