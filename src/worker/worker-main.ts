import { parentPort, resourceLimits, workerData } from 'node:worker_threads';
import { MemoryWatch } from './memory-watch.ts';
import type { FromWorker, ToWorker, WorkerInit } from '../core/worker-messages.ts';
import { flushCompiledLater } from '../system/compile-cache.ts';
import { ServingWorker } from './serving-worker.ts';
import { collectGarbage, memoryUse, systemClock, systemRandom } from '../system/system.ts';

/** The entry of a worker thread: passes messages to `ServingWorker`, and its messages to the main thread. */
const port = parentPort;
if (port === null) throw new Error('worker-main.ts runs in a worker thread; the control plane starts it');

const worker = new ServingWorker(workerData as WorkerInit, systemClock, systemRandom, (message) => {
  port.postMessage(message);
});

const { maxOldGenerationSizeMb } = resourceLimits;
if (maxOldGenerationSizeMb !== undefined) {
  const watch = new MemoryWatch({
    clock: systemClock,
    use: memoryUse,
    collect: collectGarbage,
    bytesMax: maxOldGenerationSizeMb * 1024 * 1024,
    onChange: (failure) => worker.setOverload(failure),
  });
  watch.begin();
}

// After an exception or process.exit the event loop runs once more, and would accept connections that cannot be served.
process.once('exit', () => {
  worker.closeSockets();
  // What it has counted since its last report. A thread that is terminated or has no memory left does not come here.
  worker.report();
});

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'prepare':
      void worker.prepare(message.snapshot, message.parts);
      break;
    case 'part':
      worker.addPart(message.revision, message.part);
      break;
    case 'activate':
      worker.activate(message.revision);
      break;
    case 'discard':
      worker.discard(message.revision);
      break;
    case 'delta':
      worker.applyDelta(message.delta);
      break;
    case 'overlay':
      worker.applyOverlay(message.overlay);
      break;
    case 'feature-states':
      worker.useFeatureStates(message.feature, message.states);
      break;
    case 'announce-close':
      worker.announceClose();
      break;
    case 'drain':
      worker.drain(message.plan);
      break;
    case 'force-close':
      worker.forceClose(message.atOnce);
      break;
    case 'end-tunnels':
      worker.endTunnelsOf(message.instance);
      break;
    case 'stand-in':
      worker.standIn(message.socket);
      break;
    case 'stand-down':
      worker.standDown(message.link);
      break;
    case 'report':
      worker.report();
      break;
    case 'ticket-key':
      worker.changeTicketKey(message.key);
      break;
    case 'managed-tls':
      worker.changeManagedTls(message.certificates, message.challenges);
      port.postMessage({ kind: 'managed-tls-applied', number: message.number } satisfies FromWorker);
      break;
    case 'ping':
      port.postMessage({ kind: 'pong' } satisfies FromWorker);
      break;
  }
});

port.postMessage({ kind: 'ready' } satisfies FromWorker);
// All workers have compiled the same.
if ((workerData as WorkerInit).workerIndex === 0) flushCompiledLater(systemClock);
