import { parentPort, workerData } from 'node:worker_threads';
import type { StoreInit, ToStore } from '../core/store-messages.ts';
import { flushCompiledLater } from '../system/compile-cache.ts';
import { systemClock } from '../system/system.ts';
import { StoreWriter } from './store-writer.ts';

/** The entry of the thread of the store: passes messages to `StoreWriter`, and its messages to the main thread. */
const port = parentPort;
if (port === null) throw new Error('store-main.ts runs in a thread of its own; the control plane starts it');

const store = new StoreWriter(workerData as StoreInit, systemClock, (message) => port.postMessage(message));
port.on('message', (message: ToStore) => store.handle(message));
flushCompiledLater(systemClock);
