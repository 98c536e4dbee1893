import { isSecretName } from '../redact/secret-name.ts';
import { commandOfShell, commandOfWords, escaped, looksLikeWorker, quotedWord } from './commands.ts';
import type { ComposeService } from './compose-service.ts';
import { addServiceSettings } from './compose-settings.ts';
import { addComposeRoutes } from './compose-routes.ts';
import { readDockerfile } from './dockerfile.ts';
import { Conversion, nameLike, NotConvertible, pathIn, type SourceFile } from './conversion.ts';
import { addDependency, isGatewayImage, noteDependencies, serviceOfImage } from './known-services.ts';
import { inside, itemsOf, type Located, type LocatedMap, mapOf, textOf, textsOf } from './located.ts';
import { publishedPorts } from './published-ports.ts';
import { readVariables } from './variables.ts';
import { readYaml } from './read-yaml.ts';

/** A compose file, as Docker and Podman read it. */
export async function readCompose(file: SourceFile): Promise<Conversion> {
  const root = readYaml(file.text);
  const services = mapOf(inside(root, 'services'));
  if (services.entries.size === 0) throw new NotConvertible(0, 'it has no `services`');
  const result = new Conversion();
  const defaults = new Map<string, string>();
  for (const { name, value } of readVariables((await file.beside('.env')) ?? '').variables) defaults.set(name, value);
  const read: ComposeService[] = [];
  for (const [name, value] of services.entries) {
    if (value.kind === 'map') read.push(serviceOf(name, value));
    else result.leftOut(value.line, `${name}: it is no service`);
  }
  const compose = new ComposeReader(file, read, defaults, result);
  await compose.convert();
  for (const [key, value] of mapOf(root).entries)
    if (/^(?:secrets|configs|include|extends)$/.test(key))
      result.leftOut(
        value.line,
        `${key}: ${key === 'secrets' ? 'set them by `candor secret set`' : 'convert those files too, or write it by hand'}`,
      );
  if (result.applications.size === 0 && result.upstreams.size === 0)
    throw new NotConvertible(
      0,
      `no service of it can run without a container: ${read.map(({ name }) => name).join(', ')}`,
    );
  noteDependencies(result);
  addComposeRoutes(read, result);
  return result;
}

function serviceOf(name: string, map: LocatedMap): ComposeService {
  const image = textOf(map.entries.get('image')) ?? '';
  return {
    name,
    line: map.line,
    map,
    image: image.replace(/\$\{\w+(?::?-([^}]*))?\}/g, '$1'),
    published: publishedPorts(map.entries.get('ports')),
    application: nameLike(name),
    kind: 'left_out',
  };
}

/** Images that are a language and nothing else. */
const languages =
  /(?:^|\/)(?:node|python|ruby|php|golang|bun|deno|oven\/bun|denoland\/deno|pypy|perl|elixir|openjdk|eclipse-temurin|rust)(?=[:@]|$)/;

class ComposeReader {
  readonly #file: SourceFile;
  readonly #services: readonly ComposeService[];
  readonly #defaults: ReadonlyMap<string, string>;
  readonly #result: Conversion;
  readonly #dependencies = new Map<string, { name: string; url: string }>();
  readonly #unset = new Set<string>();

  constructor(
    file: SourceFile,
    services: readonly ComposeService[],
    defaults: ReadonlyMap<string, string>,
    result: Conversion,
  ) {
    this.#file = file;
    this.#services = services;
    this.#defaults = defaults;
    this.#result = result;
  }

