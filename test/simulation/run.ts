import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

/** `node test/simulation/run.ts --seed 42 --count 100 --exchanges 300 --endpoints h2 --retries hedges`: runs as many simulated hours as wanted. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '10' },
    exchanges: { type: 'string', default: '300' },
    endpoints: { type: 'string', default: 'http/1.1' },
    retries: { type: 'string' },
  },
});
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.count); seed++) {
  const { exchanges, ends, causes, hedged } = simulate(
    String(seed),
    Number(values.exchanges),
    values.endpoints === 'h2' ? 'h2' : 'http/1.1',
    values.retries === 'hedges' || values.retries === 'retries' ? values.retries : null,
  );
  console.log(`seed ${seed}: ${exchanges} exchanges`, ...(hedged > 0 ? [`${hedged} hedged`] : []), ends, causes);
}
