import { Session } from 'node:inspector';
import { until } from './start-from-yaml.ts';

/** An expression that hangs a worker: no turn of its event loop comes any more. Unlike a loop, it leaves the processor to the other tests. */
export const hangs = 'setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 0)';

/** Runs an expression in the worker with this number, as the records number workers. */
export function runInWorker(worker: number, expression: string): Promise<void> {
  const data = `process.getBuiltinModule('node:worker_threads').workerData`;
  return runInWorkers(`if (${data}?.worker === ${worker}) { ${expression} }`);
}

/**
 * Runs an expression in every worker thread of this process, through Node's debugger. Production code has no interface
 * for this, and needs none.
 */
export async function runInWorkers(expression: string, name = /^candor worker/): Promise<void> {
  const session = new Session();
  session.connect();
  const ask = (method: string, parameters: object): Promise<void> =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error) => (error === null ? resolve() : reject(new Error(error.message))));
    });
  const attached: string[] = [];
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    if (name.test(params.workerInfo.title.replace(/^\[worker \d+\] /, ''))) attached.push(params.sessionId);
  });
  await ask('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await until('the worker has started', () => attached.length > 0);
  for (const sessionId of attached) {
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
    await ask('NodeWorker.sendMessageToWorker', { sessionId, message });
  }
  await ask('NodeWorker.disable', {});
  session.disconnect();
}
