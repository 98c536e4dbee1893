import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread, threadName } from 'node:worker_threads';

/**
 * Loaded into each thread of a gateway by `--import`, for `latency.ts`: writes what libuv counts of the thread's event loop to
 * standard error, as one line per `everyMs`. `loop-lines.ts` reads them.
 */
const everyMs = 500;

setInterval(() => {
  const { loopCount, events } = performance.nodeTiming.uvMetricsInfo;
  const { active, idle } = performance.eventLoopUtilization();
  const line = { thread: isMainThread ? 'main' : threadName, loops: loopCount, events, activeMs: active, idleMs: idle };
  // process.stderr of a worker passes through the main thread, and would wake it.
  writeSync(2, `loop-probe ${JSON.stringify(line)}\n`);
}, everyMs).unref();
