import { lookup } from 'node:dns/promises';
import { open, openSync } from 'node:fs';
import { localSemaphoreSource } from '../../src/core/local-semaphore.ts';
import { PoolClasses } from '../../src/core/pool-classes.ts';
import { Disk } from '../../src/features/files/worker-disk.ts';
import { SimulatedClock } from '../../src/testing/testing.ts';

const pipe = process.argv[2] ?? '';
const pool = new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, new SimulatedClock());
let begun = 0;
for (const device of [1, 2]) {
  const disk = new Disk(pool);
  disk.noteDevice(device);
  for (let asked = 0; asked < 10; asked++)
    disk.enter(() => {
      begun++;
      open(pipe, 'r', () => {}); // Hangs in its thread.
    });
}
const { address } = await lookup('localhost');
const waiting = pool.ofDevice(1).waiting + pool.ofDevice(2).waiting;
const otherClass = pool.of('zlib').hasRoom;
process.stdout.write(JSON.stringify({ begun, waiting, lookedUp: address !== '', otherClass }), () => {
  openSync(pipe, 'r+'); // A writer: the threads go on, and the process can end.
  process.exit(0);
});
