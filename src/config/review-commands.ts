/** Commands in which a list has the whole command as one word, or a variable that only a shell would replace. */
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from './error-detail.ts';
import { itemPath } from './wanted-files.ts';

const shell = /(?:^|\/)(?:\w{0,3}sh|env|cmd|pwsh)(?:\.exe)?$/;
const portOfShell = /\$PORT\b|\$\{PORT\}|%PORT%/;

export function reviewCommands(draft: Draft, collector: ErrorCollector): void {
  for (const [name, { command }] of draft.applications) {
    const [program = '', ...more] = command;
    if (!shell.test(program) && more.some((word) => portOfShell.test(word)))
      collector.warnAtValue(
        ['applications', name, 'command'],
        'no shell runs, so that the program gets the name of the variable PORT, and not its value',
        'write {port} for the port of the application',
      );
    const at = itemPath(draft, ['applications', name, 'command'], 0);
    // A text has been split already: only in a list can a word have spaces.
    if (more.length > 0 || at.length !== 4 || !/^[^\s/]+\s+\S/.test(program)) continue;
    collector.warnAtValue(
      at,
      `${quoted(program)} is the name of one program with spaces, because it is one entry of a list`,
      `write [${program.trim().split(/\s+/).join(', ')}], or the command without brackets`,
    );
  }
}
