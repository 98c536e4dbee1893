import { writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { isMainThread, threadName } from 'node:worker_threads';

// Loaded before a gateway (`--import`): each of its threads prints every second which memory its heap has. JavaScript, because
// the compiler of TypeScript would take some 4 MB of each thread.
const name = isMainThread ? 'main' : threadName;
setInterval(() => {
  const { total_physical_size: resident, used_heap_size: used } = getHeapStatistics();
  writeSync(2, `heap-probe ${JSON.stringify({ name, resident, used })}\n`);
}, 1000).unref();
