import { Session } from 'node:inspector';
import { until } from './start-from-yaml.ts';

/** Runs an expression in the worker with this number, as records have it. */
export function runInWorker(worker: number, expression: string): Promise<void> {
  const data = `process.getBuiltinModule('node:worker_threads').workerData`;
  return runInWorkers(`if (${data}?.worker === ${worker}) { ${expression} }`);
}

/**
 * Runs an expression in every worker thread of this process, through the debugger that Node has for them. Production
 * code has no door for this, and needs none.
 */
export async function runInWorkers(expression: string): Promise<void> {
  const session = new Session();
  session.connect();
  const ask = (method: string, parameters: object): Promise<void> =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error) => (error === null ? resolve() : reject(new Error(error.message))));
    });
  const attached: string[] = [];
  session.on('NodeWorker.attachedToWorker', ({ params }) => void attached.push(params.sessionId));
  await ask('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await until('a worker is there', () => attached.length > 0);
  for (const sessionId of attached) {
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
    await ask('NodeWorker.sendMessageToWorker', { sessionId, message });
  }
  await ask('NodeWorker.disable', {});
  session.disconnect();
}
