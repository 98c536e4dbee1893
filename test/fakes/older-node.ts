import { join } from 'node:path';
import { candorMain } from '../program.ts';

const root = join(import.meta.dirname, '..', '..');

/**
 * Arguments for Node that start candor as an older Node does: as the child of one that passes signals on. What it passes
 * on comes a little late, as on a busy machine, so that it never falls together with the signal it is a copy of.
 */
export function asFromOlderNode(argv: readonly string[]): string[] {
  const launch = `
    const processes = require('child_process');
    const { spawn } = processes;
    processes.spawn = (...of) => {
      const child = spawn(...of);
      const kill = child.kill.bind(child);
      child.kill = (signal) => setTimeout(kill, 50, signal);
      return child;
    };
    const { runOn } = require(${JSON.stringify(join(root, 'bin', 'own-node.cjs'))});
    runOn(process.execPath, ${JSON.stringify(candorMain)}, process.argv.slice(1));`;
  return ['-e', launch, '--', ...argv];
}
