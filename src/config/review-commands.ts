import { basename } from 'node:path';
import { clause } from '#failures/failure-table/formatting.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import { guessWords, type OtherProtocol, stepOfOtherProtocol } from '#failures/guess-words.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import { isPort } from './nearest.ts';
import { itemPath } from './wanted-files.ts';
import { restartDelayMsMax } from '../core/restart-delay.ts';
import { defaults } from './defaults.ts';
import { ms } from '../schema/fallback.ts';
import type { Path } from '../schema/findings.ts';

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
  for (const [name, { command = [], environment = {}, protocol, workers = {} }] of draft.applications) {
    for (const [worker, own] of Object.entries(workers))
      reviewProgramName(draft, ['applications', name, 'workers', worker, 'command'], own.command, collector);
    if (command.length === 0) continue;
    const [program = '', ...more] = command;
    if (!shell.test(program) && more.some((word) => portOfShell.test(word)))
      collector.warnAtValue(
        ['applications', name, 'command'],
        'no shell runs, so that the program gets the name of the variable PORT, and not its value',
        'write {port} for the port of the application',
      );
    reviewBraces(name, command, environment, collector);
    const at = itemPath(draft, ['applications', name, 'command'], 0);
    const spoken = otherProtocols.find(([isOne]) => isOne(command))?.[1];
    if (spoken !== undefined && spoken !== protocol) {
      const words = `${quoted(program)} speaks ${guessWords[spoken]} here, and not HTTP: the application never gets ready`;
      collector.warnAtValue(at, words, lowerFirst(clause(stepOfOtherProtocol[spoken])));
    }
    reviewProgramName(draft, ['applications', name, 'command'], command, collector);
  }
}

/** A text has been split already: only in a list can a word have spaces. */
function reviewProgramName(
  draft: Draft,
  path: Path,
  [program = '', ...more]: readonly string[],
  collector: ErrorCollector,
): void {
  const at = itemPath(draft, path, 0);
  if (more.length > 0 || at.length === path.length || !/^[^\s/]+\s+\S/.test(program)) return;
  collector.warnAtValue(
    at,
    `${quoted(program)} is the name of one program with spaces, because it is one entry of a list`,
    `write [${program.trim().split(/\s+/).join(', ')}], or the command without brackets`,
  );
}

/** A word in braces, however many of them. */
const bracedWord = /(?<![${])\{+\s*([\w.-]{1,20})\s*\}+/g;

/** Only `{port}` is replaced: what was meant to be it reaches the program as it is. */
function reviewBraces(
  name: string,
  command: readonly string[],
  environment: Readonly<Record<string, unknown>>,
  collector: ErrorCollector,
): void {
  const [inCommand] = command.flatMap(misspelledPorts);
  const write = 'write {port} for the port of the application';
  if (inCommand !== undefined)
    collector.warnAtValue(
      ['applications', name, 'command'],
      inCommand.includes('{port}')
        ? `of ${inCommand} only {port} is replaced, and the other braces stay`
        : `${inCommand} is passed on as it is`,
      write,
    );
  // Values of variables are hidden, and are not repeated.
  for (const [variable, value] of Object.entries(environment))
    if (misspelledPorts(String(value)).length > 0)
      collector.warnAtValue(
        ['applications', name, 'environment', variable],
        'only {port} is replaced here, and other words and braces are passed on as they are',
        write,
      );
}

function misspelledPorts(text: string): readonly string[] {
  const words = [...text.matchAll(bracedWord)].filter(({ 0: all, 1: word = '' }) => all !== '{port}' && isPort(word));
  return words.map(([all]) => all);
}

/** Restarts that take longer than requests wait for them. */

export function reviewRestarts(draft: Draft, collector: ErrorCollector): void {
  for (const [name, { restart, instances, when_none_ready }] of draft.applications) {
    const path: Path = ['applications', name];
    const firstMs = ms(restart?.first_delay, defaults.restart.firstDelay);
    const maxMs = ms(restart?.max_delay, defaults.restart.maxDelay);
    if (restart?.first_delay !== undefined && firstMs > maxMs) {
      collector.warnAtKey(
        [...path, 'restart', 'first_delay'],
        `no delay is so long: "max_delay" is shorter (${defaults.restart.maxDelay.written} without one)`,
        'make "max_delay" longer, or this shorter',
      );
    }
    if (instances === 'per_core' || (instances ?? 1) > 1 || when_none_ready?.wait === null) continue;
    const waitMs = ms(when_none_ready?.wait, defaults.whenNoneReady.wait);
    const longestMs = restartDelayMsMax({ failures: Number.MAX_SAFE_INTEGER, failedStarts: 0 }, { firstMs, maxMs });
    if (longestMs < waitMs) continue;
    const isFirst = restart?.first_delay !== undefined && firstMs >= waitMs;
    const key: Path = isFirst ? ['restart', 'first_delay'] : ['when_none_ready', 'wait'];
    collector.warnAtKey(
      [...path, ...key],
      `its only instance may start again ${longestMs / 1000} s after it ended, and requests wait ${waitMs / 1000} s for it (when_none_ready.wait): those that come meanwhile may fail`,
      isFirst ? 'make it shorter, or have two instances' : 'make it longer, or have two instances',
    );
  }
}
