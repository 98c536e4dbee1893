import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, type WorkerOptions } from 'node:worker_threads';

// Loaded before a test file, and before each thread that it starts from the source. Each module that a thread loads takes a millisecond of processor time.

/** Set for files that start gateways: the bundled modules that threads start from, by the modules of the source, as URLs in JSON. */
export const bundledThreadsVariable = 'CANDOR_TEST_THREADS';

const bundledThreads = process.env[bundledThreadsVariable];

if (isMainThread) {
  await import('./test-cpu.ts');
  if (bundledThreads !== undefined) startFromBundle(JSON.parse(bundledThreads) as Readonly<Record<string, string>>);
}

/**
 * The threads of gateways that run in the process of a test are the bundled ones, which load in a third of the processor time, and without this file: a gateway
 * starts several of them for each test.
 */
function startFromBundle(bundled: Readonly<Record<string, string>>): void {
  const { Worker } = threads;
  const files = new Set(Object.values(bundled));
  class BundledWorker extends Worker {
    constructor(module: string | URL, options?: WorkerOptions) {
      const file = bundled[String(module)] ?? String(module);
      const isBundled = files.has(file);
      super(isBundled ? new URL(file) : module, isBundled ? { ...options, execArgv: [] } : options);
    }
  }
  Object.assign(threads, { Worker: BundledWorker });
  syncBuiltinESMExports();
}
