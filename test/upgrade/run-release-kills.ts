import { toolOptions } from '../tool-options.ts';
import { killDuringRollout, sweepMs } from './release-kill-sweep.ts';

const usage = `usage: npm run soak:release-kills [-- --from <ms> --to <ms> --step <ms>]

Deploys a release, kills the gateway (SIGKILL), each time a bit later after the deployment began, and starts it again. The release
that the journal has in force must run then: the old one or the new one, never neither.

  --from <ms>   (0)
  --to <ms>     (1000)
  --step <ms>   (${sweepMs})

It ends with 0 where it was so every time, 1 where it was not.

example: npm run soak:release-kills -- --to 400
`;

const { from, to, step } = toolOptions(usage, [], { from: 0, to: 1000, step: sweepMs });
let broken = 0;
for (let afterMs = from; afterMs <= to; afterMs += step) {
  const result = await killDuringRollout(afterMs).catch((error: unknown) => String(error));
  const isKept = typeof result !== 'string' && result.answer === result.wanted;
  if (!isKept) broken += 1;
  const what = typeof result === 'string' ? result : `${result.inForce} in force, "${result.answer}" answers`;
  console.error(`killed after ${afterMs} ms: ${what}${isKept ? '' : ', WRONG'}`);
}
console.error(broken === 0 ? 'one of the two releases ran every time' : `${broken} times none of the two releases ran`);
process.exitCode = broken === 0 ? 0 : 1;
