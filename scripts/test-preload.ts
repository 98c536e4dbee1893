import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Loaded before a test file, and before each thread that it starts. A gateway starts several threads for each test, so that a thread
// loads nothing else: each further module takes a millisecond of processor time.

/** Set for files that start gateways: the bundled modules that threads start from, by the modules of the source, as URLs in JSON. */
export const bundledThreadsVariable = 'CANDOR_TEST_THREADS';

const bundledThreads = process.env[bundledThreadsVariable];

if (isMainThread) await import('./test-cpu.ts');
else if (bundledThreads !== undefined) {
  // The threads of gateways that run in the process of a test are the bundled ones, which load in a third of the processor time.
  const bundled = JSON.parse(bundledThreads) as Readonly<Record<string, string>>;
  registerHooks({
    resolve: (specifier, context, next) => next(bundled[specifier] ?? specifier, context),
  });
}
