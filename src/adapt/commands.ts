import { splitCommandLine } from '../schema/format/command-line.ts';
import type { Command } from './conversion.ts';

interface ReadCommand {
  readonly command: Command;
  /** Those before it: `NODE_ENV=production node server.js`. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** The port that was written in it, in the place of which `{port}` stands now. */
  readonly port: number | null;
  /** A shell runs it. */
  readonly isShell: boolean;
}

const portReference = /\$PORT\b|\$\{PORT(?::?-\d+)?\}/g;

/** What belongs to a shell: variables, substitutions, patterns and operators. */
const shellSigns = /[$`*?<>|;&()]|^\s*(?:cd|source|\.|export|if|for|while|test|\[)\s/;

/** A command for a shell, as a program with arguments where no shell is needed. `listens`: PORT is for it. */
export function commandOfShell(written: string, listens: boolean): ReadCommand {
  let text = scriptOf(written.trim());
  const variables: [string, string][] = [];
  const assignment = /^(?:env\s+)?([A-Za-z_]\w*)=("[^"$`\\]*"|'[^']*'|[^\s"'$`\\;&|<>]*)\s+(?=\S)/;
  for (let found = assignment.exec(text); found !== null; found = assignment.exec(text)) {
    const [whole, name = '', value = ''] = found;
    variables.push([name, value.replace(/^(["'])(.*)\1$/, '$2')]);
    text = text.slice(whole.length);
  }
  text = text.replace(/^exec\s+/, '');
  const found = listens ? withPort(text) : { text, port: null };
  const plain = listens ? found.text.replace(portReference, '{port}') : text;
  const unquoted = plain.replace(/'[^']*'|"[^"$`\\]*"/g, "''").replace(/\\./g, '');
  if (!shellSigns.test(unquoted.replaceAll('{port}', '0')) && splitCommandLine(plain).ok)
    return { command: escaped(plain), variables, port: found.port, isShell: false };
  const single = !/[;&|<>()]|^\s*(?:cd|source|\.|export|if|for|while)\s/.test(unquoted);
  const shell = found.port === null ? text : found.text;
  return {
    command: ['sh', '-c', escaped(single ? `exec ${shell}` : shell)],
    variables,
    port: found.port,
    isShell: true,
  };
}

/** What a shell is given in quotes: `bash -lc "exec rails s"`. */
function scriptOf(text: string): string {
  const [, quote, script] = /^(?:(?:\/usr)?\/bin\/)?(?:ba|da)?sh\s+-l?e?c\s+(["'])(.*)\1$/s.exec(text) ?? [];
  if (script === undefined || (quote === "'" ? /'/ : /(?<!\\)"/).test(script)) return text;
  return quote === "'" ? script : script.replace(/\\(["$`\\])/g, '$1');
}

/** A command that no shell has run: program and arguments. */
export function commandOfWords(words: readonly string[], listens: boolean): ReadCommand {
  const [shell = '', flag = '', script = '', ...rest] = words;
  if (/^(?:\/(?:usr\/)?bin\/)?(?:ba|da)?sh$/.test(shell) && /^-l?e?c$/.test(flag) && rest.length === 0)
    return commandOfShell(script, listens);
  const text = words.map(quotedWord).join(' ');
  const found = listens ? withPort(text) : { text, port: null };
  const again = splitCommandLine(found.text);
  const command = again.ok ? escaped(found.text) : words.map(escaped);
  return { command, variables: [], port: found.port, isShell: false };
}

/** Only what `splitCommandLine` reads as something else is put into quotes. */
export function quotedWord(word: string): string {
  if (/^[\w@%+=:,./{}~^-]+$/.test(word) && !/^[A-Za-z_]\w*=/.test(word)) return word;
  return word.includes("'") ? `"${word.replace(/["\\]/g, '\\$&')}"` : `'${word}'`;
}

/** `${` is a variable of Candor in a configuration, and `$${` is not. */
export function escaped(text: string): string {
  return text.replaceAll('${', () => '$${');
}

const portOption =
  /(?<=^|\s)((?:--(?:port|http-port|listen-port|server\.port)(?:=|\s+)|-p\s*|(?:--(?:bind|listen|addr|address|http|host|urls)(?:=|\s+)|-b\s*|-[HlS]\s+)(?:tcp:\/\/|http:\/\/)?(?:[\w.*]+|\[[\da-f:]+\])?:))(\d{2,5})(?=\s|$)/i;
const positionalPort =
  /^((?:\S*\/)?(?:python3?\s+\S*manage\.py\s+runserver|python3?\s+-m\s+http\.server)\s+(?:[\d.]+:)?)(\d{2,5})(?=\s|$)/;

function withPort(text: string): { text: string; port: number | null } {
  for (const pattern of [portOption, positionalPort]) {
    const [whole = '', before = '', digits = ''] = pattern.exec(text) ?? [];
    // `-p 4` of a test runner is no port.
    if (whole === '' || Number(digits) < 80 || Number(digits) > 65_535) continue;
    return { text: text.replace(pattern, `${before}{port}`), port: Number(digits) };
  }
  return { text, port: null };
}

const workerName =
  /(?:^|[-_])(?:workers?|queues?|consumers?|jobs?|sidekiq|celery|beat|scheduler|cron|mailer|horizon|resque|rq|bot|sync|indexer|listener)(?:$|[-_\d])/i;
const workerCommand =
  /(?:^|[\s/])(?:celery|sidekiq|good_job|solid_queue|rq worker|dramatiq|huey_consumer\S*|artisan (?:queue:|horizon|schedule:work)|bin\/jobs|jobs:work|resque:work)(?:\s|$|[a-z])/;

/** A program that answers no requests, by its name or its command. */
export function looksLikeWorker(name: string, command: Command): boolean {
  return workerName.test(name) || workerCommand.test(typeof command === 'string' ? command : command.join(' '));
}
