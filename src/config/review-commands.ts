import { basename } from 'node:path';
import { clause } from '../core/failure-table/formatting.ts';
import { lowerFirst } from '../core/first-letter.ts';
import { guessWords, type OtherProtocol, stepOfOtherProtocol } from '../core/guess-words.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import { itemPath } from './wanted-files.ts';

const shell = /(?:^|\/)(?:\w{0,3}sh|env|cmd|pwsh)(?:\.exe)?$/;
const portOfShell = /\$PORT\b|\$\{PORT\}|%PORT%/;

/** Programs that speak another protocol than HTTP to the server before them, with what to run or to put between. */
const otherProtocols: readonly (readonly [isOne: (command: readonly string[]) => boolean, OtherProtocol])[] = [
  [([program = '']) => /^(?:php-fpm[\d.]*|fcgiwrap|spawn-fcgi)$/.test(basename(program)), 'fastcgi'],
  [([program = '', ...words]) => /^php-cgi[\d.]*$/.test(basename(program)) && words.includes('-b'), 'fastcgi'],
  [
    ([program = '', ...words]) =>
      /^uwsgi(?:-core)?$/.test(basename(program)) &&
      words.some((word) => /^(?:-s|--socket|--uwsgi-socket)(?:=|$)/.test(word)) &&
      !words.some((word) => /^--https?(?:-socket)?(?:=|$)/.test(word)),
    'uwsgi',
  ],
];

/** Lists that have the whole command as one word, variables that only a shell would replace, and programs that do not speak HTTP. */
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
    const spoken = otherProtocols.find(([isOne]) => isOne(command))?.[1];
    if (spoken !== undefined) {
      const words = `${quoted(program)} speaks ${guessWords[spoken]} here, which Candor does not speak: the application never gets ready`;
      collector.warnAtValue(at, words, lowerFirst(clause(stepOfOtherProtocol[spoken])));
    }
    // A text has been split already: only in a list can a word have spaces.
    if (more.length > 0 || at.length !== 4 || !/^[^\s/]+\s+\S/.test(program)) continue;
    collector.warnAtValue(
      at,
      `${quoted(program)} is the name of one program with spaces, because it is one entry of a list`,
      `write [${program.trim().split(/\s+/).join(', ')}], or the command without brackets`,
    );
  }
}
