/**
 * Prints how many bytes V8 allocates for a small GET once everything is compiled: the minimum of some runs, since only
 * compiled code avoids unnecessary allocations.
 */
import { allocatedBy } from '../../bench/allocation-sites.ts';
import { startInMemoryGateway } from '../../bench/in-memory-gateway.ts';
import { SmallGets } from '../../bench/small-gets.ts';

const gets = new SmallGets(startInMemoryGateway(), 64);
gets.play(20_000);
const perRun = 1280;
const runs = Array.from({ length: 12 }, () => allocatedBy(() => void gets.play(perRun)) / perRun);
process.stdout.write(String(Math.round(Math.min(...runs))), () => process.exit(0));
