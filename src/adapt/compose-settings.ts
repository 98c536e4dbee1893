import type { ComposeService } from './compose-service.ts';
import type { AdaptedApplication, Conversion } from './conversion.ts';
import { inside, isTrue, type Located, mapOf, numberOf, textOf, textsOf } from './located.ts';
import { durationOf, sizeOf } from './units.ts';

/** Keys that say nothing once there is no container, or that are read elsewhere. */
const silent =
  /^(?:image|build|command|entrypoint|environment|env_file|ports|expose|depends_on|links|labels|container_name|hostname|domainname|networks|working_dir|init|tty|stdin_open|platform|pull_policy|healthcheck|restart|deploy|scale|volumes|user|extra_hosts|x-.*)$/;

const advice: Readonly<Record<string, string>> = {
  network_mode: 'it runs on the network of the machine',
  extends: 'write what it takes from there into the service, and convert again',
  secrets: 'set them by `candor secret set`, and name them under `secrets`',
  configs: 'they are files of the release',
  profiles: 'each application runs: remove what shall not',
  logging: 'Candor keeps what the program prints: `candor logs`',
  privileged: 'it runs with the rights of its user',
  cap_add: 'it runs with the rights of its user',
  cap_drop: '`isolation: strict` takes rights away',
  read_only: '`isolation: strict` makes the system read-only',
  security_opt: '`isolation: strict` takes rights away',
  tmpfs: '`isolation: strict` gives it its own /tmp',
  stop_signal: 'Candor sends SIGTERM',
  memswap_limit: 'an application has nothing like it',
  cpu_shares: '`limits.cpu` and `limits.nice` limit it',
  develop: 'a change of files starts nothing',
  devices: 'it runs with the rights of its user',
  sysctls: 'set them on the machine',
  dns: 'it asks the name servers of the machine',
};

type Apply = (value: Located, application: AdaptedApplication) => boolean;

const memory: Apply = (value, one) => {
  const size = sizeOf(textOf(value) ?? '');
  if (size !== null) one.limits.memory = size;
  return size !== null;
};
const cpu: Apply = (value, one) => {
  const number = numberOf(value);
  if (number !== null && number > 0) one.limits.cpu = number;
  return number !== null;
};
const processes: Apply = (value, one) => {
  const number = numberOf(value);
  if (number !== null && number > 0) one.limits.processes = number;
  return number !== null;
};

const settings: Readonly<Record<string, Apply>> = {
  mem_limit: memory,
  cpus: cpu,
  pids_limit: processes,
  ulimits: (value, one) => {
    const nofile = inside(value, 'nofile');
    const number = numberOf(nofile) ?? numberOf(inside(nofile, 'soft'));
    if (number !== null) one.limits.descriptors = number;
    return number !== null && mapOf(value).entries.size === 1;
  },
  stop_grace_period: (value, one) => {
    const text = durationOf(textOf(value) ?? '');
    if (text !== null) one.stop_timeout = text;
    return text !== null;
  },
};

/** `isPart`: it is a worker of an application that has said the settings already. */
export function addServiceSettings(
  service: ComposeService,
  application: AdaptedApplication,
  result: Conversion,
  isPart: boolean,
): void {
  const { map, application: id, name } = service;
  const leave = (value: Located, text: string): void =>
    result.leftOut(value.line, isPart ? `${name}: ${text}` : text, id);
  for (const [key, value] of map.entries) {
    if (silent.test(key)) continue;
    if (isPart && key in settings) leave(value, `${key}: it has the limits of ${id}`);
    else if (settings[key]?.(value, application) !== true)
      leave(value, `${key}: ${advice[key] ?? 'an application has nothing like it'}`);
  }
  const restart = map.entries.get('restart');
  if (restart !== undefined && textOf(restart) === 'no') leave(restart, 'restart: no: Candor restarts what ends');
  addVolumes(map.entries.get('volumes'), leave);
  if (isPart) return;
  addUser(map.entries.get('user'), application, leave);
  addDeploy(map.entries.get('deploy') ?? undefined, application, leave);
  const scale = numberOf(map.entries.get('scale'));
  if (scale !== null && scale > 1 && service.kind === 'web') application.instances = scale;
  if (service.kind === 'web')
    addReadiness(map.entries.get('healthcheck'), application, leave, (text) => result.withoutSecrets(text));
}

type Leave = (value: Located, text: string) => void;

function addVolumes(volumes: Located | undefined, leave: Leave): void {
  const list = volumes?.kind === 'list' ? volumes.items : [];
  for (const one of list) {
    const text = textOf(one) ?? textOf(inside(one, 'source')) ?? '';
    const source = text.split(':')[0]!;
    // The source itself, and what hides its node_modules in a container.
    if (
      /^\.{1,2}(?:\/|$)/.test(source) ||
      /^\/\S*(?:node_modules|\.venv|vendor)$/.test(text) ||
      /docker\.sock/.test(text)
    )
      continue;
    leave(one, `volume ${text}: name what outlives releases under \`releases.persistent\``);
  }
}

function addUser(user: Located | undefined, application: AdaptedApplication, leave: Leave): void {
  const text = textOf(user);
  if (user === undefined || text === null) return;
  const [name = ''] = text.split(':');
  if (/^[a-z_][\w-]*$/.test(name) && name !== 'root') application.user = name;
  else leave(user, `user: ${text}: name a user of this machine`);
}

function addDeploy(deploy: Located | undefined, application: AdaptedApplication, leave: Leave): void {
  for (const [key, value] of mapOf(deploy).entries) {
    const limits = inside(value, 'limits');
    if (key === 'replicas') {
      const number = numberOf(value);
      if (number !== null && number > 1 && application.command !== undefined) application.instances = number;
      else if (number === 0) leave(value, 'deploy.replicas: 0: remove what shall not run');
    } else if (key === 'resources') {
      for (const [name, one] of mapOf(limits).entries) {
        const apply = { memory, cpus: cpu, pids: processes }[name];
        if (apply?.(one, application) !== true) leave(one, `deploy.resources.limits.${name}`);
      }
      if (inside(value, 'reservations') !== undefined)
        leave(value, 'deploy.resources.reservations: nothing is kept free for it');
    } else if (key === 'update_config' || key === 'rollback_config')
      leave(value, `deploy.${key}: \`releases\` says how releases are rolled out`);
    else if (key !== 'restart_policy' && key !== 'mode' && key !== 'labels') leave(value, `deploy.${key}`);
  }
}

function addReadiness(
  check: Located | undefined,
  application: AdaptedApplication,
  leave: Leave,
  hidden: (text: string) => string,
): void {
  if (check === undefined || isTrue(inside(check, 'disable'))) return;
  const test = inside(check, 'test');
  const text = textsOf(test).join(' ');
  const [, path] =
    /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(?:\d+|\$\{?PORT\}?))?(\/[^\s"'|;)]*)?/.exec(text) ?? [
      null,
      null,
    ];
  if (path === null) {
    if (/\bnc\b|\/dev\/tcp\//.test(text)) application.readiness = { ...application.readiness, tcp: true };
    else return leave(check, `healthcheck: ${hidden(text.slice(0, 60))}: a check asks for a path, or for a connection`);
  } else application.readiness = { ...application.readiness, path: (path ?? '/').split('?')[0]! };
  for (const [key, name] of [
    ['interval', 'interval'],
    ['timeout', 'timeout'],
    ['start_period', 'start_timeout'],
  ] as const) {
    const duration = durationOf(textOf(inside(check, key)) ?? '');
    if (duration !== null) application.readiness[name] = duration;
  }
}
