import { candorProgram } from '../program.ts';

/**
 * Arguments for Node that start candor as npm does: as the child of a process that passes signals on. What it passes on comes a little late,
 * as on a busy machine, so that it never falls together with the signal it is a copy of.
 */
export function asUnderNpm(argv: readonly string[]): string[] {
  const launch = `
    const child = require('child_process').spawn(process.execPath, [${JSON.stringify(candorProgram)}, ...process.argv.slice(1)], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => setTimeout(() => child.kill(signal), 50));
    child.on('exit', (code) => process.exit(code));`;
  return ['-e', launch, '--', ...argv];
}