  async convert(): Promise<void> {
    for (const service of this.#services) this.#decide(service);
    const programs = this.#services.filter(({ kind }) => kind === 'web' || kind === 'worker');
    for (const service of programs.filter(({ kind }) => kind === 'worker')) {
      const owner = programs.find((one) => one.kind === 'web' && sourceOf(one) === sourceOf(service));
      if (owner !== undefined) service.application = owner.application;
    }
    // A worker adds to its application what that has not said.
    for (const kind of ['web', 'worker'])
      for (const service of programs) if (service.kind === kind) await this.#addProgram(service);
  }

  #decide(service: ComposeService): void {
    const { image, map, name, line } = service;
    const result = this.#result;
    const known = serviceOfImage(image);
    if (known !== null) {
      service.kind = 'dependency';
      const published = service.published.find(({ inner }) => inner === known.port);
      const database =
        textOf(variable(map, 'POSTGRES_DB')) ??
        textOf(variable(map, 'MYSQL_DATABASE')) ??
        textOf(variable(map, 'MARIADB_DATABASE'));
      const path = database === null || !/^[\w-]+$/.test(database) ? '' : `/${database}`;
      this.#dependencies.set(name, {
        name: nameLike(name, known.name),
        url: `${known.scheme}://127.0.0.1:${published?.outer ?? known.port}${path}`,
      });
      if (published === undefined)
        result.changed(
          line,
          `${name} goes on in its container: publish its port (127.0.0.1:${known.port}:${known.port}), so that programs outside reach it`,
        );
      return;
    }
    if (isGatewayImage(image)) {
      service.kind = 'gateway';
      return result.leftOut(line, `${name}: Candor takes its place; its listeners and routes are in its own files`);
    }
    const hasSource = map.entries.has('build') || (languages.test(image) && map.entries.has('command'));
    if (!hasSource) {
      const [port] = service.published;
      if (port === undefined)
        return result.leftOut(
          line,
          `${name}: it runs from the image ${image === '' ? '(none)' : image}, which needs a container`,
        );
      service.kind = 'upstream';
      result.upstreams.set(service.application, `127.0.0.1:${port.outer}`);
      return result.changed(
        line,
        `${name} goes on in its container of ${image}, and the gateway reaches it by its published port`,
      );
    }
    const listens = service.published.length > 0 || map.entries.has('expose') || isProbed(map) || hasRouteLabels(map);
    const words = [...textsOf(map.entries.get('entrypoint')), ...textsOf(map.entries.get('command'))];
    service.kind = listens || !looksLikeWorker(name, words) ? 'web' : 'worker';
  }

  async #addProgram(service: ComposeService): Promise<void> {
    const { map, application: id, kind, name, line } = service;
    const result = this.#result;
    const application = result.application(id);
    const docker = await this.#dockerfileOf(map);
    const directory = this.#directoryOf(map);
    if (kind === 'web' || application.command === undefined) {
      if (directory !== '') application.directory = directory;
    } else if ((application.directory ?? '') !== directory)
      result.leftOut(line, `${name}: another folder than that of ${id}`, id);
    const inner =
      service.published[0]?.inner ?? numberOf(textsOf(map.entries.get('expose'))[0]) ?? docker?.port ?? null;
    const command = this.#commandOf(service, docker?.command ?? null);
    if (command === null) {
      result.leftOut(
        line,
        `${name}: neither it nor a Dockerfile beside it says what is started; write its command`,
        id,
      );
      if (kind === 'worker') return;
      application.command = 'false';
    } else {
      for (const [variableName, value] of command.variables) result.setVariable(id, variableName, value);
      if (kind === 'worker') {
        const count = numberOf(textOf(inside(map, 'deploy', 'replicas') ?? map.entries.get('scale')) ?? undefined);
        application.workers[nameLike(name)] = {
          command: command.command,
          ...(count === null || count < 2 ? {} : { instances: count }),
        };
      } else application.command = command.command;
    }
    await this.#addVariables(service);
    if (kind === 'web' && command !== null) this.#addPort(service, command, inner);
    this.#addDependencies(service);
    addServiceSettings(service, application, result, kind === 'worker' && id !== nameLike(name));
  }

  #directoryOf(map: LocatedMap): string {
    const build = map.entries.get('build');
    const context = textOf(build) ?? textOf(inside(build, 'context'));
    if (context !== null) return pathIn(this.#file.directory, this.#filled(context));
    const mounted = itemsOf(map.entries.get('volumes')).flatMap((one) => {
      const source = textOf(inside(one, 'source')) ?? /^(\.[^:]*|\/[^:]*):/.exec(textOf(one) ?? '')?.[1];
      return source === undefined || source === null || !/^\.{1,2}(?:\/|$)/.test(source) ? [] : [source];
    });
    return pathIn(this.#file.directory, mounted[0] ?? '.');
  }

  async #dockerfileOf(map: LocatedMap) {
    const build = map.entries.get('build');
    if (build === undefined) return null;
    const context = textOf(build) ?? textOf(inside(build, 'context')) ?? '.';
    const name = textOf(inside(build, 'dockerfile')) ?? 'Dockerfile';
    const text = await this.#file.beside(pathIn(context === '.' ? '' : context, name));
    return text === null ? null : readDockerfile(text, textOf(inside(build, 'target')));
  }

  #commandOf({ map, kind, application: id }: ComposeService, ofImage: Located | null) {
    const entrypoint = map.entries.get('entrypoint');
    const command = map.entries.get('command') ?? (entrypoint === undefined ? (ofImage ?? undefined) : undefined);
    const listens = kind === 'web';
    if (command === undefined && entrypoint === undefined) return null;
    const parts = [entrypoint, command].filter((one) => one !== undefined);
    const isText = parts.every((one) => textOf(one) !== null);
    if (isText) return commandOfShell(parts.map((one) => this.#dollars(textOf(one)!, id)).join(' '), listens);
    const words = parts.flatMap((one) => (textOf(one) === null ? textsOf(one) : textOf(one)!.split(/\s+/)));
    if (words.length === 0) return null;
    const filled = words.map((word) => this.#dollars(word, id));
    if (!filled.some((word) => /\$\{?\w/.test(word)) || /^(?:\/\S+\/)?(?:ba|da)?sh$/.test(filled[0]!))
      return commandOfWords(filled, listens);
    // Compose would have filled in the variable, which only a shell does now.
    const text = filled.map((word) => (/\$\{?\w/.test(word) ? `"${word}"` : quotedWord(word))).join(' ');
    return commandOfShell(text, listens);
  }

  /** Compose fills variables in commands before a shell does; `$$` is a plain `$`. Secrets stay variables. */
  #dollars(text: string, id: string): string {
    return text.replace(
      /\$\$|\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)/g,
      (whole, braced?: string, otherwise?: string, bare?: string) => {
        if (whole === '$$') return '$';
        const name = braced ?? bare ?? '';
        if (name === 'PORT') return '$PORT';
        const value = this.#defaults.get(name) ?? otherwise;
        if (!isSecretName(name)) return value ?? whole;
        this.#result.setVariable(id, name, value ?? '');
        return `$${name}`;
      },
    );
  }

  #addPort(service: ComposeService, command: { command: unknown; port: number | null }, inner: number | null): void {
    const { application: id, map, line } = service;
    const application = this.#result.application(id);
    const text = String(command.command);
    const isRead = command.port !== null || /\{port\}|\$PORT/.test(text) || variable(map, 'PORT') !== undefined;
    if (isRead || inner === null) {
      if (!isRead) this.#result.changed(line, 'it must listen on the port in PORT, or have {port} in its command', id);
      return;
    }
    const replicas = numberOf(textOf(inside(map, 'deploy', 'replicas') ?? map.entries.get('scale')) ?? undefined) ?? 1;
    if (replicas > 1) {
      this.#result.changed(
        line,
        `it listened on port ${inner} in each container: let it read PORT, or write {port} into its command`,
        id,
      );
      return;
    }
    application.port = inner;
    this.#result.changed(
      line,
      `it listens on port ${inner}: with PORT or {port} in its command it could have several instances, and releases side by side`,
      id,
    );
  }

  async #addVariables({ map, application: id, name }: ComposeService): Promise<void> {
    const result = this.#result;
    for (const one of itemsOf(map.entries.get('env_file'))) {
      const path = textOf(one) ?? textOf(inside(one, 'path'));
      if (path === null) continue;
      const text = await this.#file.beside(path);
      if (text === null) {
        result.leftOut(
          one.line,
          `${path} cannot be read: \`candor secret import ${path} --application ${id}\` takes its variables`,
          id,
        );
        continue;
      }
      for (const { name: variableName, value } of readVariables(text).variables)
        if (variableName !== 'PORT') this.#set(id, name, variableName, value, one.line);
    }
    const environment = map.entries.get('environment');
    if (environment?.kind === 'list')
      for (const one of environment.items) {
        const [, variableName = '', , value] = /^([^=]+)(=(.*))?$/s.exec(textOf(one) ?? '') ?? [];
        if (variableName !== '') this.#setWritten(id, name, variableName, value ?? null, one.line);
      }
    for (const [variableName, value] of mapOf(environment).entries)
      this.#setWritten(id, name, variableName, textOf(value), value.line);
  }

  /** `value` null: it comes from the environment of compose. */
  #setWritten(id: string, service: string, name: string, value: string | null, line: number): void {
    if (name === 'PORT') return;
    const text = value ?? `\${${name}}`;
    this.#set(id, service, name, this.#filled(text, line, id, name), line);
  }

  #set(id: string, service: string, name: string, written: string, line: number): void {
    let value = written;
    for (const other of this.#services) {
      const dependency = this.#dependencies.get(other.name);
      if (dependency === undefined && other.kind !== 'upstream') continue;
      const pattern = new RegExp(
        `^${literal(other.name)}$|(?<=//|@|,)${literal(other.name)}(?=[:/,]|$)|^${literal(other.name)}(?=:\\d)`,
        'g',
      );
      const replaced = value.replace(pattern, '127.0.0.1');
      if (replaced === value) continue;
      this.#result.changed(line, `${name}: ${other.name} is 127.0.0.1 outside of containers`, id);
      if (dependency !== undefined)
        addDependency(dependency.name, dependency.url, this.#result.application(id), this.#result);
      value = replaced;
    }
    const worker = id === nameLike(service) ? undefined : this.#result.application(id).workers[nameLike(service)];
    this.#result.setVariable(id, name, value, worker ?? null);
  }

  /** Variables as a configuration has them. */
  #filled(text: string, line = 0, id: string | null = null, of = ''): string {
    const filled = text.replace(
      /\$\$|\$\{(\w+)(?:(:?[-?+])([^}]*))?\}|\$(\w+)/g,
      (whole, braced?: string, operator?: string, word?: string, bare?: string) => {
        if (whole === '$$') return '\0';
        const name = braced ?? bare ?? '';
        const otherwise = this.#defaults.get(name) ?? (operator?.endsWith('-') === true ? word : undefined);
        if (otherwise === undefined && id !== null && !this.#unset.has(name)) {
          this.#unset.add(name);
          if (whole !== text || !looksSecret(of))
            this.#result.changed(
              line,
              `\${${name}} comes from the environment of the gateway, and is empty where it has none`,
              id,
            );
        }
        return `\${${name}:-${otherwise ?? ''}}`;
      },
    );
    return escaped(filled.replaceAll(/\$\{(\w+:-[^}]*)\}/g, '\u0001$1}'))
      .replaceAll('\u0001', '${')
      .replaceAll('\0', '$');
  }

  #addDependencies({ map, application: id }: ComposeService): void {
    const application = this.#result.application(id);
    const written = map.entries.get('depends_on');
    const names = written?.kind === 'map' ? [...written.entries.keys()] : textsOf(written);
    const links = textsOf(map.entries.get('links')).map((one) => one.split(':')[0]!);
    for (const name of [...names, ...links]) {
      const dependency = this.#dependencies.get(name);
      if (dependency !== undefined) addDependency(dependency.name, dependency.url, application, this.#result);
    }
  }
}

function looksSecret(name: string): boolean {
  return /pass|secret|token|key/i.test(name);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** A variable of a service, in either form. */
function variable(map: LocatedMap, name: string): Located | undefined {
  const environment = map.entries.get('environment');
  if (environment?.kind !== 'list') return inside(environment, name);
  const found = environment.items.find((one) => textOf(one)?.startsWith(`${name}=`));
  const text = textOf(found);
  return found === undefined || text === null
    ? undefined
    : { kind: 'scalar', line: found.line, value: text.slice(name.length + 1) };
}

/** What a service is made of: two with the same are programs of one application. */
function sourceOf({ map, image }: ComposeService): string {
  const build = map.entries.get('build');
  return `${textOf(build) ?? textOf(inside(build, 'context')) ?? ''}|${build === undefined ? image : ''}`;
}

function isProbed(map: LocatedMap): boolean {
  return /https?:\/\//.test(textsOf(inside(map, 'healthcheck', 'test')).join(' '));
}

function hasRouteLabels(map: LocatedMap): boolean {
  const labels = map.entries.get('labels');
  const names = labels?.kind === 'map' ? [...labels.entries.keys()] : textsOf(labels);
  return names.some((name) => /^traefik\.http\.routers\./.test(name));
}
