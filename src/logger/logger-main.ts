import { parentPort, workerData } from 'node:worker_threads';
import type { LoggerInit, ToLogger } from '../core/logger-messages.ts';
import { flushCompiledLater } from '../system/compile-cache.ts';
import { systemClock } from '../system/system.ts';
import { Logger } from './logger.ts';

/** The entry of the thread of the log: passes messages to `Logger`, and its messages to the main thread. */
const port = parentPort;
if (port === null) throw new Error('logger-main.ts runs in a thread of its own; the control plane starts it');

const logger = new Logger(workerData as LoggerInit, systemClock, (message) => port.postMessage(message));
port.on('message', (message: ToLogger) => logger.handle(message));
flushCompiledLater(systemClock);
