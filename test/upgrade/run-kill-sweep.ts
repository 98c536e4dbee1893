import { toolOptions } from '../tool-options.ts';
import { upgradeWithBlow, type Blow } from './kill-sweep.ts';

const usage = `usage: run-kill-sweep.ts [options]

Upgrades a gateway again and again, and has one of the two processes get a signal, each time a bit later after the birth of
the new one. In the end exactly one process must serve, with one application, and the next upgrade must succeed.

  --at <old|new|both>   who gets it (old)
  --signal <name>       (SIGKILL)
  --from <ms>           (0)
  --to <ms>             (500)
  --step <ms>           (20)
  --help

It ends with 0 where every promise was kept, 1 where one was not.

example: npm run soak:upgrade-kills -- --at new --to 1500 --step 50
`;

const options = toolOptions(usage, ['at', 'signal'], { from: 0, to: 500, step: 20 });
const { from, to, step, at = 'old', signal = 'SIGKILL' } = options;
let broken = 0;
for (let afterMs = from; afterMs <= to; afterMs += step) {
  const blown = await upgradeWithBlow({ at: at as Blow['at'], signal: signal as NodeJS.Signals, afterMs });
  const { serves, backMs, failed } = blown;
  if (blown.broken.length > 0 || (at === 'new' && failed.length > 0)) broken += 1;
  const who = serves === null ? 'no process serves, as expected' : `the ${serves} process serves after ${backMs} ms`;
  console.error(
    `${signal} to ${at} after ${afterMs} ms: ${who}${failed.length > 0 ? `; failed: ${failed.join()}` : ''}`,
  );
  for (const what of blown.broken) console.error(`  ${what}`);
}
console.error(broken === 0 ? 'every promise kept' : `${broken} times a promise was not kept`);
process.exitCode = broken === 0 ? 0 : 1;
