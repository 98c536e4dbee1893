import { parentPort, workerData } from 'node:worker_threads';
import type { OtlpInit, ToOtlp } from '../core/otlp-messages.ts';
import { flushCompiledLater } from '../system/compile-cache.ts';
import { systemClock, systemRandom } from '../system/system.ts';
import { OtlpExporter } from './exporter.ts';

/** The entry of the thread that exports over OTLP: passes messages to `OtlpExporter`, and its messages to the main thread. */
const port = parentPort;
if (port === null) throw new Error('otlp-main.ts runs in a thread of its own; the control plane starts it');

const exporter = new OtlpExporter(workerData as OtlpInit, systemClock, systemRandom, (message) =>
  port.postMessage(message),
);
port.on('message', (message: ToOtlp) => exporter.handle(message));
flushCompiledLater(systemClock);
