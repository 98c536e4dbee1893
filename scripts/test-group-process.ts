import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './repository.ts';
import { cpuMs, noteFileCpu } from './test-cpu.ts';

// Runs the test files of its arguments one after another. Each is a test with the file's path as its name; the tests of the
// file are subtests of it, so that its hooks are called for them alone. A test outside of suites begins as soon as it is declared: what it
// uses stands above it.

for (const path of process.argv.slice(2)) {
  void test(path, async (context) => {
    const [before, cpuBefore] = [sharedState(), cpuMs()];
    await import(pathToFileURL(resolve(repositoryRoot, path)).href);
    // Called after the file's own hooks.
    context.after(() => {
      noteFileCpu(path, cpuMs() - cpuBefore);
      assert.deepEqual(sharedState(), before, 'the file changed what all files of its process use');
    });
  });
}

/** What the files of a process have in common, and must leave as it was. */
function sharedState(): object {
  return {
    environment: { ...process.env },
    folder: process.cwd(),
    exitCode: process.exitCode,
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    time: [
      Date,
      Date.now,
      setTimeout,
      setInterval,
      setImmediate,
      queueMicrotask,
      Reflect.get(performance, 'now'),
      Math.random,
    ],
  };
}
