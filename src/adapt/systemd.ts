import { cronOfCalendar, cronOfInterval, type ConvertedSchedule } from './calendar.ts';
import { commandOfShell, escaped, looksLikeWorker } from './commands.ts';
import {
  type AdaptedApplication,
  type Command,
  Conversion,
  nameLike,
  NotConvertible,
  type SourceFile,
} from './conversion.ts';
import { addDependency, noteDependencies, serviceOfUnit } from './known-services.ts';
import { durationOf, durationText, millisecondsOf, sizeOf } from './units.ts';
import { readVariables } from './variables.ts';

interface Setting {
  readonly line: number;
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** A unit, or a timer with the service beside it. */
export async function readUnit(file: SourceFile): Promise<Conversion> {
  const result = new Conversion();
  const settings = readSettings(file.text, result);
  const [, stem = '', type = ''] = /^(.*?)(?:\.(service|timer|socket|target|mount|path|slice))?$/.exec(file.name) ?? [];
  const isTimer = type === 'timer' || settings.some(({ section }) => section === 'Timer');
  if (!isTimer && !settings.some(({ section }) => section === 'Service'))
    throw new NotConvertible(0, 'it has no [Service]: name the .service, or the .timer with a .service beside it');
  if (isTimer) {
    const unit = last(settings, 'Timer', 'Unit')?.value ?? `${stem}.service`;
    const service = await file.beside(unit);
    if (service === null) throw new NotConvertible(0, `its service ${unit} is not beside it`);
    await addService(unit, readSettings(service, result, unit), settings, file, result);
  } else {
    const timer = await file.beside(`${stem}.timer`);
    const ofTimer = timer === null ? null : readSettings(timer, result, `${stem}.timer`);
    await addService(file.name, settings, ofTimer, file, result);
  }
  noteDependencies(result);
  return result;
}

function last(settings: readonly Setting[], section: string, key: string): Setting | undefined {
  return settings.findLast((one) => one.section === section && one.key === key);
}

/** Those behind the last empty one, which takes back what is before it. */
function all(settings: readonly Setting[], key: string): readonly Setting[] {
  const found = settings.filter((one) => one.section === 'Service' && one.key === key);
  return found.slice(found.findLastIndex(({ value }) => value === '') + 1);
}

function readSettings(text: string, result: Conversion, of: string | null = null): readonly Setting[] {
  const settings: Setting[] = [];
  let section = '';
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    let written = lines[index]!;
    while (written.endsWith('\\') && index + 1 < lines.length) {
      index += 1;
      const next = lines[index]!;
      written = /^\s*[#;]/.test(next) ? written : `${written.slice(0, -1).trimEnd()} ${next.trim()}`;
    }
    written = written.trim();
    if (written === '' || /^[#;]/.test(written)) continue;
    const header = /^\[([^\]]+)\]$/.exec(written);
    const setting = /^([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/s.exec(written);
    if (header !== null) section = header[1]!;
    else if (setting !== null && section !== '') settings.push({ line, section, key: setting[1]!, value: setting[2]! });
    else
      result.leftOut(of === null ? line : 0, `${of === null ? 'it' : `line ${line} of ${of}`} is no setting of a unit`);
  }
  return settings;
}

async function addService(
  unit: string,
  settings: readonly Setting[],
  timer: readonly Setting[] | null,
  file: SourceFile,
  result: Conversion,
): Promise<void> {
  const name = nameLike(unit.replace(/\.service$/, '').replace(/@.*$/, ''));
  const application = result.application(name);
  const starts = all(settings, 'ExecStart');
  const [first] = starts;
  if (first === undefined) throw new NotConvertible(0, 'it has no ExecStart: nothing of it can be started');
  const fixedPort = await addVariables(name, settings, file, result);
  const listens = timer === null;
  const commands = starts.map((one) => commandOf(one, listens, name, result));
  const { command, port } = commands[0]!;
  const joined = commands.length === 1 ? command : inOneShell(commands.map((one) => one.command));
  if (timer === null) {
    if (last(settings, 'Service', 'Type')?.value === 'oneshot') {
      application.jobs['run'] = { command: joined };
      result.changed(first.line, `a oneshot service becomes a job that \`candor jobs run ${name}.run\` starts`, name);
    } else addProgram(application, { name, joined, port: port ?? fixedPort, line: first.line }, result);
  } else addJob(application, name, joined, settings, timer, result);
  for (const setting of settings) addSetting(setting, name, application, result, timer !== null);
}

function addProgram(
  application: AdaptedApplication,
  { name, joined, port, line }: { name: string; joined: Command; port: number | null; line: number },
  result: Conversion,
): void {
  const readsPort = port !== null || /\{port\}|\$PORT|\$\{PORT/.test(String(joined));
  if (!readsPort && looksLikeWorker(name, joined)) {
    application.workers['main'] = { command: joined };
    result.changed(
      line,
      'it looks like a program without a port: a worker. If it answers requests, make it the command',
      name,
    );
    return;
  }
  application.command = joined;
  if (port !== null) {
    result.listeners.set('http', `127.0.0.1:${port}`);
    result.changed(
      line,
      `the gateway listens on port ${port} in its place, and each instance gets a port of its own`,
      name,
    );
  } else if (!readsPort)
    result.changed(line, 'it must listen on the port in PORT, or have {port} in its command', name);
}

function addJob(
  application: AdaptedApplication,
  name: string,
  command: Command,
  settings: readonly Setting[],
  timer: readonly Setting[],
  result: Conversion,
): void {
  const schedule = scheduleOf(timer, name, result);
  const limit = durationOf(last(settings, 'Service', 'TimeoutStartSec')?.value ?? '');
  const isPersistent = /^(?:true|yes|on|1)$/i.test(last(timer, 'Timer', 'Persistent')?.value ?? '');
  application.jobs['run'] = {
    command,
    ...(schedule === null ? {} : { schedule: schedule.schedule }),
    ...(schedule?.timeZone == null ? {} : { time_zone: schedule.timeZone }),
    ...(isPersistent ? { catch_up: 'last' as const } : {}),
    ...(limit === null ? {} : { timeout: limit }),
  };
}

function scheduleOf(timer: readonly Setting[], name: string, result: Conversion): ConvertedSchedule | null {
  let found: ConvertedSchedule | null = null;
  for (const { key, value, section } of timer) {
    if (section !== 'Timer' || value === '') continue;
    const said = `${key}=${value} of the timer`;
    if (key === 'OnCalendar' || key === 'OnUnitActiveSec' || key === 'OnUnitInactiveSec') {
      const ms = key === 'OnCalendar' ? null : millisecondsOf(value);
      const cron = ms === null ? null : cronOfInterval(ms);
      const one =
        key === 'OnCalendar' ? cronOfCalendar(value) : cron === null ? null : { schedule: cron, timeZone: null };
      if (one === null) result.leftOut(0, `${said}: cron has no words for it; write a schedule`, name);
      else if (found !== null) result.leftOut(0, `${said}: a job has one schedule`, name);
      else found = one;
      if (ms !== null && one !== null) result.changed(0, `${said} is a schedule by the clock now`, name);
    } else if (/^(?:OnBootSec|OnStartupSec|OnActiveSec)$/.test(key)) {
      result.leftOut(0, `${said}: a job starts by its schedule alone`, name);
    } else if (!/^(?:Unit|Persistent|AccuracySec)$/.test(key))
      result.leftOut(0, `${said}: a job has nothing like it`, name);
  }
  if (found === null)
    result.changed(0, `without a schedule it is started by hand: \`candor jobs run ${name}.run\``, name);
  return found;
}

function inOneShell(commands: readonly Command[]): Command {
  const text = commands.map((one) => {
    if (typeof one === 'string') return one;
    return one[0] === 'sh' ? one.at(-1)!.replace(/^exec /, '') : one.join(' ');
  });
  return ['sh', '-c', text.join(' && ')];
}

function commandOf({ line, value }: Setting, listens: boolean, name: string, result: Conversion) {
  const [, prefix = '', text = ''] = /^([-@:+!|]*)(.*)$/s.exec(value) ?? [];
  if (prefix.includes('-'))
    result.changed(line, 'an exit code that is not 0 counts as a failure, in spite of the "-"', name);
  if (/[+!]/.test(prefix))
    result.leftOut(line, `"${prefix}" of the command: it runs as the user of the application`, name);
  const specifier = /(?<!%)%([a-zA-Z])/.exec(text)?.[0];
  if (specifier !== undefined) result.leftOut(line, `what ${specifier} stands for: write it in its place`, name);
  const plain = text.replaceAll('%%', '%');
  return commandOfShell(plain, listens);
}

/** Returns the port that the variables set. */
async function addVariables(
  name: string,
  settings: readonly Setting[],
  file: SourceFile,
  result: Conversion,
): Promise<number | null> {
  let port: number | null = null;
  const set = (variable: string, value: string): void => {
    if (variable === 'PORT' && /^\d+$/.test(value)) port = Number(value);
    else result.setVariable(name, variable, value);
  };
  for (const { value } of all(settings, 'Environment'))
    for (const word of assignments(value))
      set(word.slice(0, word.indexOf('=')), escaped(word.slice(word.indexOf('=') + 1)));
  for (const { line, value } of all(settings, 'EnvironmentFile')) {
    const path = value.replace(/^-/, '');
    const text = await file.beside(path);
    if (text === null) {
      result.leftOut(
        line,
        `${path} cannot be read: \`candor secret import ${path} --application ${name}\` takes its variables`,
        name,
      );
      continue;
    }
    const { variables, unread } = readVariables(text);
    for (const one of variables) set(one.name, one.value);
    if (unread.length > 0) result.leftOut(line, `line ${unread.join(', ')} of ${path} is no \`NAME=value\``, name);
  }
  return port;
}

function assignments(written: string): readonly string[] {
  const words = written.match(/"(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  return words
    .map((word) =>
      word.replace(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_, double?: string, single?: string) => double?.replace(/\\(.)/g, '$1') ?? single ?? '',
      ),
    )
    .filter((word) => /^[A-Za-z_]\w*=/.test(word));
}

/** Settings that mean nothing here, or the same as what Candor does anyway. */
const silent =
  /^(?:ExecStart|Environment|EnvironmentFile|Type|Restart|RemainAfterExit|SyslogIdentifier|StandardOutput|StandardError|StartLimit\w+|OOMScoreAdjust|KillMode|Slice|TimeoutSec|MemoryAccounting|CPUAccounting|TasksAccounting|IOAccounting)$/;
const hardening =
  /^(?:Protect\w+|Private\w+|NoNewPrivileges|Restrict\w+|ReadOnlyPaths|InaccessiblePaths|LockPersonality|SystemCallFilter|SystemCallArchitectures|CapabilityBoundingSet|MemoryDenyWriteExecute|DevicePolicy|RemoveIPC)$/;

type Apply = (value: string, application: AdaptedApplication) => boolean | string;

const settings: Readonly<Record<string, Apply>> = {
  WorkingDirectory: (value, one) => {
    if (!/^[~-]?\//.test(value)) return false;
    one.directory = value.replace(/^[-~]/, '').replace(/(?<=.)\/$/, '');
    return true;
  },
  User: (value, one) => {
    if (/^\d+$/.test(value)) return 'a user has a name';
    one.user = value;
    return true;
  },
  Group: (value, one) => one.user === undefined || value === one.user || 'an application has the groups of its user',
  MemoryMax: (value, one) => value === 'infinity' || setMemory(value, one),
  MemoryLimit: (value, one) => value === 'infinity' || setMemory(value, one),
  CPUQuota: (value, one) => {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1];
    if (percent === undefined) return false;
    one.limits.cpu = Number(percent) / 100;
    return true;
  },
  TasksMax: (value, one) => value === 'infinity' || setNumber(value, (number) => (one.limits.processes = number)),
  LimitNOFILE: (value, one) => setNumber(value.split(':')[0]!, (number) => (one.limits.descriptors = number)),
  Nice: (value, one) => setNumber(value, (number) => (one.limits.nice = number)),
  TimeoutStopSec: (value, one) => setDuration(value, (text) => (one.stop_timeout = text)),
  RestartSec: (value, one) => setDuration(value, (text) => (one.restart.first_delay = text)),
  TimeoutStartSec: (value, one) =>
    one.command === undefined ||
    setDuration(value, (text) => (one.readiness = { ...one.readiness, start_timeout: text })),
};

function setMemory(value: string, application: AdaptedApplication): boolean {
  const size = sizeOf(value);
  if (size !== null) application.limits.memory = size;
  return size !== null;
}

function setNumber(value: string, set: (number: number) => void): boolean {
  if (!/^-?\d+$/.test(value)) return false;
  set(Number(value));
  return true;
}

function setDuration(value: string, set: (text: string) => void): boolean {
  if (value === '0' || value === 'infinity') return true;
  const text = durationOf(value) ?? durationText(Number.NaN);
  if (text !== null) set(text);
  return text !== null;
}

/** Settings of which more can be said than that there is nothing like them. */
const advice: Readonly<Record<string, string>> = {
  ExecReload: 'a reload of Candor starts new instances where something has changed',
  ExecStop: 'Candor sends SIGTERM, and SIGKILL after `stop_timeout`',
  ExecStartPost: 'Candor finds out by `readiness` when an instance has started',
  ExecStopPost: 'nothing runs after the end of an instance',
  ExecCondition: 'nothing is asked before a start',
  KillSignal: 'Candor sends SIGTERM',
  WatchdogSec: '`readiness` with a path finds an instance that hangs',
  PIDFile: 'Candor runs programs in the foreground',
  LoadCredential: 'set it by `candor secret set`, and name it under `secrets`',
  SetCredential: 'set it by `candor secret set`, and name it under `secrets`',
  DynamicUser: 'name a `user`',
  StateDirectory: 'name what outlives releases under `releases.persistent`',
  RuntimeDirectory: 'no folder is made for the application',
  LogsDirectory: 'Candor keeps what the program prints',
  CacheDirectory: 'no folder is made for the application',
  AmbientCapabilities: 'Candor listens on low ports, so that the application need not',
  MemoryHigh: '`limits.memory` is a limit, not a brake',
  CPUWeight: '`limits.cpu` and `limits.nice` limit it',
  Sockets: 'the gateway has the sockets',
};

function addSetting(
  { line, section, key, value }: Setting,
  name: string,
  application: AdaptedApplication,
  result: Conversion,
  isJob: boolean,
): void {
  if (section === 'Unit') return addUnitSetting({ line, key, value }, application, result, name);
  if (section !== 'Service' || value === '') return;
  if (hardening.test(key)) {
    if (/^(?:no|false|off|0)$/i.test(value)) return;
    if (application.isolation === undefined)
      result.changed(
        line,
        `\`isolation: strict\` stands for ${key} and the like; see whether it is what you need`,
        name,
      );
    application.isolation = 'strict';
    return;
  }
  if (key === 'Restart' && value === 'no' && !isJob)
    result.leftOut(line, 'Restart=no: Candor restarts what ends', name);
  if (key === 'Type' && /^(?:forking|notify|notify-reload|dbus)$/.test(value))
    result.leftOut(
      line,
      value === 'forking'
        ? 'Type=forking: the program must stay in the foreground'
        : `Type=${value}: Candor finds out by \`readiness\` when it is ready`,
      name,
    );
  if (key === 'ExecStartPre') return addBefore({ line, value }, application, result, name);
  if (silent.test(key)) return;
  const apply = settings[key];
  const said = apply?.(value, application);
  if (said === true) return;
  const why =
    typeof said === 'string'
      ? said
      : (advice[key] ?? (apply === undefined ? 'an application has nothing like it' : 'its value cannot be said here'));
  result.leftOut(line, `${result.withoutSecrets(`${key}=${value}`)}: ${why}`, name);
}

function addBefore(
  { line, value }: { line: number; value: string },
  application: AdaptedApplication,
  result: Conversion,
  name: string,
): void {
  if (/^[-+!:]*(?:\/usr)?(?:\/bin\/)?(?:mkdir|chown|chmod|install|touch|rm|sleep|test)\s/.test(value))
    return result.leftOut(
      line,
      `${result.withoutSecrets(`ExecStartPre=${value}`)}: prepare it once, before Candor starts`,
      name,
    );
  const { command } = commandOfShell(value.replace(/^[-@:+!|]+/, ''), false);
  const { before } = application.releases;
  application.releases.before = before === undefined ? command : inOneShell([before, command]);
  result.changed(line, 'it ran before each start, and now runs once for each release', name);
}

function addUnitSetting(
  { line, key, value }: { line: number; key: string; value: string },
  application: AdaptedApplication,
  result: Conversion,
  name: string,
): void {
  if (/^(?:Description|Documentation|StartLimit\w+|DefaultDependencies)$/.test(key)) return;
  if (!/^(?:After|Wants|Requires|BindsTo|PartOf|Before)$/.test(key)) {
    if (value !== '') result.leftOut(line, `${key}=${value}: an application has nothing like it`, name);
    return;
  }
  for (const unit of value.split(/\s+/)) {
    if (unit === '' || /\.(?:target|socket|mount|slice)$/.test(unit)) continue;
    const service = serviceOfUnit(unit);
    if (service !== null && key !== 'Before')
      addDependency(service.name, `${service.scheme}://127.0.0.1:${service.port}`, application, result);
    else if (service === null && key !== 'Before')
      result.leftOut(line, `${key}=${unit}: name it under \`dependencies\` if it has an address`, name);
  }
}
