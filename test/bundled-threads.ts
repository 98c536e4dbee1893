import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { threadEntries } from '../scripts/bundle-entries.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { testBundleVariable } from './program.ts';

// Loaded before a test file, and before each thread that it starts: the threads of gateways that run in the process of a test
// are the bundled ones, which load in a third of the processor time.

const bundle = process.env[testBundleVariable];

if (!isMainThread && bundle !== undefined) {
  const bundled = new Map(
    threadEntries.map((entry) => [
      pathToFileURL(join(repositoryRoot, 'src', entry)).href,
      pathToFileURL(join(bundle, 'dist', entry.replace(/\.ts$/, '.js'))).href,
    ]),
  );
  registerHooks({
    resolve: (specifier, context, next) => next(bundled.get(specifier) ?? specifier, context),
  });
}
