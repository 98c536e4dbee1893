import { commandOfShell, escaped, looksLikeWorker, quotedWord } from './commands.ts';
import {
  type AdaptedApplication,
  Conversion,
  nameLike,
  NotConvertible,
  pathIn,
  type SourceFile,
} from './conversion.ts';
import { noteDependencies } from './known-services.ts';
import {
  inside,
  isFalse,
  isTrue,
  itemsOf,
  type Located,
  mapOf,
  numberOf,
  textOf,
  textsOf,
  type LocatedMap,
} from './located.ts';
import { durationText, sizeOf } from './units.ts';
import { readVariables } from './variables.ts';

/** An ecosystem file of pm2: JavaScript, JSON or YAML. */
export async function readEcosystem(file: SourceFile): Promise<Conversion> {
  const isScript = /\.[cm]?[jt]s$/.test(file.name);
  const root = isScript
    ? (await import('./read-script.ts')).readScript(file.text)
    : (await import('./read-yaml.ts')).readYaml(file.text);
  const result = new Conversion();
  const apps = root.kind === 'map' && root.entries.has('apps') ? root.entries.get('apps') : root;
  const programs = itemsOf(apps).filter((one) => {
    if (one.kind === 'computed') result.leftOut(one.line, `${one.text}: it is known only when the file runs`);
    return one.kind === 'map' && (one.entries.has('script') || one.entries.has('cmd'));
  });
  if (programs.length === 0) throw new NotConvertible(0, 'it has no `apps` with a `script`');
  const deploy = mapOf(root).entries.get('deploy');
  if (deploy !== undefined)
    result.leftOut(deploy.line, 'deploy: `candor deploy` makes releases of a folder or a git revision');
  const read = programs.map((one, index) => new Pm2Program(mapOf(one), index));
  const webs = read.filter(({ isWorker, isJob }) => !isWorker && !isJob);
  for (const one of [...webs, ...read.filter((program) => !webs.includes(program))]) {
    const owner = webs.find(({ cwd }) => cwd === one.cwd) ?? null;
    await addProgram(one, owner, file, result);
  }
  addServed(webs, result);
  noteDependencies(result);
  return result;
}

class Pm2Program {
  readonly line: number;
  readonly map: LocatedMap;
  readonly name: string;
  readonly cwd: string;
  readonly isWorker: boolean;
  readonly isJob: boolean;
  readonly port: number | null;
  /** Whether a variable names it, if only one that is computed. */
  readonly hasPort: boolean;

