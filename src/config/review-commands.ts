/** Commands in which a list has the whole command as one word. */
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from './error-detail.ts';
import { itemPath } from './wanted-files.ts';

export function reviewCommands(draft: Draft, collector: ErrorCollector): void {
  for (const [name, { command }] of draft.applications) {
    const [program = '', ...more] = command;
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
