import { commandOfShell } from './commands.ts';
import { Conversion, nameLike, NotConvertible, type SourceFile } from './conversion.ts';
import { readVariables } from './variables.ts';
import { noteDependencies } from './known-services.ts';

/** Processes that are run by hand. */
const byHand = /^(?:console|shell|rake|test|debug|repl)$/;
const clocks = /^(?:clock|cron|scheduler|beat|celerybeat)$/;

/** A Procfile, as Heroku, foreman, hivemind and honcho read it. */
export async function readProcfile(file: SourceFile): Promise<Conversion> {
  const result = new Conversion();
  const main = nameLike(file.folder);
  const processes: { line: number; name: string; text: string }[] = [];
  for (const [index, written] of file.text.split(/\r?\n/).entries()) {
    const text = written.trim();
    if (text === '' || text.startsWith('#')) continue;
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(\S.*)$/.exec(text) ?? [];
    const line = index + 1;
    if (name === undefined || command === undefined) result.leftOut(line, 'it is no process: `name: command`');
    else if (processes.some((one) => one.name === name)) result.leftOut(line, `there is a process ${name} before it`);
    else processes.push({ line, name, text: command });
  }
  if (processes.length === 0) throw new NotConvertible(0, 'it has no process: `web: command` in a line');
  for (const one of processes) addProcess(one, main, file, result);
  if (result.applications.size === 0) throw new NotConvertible(0, 'it has no process that runs all the time');
  for (const name of result.applications.keys()) await addEnvironmentFile(name, file, result);
  noteDependencies(result);
  addRoutes(main, result);
  return result;
}

function addProcess(
  { line, name, text }: { line: number; name: string; text: string },
  main: string,
  file: SourceFile,
  result: Conversion,
): void {
  if (byHand.test(name))
    return result.leftOut(line, `${name} is run by hand: \`candor app shell ${main}\` has its environment`, main);
  const listens = name === 'web' || /\$PORT\b|\$\{PORT\b/.test(text);
  const { command, variables, port } = commandOfShell(text, listens);
  const id = name === 'web' || !listens ? main : nameLike(name);
  const application = result.application(id);
  if (file.directory !== '') application.directory = file.directory;
  for (const [variable, value] of variables) {
    result.setVariable(id, variable, value);
    if (name !== 'web' && !listens)
      result.changed(line, `${variable} was for ${name} alone, and is now for all programs of ${id}`, id);
  }
  if (listens) {
    application.command = command;
    const readsPort =
      port !== null || /\{port\}|\$PORT|\$\{PORT/.test(String(command)) || /\$PORT\b|\$\{PORT\b/.test(text);
    if (port !== null) result.changed(line, `each instance gets a port of its own in place of ${port}`, id);
    if (!readsPort) result.changed(line, 'it must listen on the port in PORT, or have {port} in its command', id);
  } else if (name === 'release') application.releases.before = command;
  else {
    application.workers[nameLike(name, 'worker')] = { command };
    if (clocks.test(name))
      result.changed(line, `${name} stays a worker; what it starts at fixed times can be \`jobs\` in its place`, id);
  }
}

/** foreman and its like read it; a platform has variables of its own. */
async function addEnvironmentFile(name: string, file: SourceFile, result: Conversion): Promise<void> {
  const text = await file.beside('.env');
  if (text === null) return;
  const { variables, unread } = readVariables(text);
  for (const { name: variable, value } of variables) if (variable !== 'PORT') result.setVariable(name, variable, value);
  for (const line of unread) result.leftOut(0, `line ${line} of .env is no \`NAME=value\``, name);
}

function addRoutes(main: string, result: Conversion): void {
  const served = [...result.applications].filter(([, { command }]) => command !== undefined).map(([name]) => name);
  if (served.length < 2) return;
  const first = served.includes(main) ? main : served[0]!;
  for (const name of served) {
    if (name === first) continue;
    result.routes.push({ host: `${name.toLowerCase()}.localhost`, to: name });
    result.changed(0, `requests for ${name.toLowerCase()}.localhost go to ${name}: write its own host there`, name);
  }
  result.routes.push({ to: first });
}