  constructor(map: LocatedMap, index: number) {
    this.map = map;
    this.line = map.line;
    const script = textOf(this.get('script', 'cmd')) ?? '';
    const plain = script.replace(/^.*\//, '').replace(/\.\w+$/, '');
    this.name = nameLike(textOf(this.get('name')) ?? plain, `app-${index + 1}`);
    this.cwd = textOf(this.get('cwd')) ?? '';
    this.port =
      numberOf(inside(map, 'env_production', 'PORT')) ??
      numberOf(inside(map, 'env', 'PORT')) ??
      numberOf(this.get('port'));
    const hasPort =
      inside(map, 'env', 'PORT') !== undefined ||
      inside(map, 'env_production', 'PORT') !== undefined ||
      this.port !== null;
    this.isJob = isFalse(this.get('autorestart')) && this.get('cron_restart', 'cron') !== undefined;
    this.hasPort = hasPort;
    const command = [script, ...textsOf(this.get('args'))];
    this.isWorker =
      !hasPort && !this.isJob && looksLikeWorker(this.name, command) && textOf(this.get('exec_mode')) !== 'cluster';
  }

  get(...names: readonly string[]): Located | undefined {
    for (const name of names) {
      const found = this.map.entries.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

async function addProgram(
  program: Pm2Program,
  owner: Pm2Program | null,
  file: SourceFile,
  result: Conversion,
): Promise<void> {
  const isPart = program.isWorker || program.isJob;
  const id = isPart && owner !== null ? owner.name : program.name;
  const application = result.application(id);
  const directory = directoryOf(program.cwd, file);
  if (directory !== '') application.directory = directory;
  const command = commandOf(program, id, result);
  if (command === null) return;
  const { port } = command;
  const instances = isPart ? null : instancesOf(program, id, result);
  if (program.isJob) {
    const schedule = textOf(program.get('cron_restart', 'cron'));
    application.jobs[owner === null ? 'run' : program.name] = {
      command: command.command,
      ...(schedule === null ? {} : { schedule }),
    };
  } else if (program.isWorker) {
    const count = numberOf(program.get('instances'));
    application.workers[owner === null ? 'main' : program.name] = {
      command: command.command,
      ...(count === null || count < 2 ? {} : { instances: count }),
    };
    if (owner === null)
      result.changed(
        program.line,
        `${id} looks like a program without a port: a worker. If it answers requests, make it the command`,
        id,
      );
  } else {
    application.command = command.command;
    if (instances !== null) application.instances = instances;
    if (port === null && !program.hasPort && !/\{port\}|\$PORT/.test(String(command.command)))
      result.changed(program.line, 'it must listen on the port in PORT, or have {port} in its command', id);
  }
  const part = owner === null ? null : partOf(program, application);
  await addVariables(program, id, part, file, result);
  if (!(isPart && owner !== null)) addSettings(program, id, application, result);
  else noteOwnSettings(program, id, result);
}

function directoryOf(cwd: string, file: SourceFile): string {
  return pathIn(file.directory, cwd.replace(/^\$\{PWD\}/, '.'));
}

const interpreters: Readonly<Record<string, string>> = {
  js: 'node',
  mjs: 'node',
  cjs: 'node',
  ts: 'node',
  py: 'python3',
  rb: 'ruby',
  php: 'php',
  sh: 'bash',
  pl: 'perl',
};

function commandOf(program: Pm2Program, id: string, result: Conversion) {
  const script = program.get('script', 'cmd');
  const text = textOf(script);
  if (text === null) {
    const why =
      script?.kind === 'computed' ? `script: ${script.text} is known only when the file runs` : 'its script is no text';
    result.leftOut(script?.line ?? program.line, `${id}: ${why}`, id);
    return null;
  }
  const parts: string[] = [];
  const interpreter = textOf(program.get('interpreter', 'exec_interpreter'));
  const ending = /\.(\w+)$/.exec(text)?.[1] ?? '';
  const runner =
    interpreter === 'none' ? undefined : (interpreter ?? (/\s/.test(text) ? undefined : interpreters[ending]));
  const options = program.get('node_args', 'interpreter_args');
  if (runner !== undefined) parts.push(runner, ...wordsOf(options));
  // A name without an ending is a program (`npm`); with a folder it is a file.
  parts.push(/^\S+$/.test(text) ? quotedWord(text.replace(/^\.\/(?=.)/, runner === undefined ? './' : '')) : text);
  parts.push(...wordsOf(program.get('args')));
  const args = program.get('args');
  for (const one of [args, options])
    if (one?.kind === 'computed') result.leftOut(one.line, `${one.text}: it is known only when the file runs`, id);
  return commandOfShell(parts.join(' '), !program.isWorker && !program.isJob);
}

/** A text is words already; of a list each is one. */
function wordsOf(value: Located | undefined): readonly string[] {
  if (value?.kind === 'list') return value.items.flatMap((one) => textOf(one) ?? []).map(quotedWord);
  const text = textOf(value);
  return text === null ? [] : [text];
}

function instancesOf(program: Pm2Program, id: string, result: Conversion): number | 'per_core' | null {
  const value = program.get('instances');
  if (value === undefined) return null;
  const number = numberOf(value);
  if (textOf(value) === 'max' || number === 0) return 'per_core';
  if (number !== null && number > 0) return number;
  if (number !== null) {
    result.changed(value.line, `instances: ${number} (all cores but some) is per_core now`, id);
    return 'per_core';
  }
  result.leftOut(value.line, `instances: ${described(value)}`, id);
  return null;
}

function described(value: Located): string {
  if (value.kind === 'computed') return `${value.text} is known only when the file runs`;
  return value.kind === 'scalar' ? String(value.value) : `a ${value.kind}`;
}

type Part = AdaptedApplication['workers'][string] | AdaptedApplication['jobs'][string];

/** Null: the program is the application itself. */
function partOf({ name, isJob, isWorker }: Pm2Program, { workers, jobs }: AdaptedApplication): Part | null {
  return (isJob ? jobs[name] : isWorker ? workers[name] : undefined) ?? null;
}

async function addVariables(
  program: Pm2Program,
  id: string,
  part: Part | null,
  file: SourceFile,
  result: Conversion,
): Promise<void> {
  const envFile = program.get('env_file');
  const path = textOf(envFile);
  if (path !== null) {
    const text = await file.beside(path);
    if (text === null)
      result.leftOut(
        envFile!.line,
        `${path} cannot be read: \`candor secret import ${path} --application ${id}\` takes its variables`,
        id,
      );
    else
      for (const { name, value } of readVariables(text).variables)
        if (name !== 'PORT') result.setVariable(id, name, value, part);
  }
  for (const key of ['env', 'env_production']) {
    const environment = program.get(key);
    if (environment === undefined) continue;
    if (environment.kind === 'computed') result.leftOut(environment.line, `${key}: ${described(environment)}`, id);
    for (const [name, value] of mapOf(environment).entries) {
      if (name === 'PORT' && (numberOf(value) !== null || value.kind === 'computed')) continue;
      if (value.kind !== 'scalar' || value.value === null) {
        const isSecret = result.application(id).secrets.includes(name);
        if (!isSecret)
          result.leftOut(value.line, name.startsWith('…') ? described(value) : `${name}: ${described(value)}`, id);
        continue;
      }
      result.setVariable(id, name, withVariables(String(value.value)), part);
    }
  }
  for (const [key, value] of program.map.entries)
    if (/^env_(?!production$|file$)/.test(key))
      result.leftOut(value.line, `${key}: it is for another environment than production`, id);
}

/** The reader of scripts writes variables of the environment as a configuration does. */
function withVariables(text: string): string {
  const whole = /^\$\{(\w+)(:-[^}]*)?\}$/.exec(text);
  if (whole === null) return escaped(text);
  return whole[2] === undefined ? `\${${whole[1]}:-}` : text;
}

type Apply = (value: Located, application: AdaptedApplication) => boolean;

const milliseconds =
  (set: (application: AdaptedApplication, text: string) => void): Apply =>
  (value, application) => {
    const ms = numberOf(value);
    const text = ms === null ? null : durationText(ms);
    if (text !== null) set(application, text);
    return text !== null || ms === 0;
  };

const settings: Readonly<Record<string, Apply>> = {
  max_memory_restart: (value, one) => {
    const size = sizeOf(textOf(value) ?? '');
    if (size !== null) one.limits.memory = size;
    return size !== null;
  },
  kill_timeout: milliseconds((one, text) => (one.stop_timeout = text)),
  listen_timeout: milliseconds((one, text) => (one.readiness = { ...one.readiness, start_timeout: text })),
  restart_delay: milliseconds((one, text) => (one.restart.first_delay = text)),
  exp_backoff_restart_delay: milliseconds((one, text) => (one.restart.first_delay = text)),
  min_uptime: (value, one) => {
    const [, digits, unit = ''] = /^(\d+)(s|m|h)?$/.exec(textOf(value) ?? '') ?? [];
    const text =
      digits === undefined ? null : durationText(Number(digits) * ({ s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1));
    if (text !== null) one.restart.reset_after = text;
    return text !== null;
  },
  uid: (value, one) => {
    const user = textOf(value);
    if (user === null || /^\d+$/.test(user)) return false;
    one.user = user;
    return true;
  },
  user: (value, one) => settings['uid']!(value, one),
};

const silent =
  /^(?:name|script|cmd|args|cwd|interpreter|exec_interpreter|node_args|interpreter_args|instances|env\w*|port|merge_logs|combine_logs|time|autorestart|source_map_support|instance_var|namespace|vizion|disable_source_map_support)$/;

const advice: Readonly<Record<string, string>> = {
  watch: 'a change of files starts nothing: `candor deploy` or `candor restart` does',
  ignore_watch: 'a change of files starts nothing',
  watch_delay: 'a change of files starts nothing',
  watch_options: 'a change of files starts nothing',
  wait_ready: 'Candor finds out by `readiness` when an instance is ready, and not by process.send',
  shutdown_with_message: 'Candor sends SIGTERM',
  max_restarts: 'Candor goes on to restart, with longer and longer pauses, and says so',
  stop_exit_codes: 'Candor restarts a program with any exit code',
  cron_restart: 'a program that runs all the time is not restarted by a clock',
  increment_var: 'each instance gets a port of its own',
  error_file: 'Candor keeps what the program prints: `candor logs`',
  err_file: 'Candor keeps what the program prints: `candor logs`',
  out_file: 'Candor keeps what the program prints: `candor logs`',
  output: 'Candor keeps what the program prints: `candor logs`',
  error: 'Candor keeps what the program prints: `candor logs`',
  log_file: 'Candor keeps what the program prints: `candor logs`',
  log: 'Candor keeps what the program prints: `candor logs`',
  pid_file: 'Candor runs programs in the foreground',
  log_date_format: 'lines of output have a time',
  gid: 'an application has the groups of its user',
  post_update: 'name it under `releases.build`',
};

function addSettings(program: Pm2Program, id: string, application: AdaptedApplication, result: Conversion): void {
  for (const [key, value] of program.map.entries) {
    if (key === 'exec_mode') {
      if (textOf(value) === 'cluster')
        result.changed(
          value.line,
          'exec_mode: each instance is a process with a port of its own, and the gateway divides requests among them',
          id,
        );
    } else if (key === 'autorestart') {
      if (isFalse(value) && !program.isJob)
        result.leftOut(value.line, 'autorestart: false: Candor restarts what ends', id);
    } else if (key === 'cron_restart' && program.isJob) continue;
    else if (/^(?:watch|wait_ready|shutdown_with_message)$/.test(key) && isFalse(value)) continue;
    else if (!silent.test(key) && settings[key]?.(value, application) !== true)
      result.leftOut(
        value.line,
        `${/^…/.test(key) ? '' : `${key}: `}${advice[key] ?? (value.kind === 'computed' ? described(value) : 'an application has nothing like it')}`,
        id,
      );
    if (key === 'max_memory_restart')
      result.changed(value.line, 'max_memory_restart is a limit now: the kernel ends what needs more', id);
  }
}

/** Workers and jobs have the settings of their application. */
function noteOwnSettings(program: Pm2Program, id: string, result: Conversion): void {
  for (const [key, value] of program.map.entries)
    if (key in settings || (key in advice && !isFalse(value) && !(program.isJob && key === 'cron_restart')))
      result.leftOut(
        value.line,
        `${key} of ${program.name}: ${key in settings ? `it has the setting of ${id}` : advice[key]!}`,
        id,
      );
    else if (key === 'instances' && textOf(value) === 'max')
      result.leftOut(value.line, `instances: max of ${program.name}`, id);
    else if (key === 'autorestart' && isTrue(value)) continue;
}

/** The gateway listens where the applications did, so that whatever is before them needs no change. */
function addServed(webs: readonly Pm2Program[], result: Conversion): void {
  const served = webs.filter(({ name }) => result.applications.get(name)?.command !== undefined);
  for (const { name, port } of served) {
    if (port === null) continue;
    const listener = served.length === 1 ? 'http' : name;
    result.listeners.set(listener, `127.0.0.1:${port}`);
    result.changed(
      0,
      `the gateway listens on port ${port} in place of ${name}, and each instance gets a port of its own`,
      name,
    );
    if (served.length > 1) result.routes.push({ listener, to: name });
  }
  if (served.length < 2) return;
  const unserved = served.filter(({ port }) => port === null);
  if (unserved.length > 0 && result.listeners.size > 0) result.listeners.set('http', ':8080');
  for (const [index, { name }] of unserved.entries()) {
    if (index === unserved.length - 1) result.routes.push({ to: name });
    else result.routes.push({ host: `${name.toLowerCase()}.localhost`, to: name });
    if (unserved.length > 1) result.changed(0, `write the host of ${name} into its route`, name);
  }
}
