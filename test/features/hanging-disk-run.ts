import { lookup } from 'node:dns/promises';
import { open, openSync } from 'node:fs';
import { Deadlines } from '../../src/core/deadline.ts';
import type { FilterContext } from '../../src/core/filter.ts';
import { localSemaphoreSource } from '../../src/core/local-semaphore.ts';
import { PoolClasses } from '../../src/core/pool-classes.ts';
import { programFilter } from '../../src/features/fastcgi/worker-programs.ts';
import { ScriptFolder } from '../../src/features/fastcgi/worker-scripts.ts';
import { Disk } from '../../src/features/files/worker-disk.ts';
import { AnsweredTargets } from '../../src/policy/answered-targets.ts';
import { SeededRandom, SimulatedClock } from '../../src/testing/testing.ts';

const pipe = process.argv[2] ?? '';
const clock = new SimulatedClock();
const pool = new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, clock);
let begun = 0;

/** Hangs in its thread. */
function hang(): void {
  begun++;
  open(pipe, 'r', () => {});
}

const disk = new Disk(pool);
disk.noteDevice(1);
for (let asked = 0; asked < 10; asked++) disk.enter(hang);

const diskOfPrograms = new Disk(pool);
diskOfPrograms.noteDevice(2);
const root = '/srv/www';
const folder = new ScriptFolder(root, diskOfPrograms, clock, () => new Promise(hang));
const programs = programFilter(
  {
    ...{ root, index: 'index.php', split: '.php', frontController: null },
    ...{ variables: {}, remote: false, isBelow: false },
  },
  folder,
  { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1), answered: new AnsweredTargets() },
);
for (let asked = 0; asked < 10; asked++)
  programs.onRequestHead?.({ path: '', rewrittenPath: `/${asked}.php`, setState() {} } as unknown as FilterContext);

const { address } = await lookup('localhost');
const waiting = pool.ofDevice(1).waiting + pool.ofDevice(2).waiting;
const otherClass = pool.of('zlib').hasRoom;
process.stdout.write(JSON.stringify({ begun, waiting, lookedUp: address !== '', otherClass }), () => {
  openSync(pipe, 'r+'); // A writer: the threads go on, and the process can end.
  process.exit(0);
});
