export const workerEntry = 'worker/worker-main.ts';

/** The modules that threads start from, below `src/`: each becomes one file of a bundle, but for what only some configurations of the worker ask for. */
export const threadEntries: readonly string[] = [
  'cli/configuration-thread.ts',
  workerEntry,
  'logger/logger-main.ts',
  'store/store-main.ts',
  'otlp/otlp-main.ts',
];
