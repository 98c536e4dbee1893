import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CertificateAuthority, certificateAuthority } from '../../src/testing/certificates.ts';
import { type DnsServer, dnsAddresses, startDnsServer } from '../../src/testing/dns-server.ts';
import { freePort } from '../free-port.ts';
import { candorProgram } from '../program.ts';
import { askAdmin } from './admin-client.ts';
import type { Behaviour } from './behaviour.ts';
import { ControlGroups } from './control-groups.ts';
import type { ClientOrder, Flow } from './flows.ts';
import { type Configuration, configurationOf, configurationText } from './lab-configuration.ts';
import { LabProcess } from './lab-process.ts';
import { Relay } from './relay.ts';
import type { ApplicationSetup, Setup } from './setup.ts';

const applicationFile = join(import.meta.dirname, 'application-process.ts');
const clientFile = join(import.meta.dirname, 'client-process.ts');

/** The processes of a play: applications, what is behind them, relays, the gateway and its clients. */
export class Lab {
  readonly listener: number;
  readonly socket: string;
  configuration: Configuration;
  readonly #setup: Setup;
  readonly #folder: string;
  readonly #gateway: LabProcess;
  readonly #clients: LabProcess;
  readonly #processes: Map<string, LabProcess>;
  readonly #relays: Map<string, Relay>;
  readonly #addresses: Map<string, string>;
  readonly #dns: DnsServer | null;
  readonly #authority: CertificateAuthority;
  readonly #groups: ControlGroups;
  #releases = 1;

  private constructor(parts: LabParts) {
    const { setup, folder, ports, dns, authority, groups } = parts;
    this.#setup = setup;
    this.#folder = folder;
    this.#dns = dns;
    this.#authority = authority;
    this.#groups = groups;
    this.#processes = parts.processes;
    this.#relays = parts.relays;
    this.#addresses = parts.addresses;
    this.listener = ports.listener;
    this.socket = join(folder, 'admin.sock');
    const { endpoints } = parts;
    const authorityFile = join(folder, 'authority.pem');
    const at = { listener: this.listener, socket: this.socket, dns: dns?.address ?? null, authorityFile, endpoints };
    this.configuration = configurationOf(setup, at, (name) => this.#candorCommand(name, parts.dependencyPorts));
    this.#gateway = new LabProcess(
      'gateway',
      [process.execPath, candorProgram, 'up', '-c', join(folder, 'candor.yaml')],
      {},
      join(folder, 'gateway.txt'),
      false,
    );
    const port = { GATEWAY_PORT: String(this.listener) };
    this.#clients = new LabProcess('clients', [process.execPath, clientFile], port, join(folder, 'clients.txt'));
  }

  /** Starts everything but the clients. Resolves when the gateway answers requests. */
  static async start(setup: Setup, folder: string): Promise<Lab> {
    const lab = new Lab(await prepare(setup, folder));
    try {
      await Promise.all([...lab.#processes.values()].map((one) => one.startAndWait()));
      writeFileSync(join(folder, 'candor.yaml'), configurationText(lab.configuration));
      lab.#gateway.start();
      await lab.#serves();
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.#clients.stop('SIGKILL');
    if (this.#gateway.isRunning) await this.admin('POST', '/v1/stop?now=true').catch(() => {});
    await this.#gateway.stop('SIGTERM', 15_000);
    await Promise.all([...this.#processes.values()].map((one) => one.stop('SIGKILL')));
    for (const relay of this.#relays.values()) relay.stop();
    await this.#dns?.stop();
    await this.#groups.remove();
  }

  get isGatewayRunning(): boolean {
    return this.#gateway.isRunning;
  }

  startClients(onReport: (message: unknown) => void): void {
    this.#clients.start(onReport);
    this.order({ kind: 'flows', flows: this.#setup.flows });
    this.order({ kind: 'streams', events: this.#setup.events ?? 2, sockets: this.#setup.sockets ?? 2 });
  }

  order(order: ClientOrder): void {
    this.#clients.send(order);
  }

  /** From now on clients send these requests. */
  send(flows: Readonly<Record<string, Flow>>): void {
    this.order({ kind: 'flows', flows });
  }

  /** From now on clients send what they sent at the start, and these requests. */
  sendToo(flows: Readonly<Record<string, Flow>>): void {
    this.send({ ...this.#setup.flows, ...flows });
  }

  /** From now on clients send what they sent at the start. */
  sendUsual(): void {
    this.send(this.#setup.flows);
  }

  /** `shop-1` is a process, `shop` all of an application; a dependency has its name alone. */
  behave(target: string, behaviour: Behaviour): void {
    for (const name of this.#filesOf(target)) writeBehaviour(this.#folder, name, behaviour);
  }

  /** The application behaves as at the start. */
  behaveUsually(target: string): void {
    this.behave(target, this.#setup.applications[target.replace(/-\d+$/, '')]?.behaviour ?? {});
  }

  /** Starts a process that the lab runs, or has run. */
  async start(name: string): Promise<void> {
    await this.process(name).startAndWait();
  }

  async restart(name: string): Promise<void> {
    await this.process(name).stop();
    await this.start(name);
  }

  process(name: string): LabProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`there is no process ${name}`);
    return found;
  }

  relay(name: string): Relay {
    const found = this.#relays.get(name);
    if (found === undefined) throw new Error(`there is no relay ${name}`);
    return found;
  }

  /** Where a process listens, as the gateway knows it. */
  address(name: string): string {
    return this.#addresses.get(name) ?? '';
  }

  /** From now on the name of an application leads to these addresses, such as 127.0.67.2. */
  lead(host: string, ...to: readonly string[]): void {
    this.#dns?.on(host, dnsAddresses(5, ...to));
  }

  get dns(): DnsServer {
    if (this.#dns === null) throw new Error('this play has no name server');
    return this.#dns;
  }

  /** A certificate and its key for the processes of an application, from their next start on. */
  certify(application: string, names: readonly string[], notAfter?: number, authority = this.#authority): void {
    const issued = authority.issue({ names, ...(notAfter === undefined ? {} : { notAfter }) });
    writeFileSync(join(this.#folder, `${application}.pem`), issued.certificate + issued.key);
  }

  async admin(method: string, path: string, body?: unknown): Promise<unknown> {
    return askAdmin(this.socket, method, path, body);
  }

  /** A person changes the file, and reloads. */
  async reload(change: (configuration: Configuration) => void = () => {}): Promise<void> {
    const changed = structuredClone(this.configuration);
    change(changed);
    this.configuration = changed;
    writeFileSync(join(this.#folder, 'candor.yaml'), configurationText(changed));
    await this.admin('POST', '/v1/reload');
  }

  /** A release of an application that the gateway runs: new instances with this behaviour replace those that run. */
  async release(application: string, behaviour: Behaviour): Promise<void> {
    const name = `${application}-r${++this.#releases}`;
    writeBehaviour(this.#folder, name, behaviour);
    await this.reload(({ applications }) => {
      const keys = applications[application] ?? {};
      const environment = keys['environment'] as Record<string, string>;
      keys['environment'] = { ...environment, RELEASE: name, BEHAVIOUR: join(this.#folder, `${name}.json`) };
    });
  }

  /** The processes of an application get this share of a core; 0: all that they want. */
  limitProcessor(application: string, share: number): void {
    this.#groups.limitProcessor(application, share);
  }

  #filesOf(target: string): readonly string[] {
    const setup = this.#setup.applications[target];
    if (setup === undefined) return [target];
    const all = instancesOf(target, setup);
    const release = this.configuration.applications[target]?.['environment'] as Record<string, string> | undefined;
    return setup.by === 'candor' ? [release?.['RELEASE'] ?? target] : all;
  }

  #candorCommand(name: string, ports: Readonly<Record<string, number>>) {
    const setup = this.#setup.applications[name] as ApplicationSetup;
    const environment = {
      BEHAVIOUR: join(this.#folder, `${name}.json`),
      RELEASE: name,
      DEPENDENCIES: JSON.stringify(ports),
      GROUPS: this.#groups.of(name),
    };
    return { command: commandOf(setup), environment };
  }

  async #serves(): Promise<void> {
    const until = Date.now() + 30_000;
    while (Date.now() < until && this.#gateway.isRunning) {
      if ((await statusOf(this.listener)) === 200) return;
      await sleep(200);
    }
    throw new Error(`the gateway does not serve: see ${join(this.#folder, 'gateway.txt')}`);
  }
}

interface LabParts {
  readonly setup: Setup;
  readonly folder: string;
  readonly ports: { readonly listener: number };
  readonly dependencyPorts: Readonly<Record<string, number>>;
  readonly processes: Map<string, LabProcess>;
  readonly relays: Map<string, Relay>;
  readonly addresses: Map<string, string>;
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  readonly dns: DnsServer | null;
  readonly authority: CertificateAuthority;
  readonly groups: ControlGroups;
}

/** Chooses ports, and writes the files that processes read. */
async function prepare(setup: Setup, folder: string): Promise<LabParts> {
  mkdirSync(folder, { recursive: true });
  const applications = Object.entries(setup.applications);
  const groups = new ControlGroups(setup.applications);
  const authority = certificateAuthority(Date.now());
  writeFileSync(join(folder, 'authority.pem'), authority.certificate);
  const hosts = applications.filter(([, { host }]) => host !== undefined);
  const dns = hosts.length > 0 ? await startDnsServer() : null;
  const processes = new Map<string, LabProcess>();
  const relays = new Map<string, Relay>();
  const addresses = new Map<string, string>();
  const endpoints: Record<string, string[]> = {};
  const dependencyPorts: Record<string, number> = {};
  for (const name of new Set(applications.flatMap(([, one]) => one.dependencies ?? []))) {
    dependencyPorts[name] = await freePort();
    writeBehaviour(folder, name, {});
    const environment = { BEHAVIOUR: join(folder, `${name}.json`), PORT: String(dependencyPorts[name]) };
    processes.set(
      name,
      new LabProcess(name, [process.execPath, applicationFile], environment, join(folder, `${name}.txt`)),
    );
  }
  for (const [name, application] of applications) {
    writeBehaviour(folder, name, application.behaviour ?? {});
    if (application.by === 'candor') continue;
    const issued = authority.issue({
      names: [application.host ?? 'shop.internal'],
      ...(application.tls === 'expires' ? { notAfter: Date.now() + certificateMs } : {}),
    });
    writeFileSync(join(folder, `${name}.pem`), issued.certificate + issued.key);
    const shared = application.host === undefined ? 0 : await freePort();
    for (const [index, instance] of instancesOf(name, application).entries()) {
      const port = shared || (await freePort());
      const listen = shared === 0 ? '127.0.0.1' : `127.0.67.${index + 1}`;
      let shown = port;
      if (application.hasRelay === true) {
        shown = await freePort();
        relays.set(instance, await Relay.start(shown, port));
      }
      addresses.set(instance, `${listen}:${shown}`);
      (endpoints[name] ??= []).push(shared === 0 ? `${listen}:${shown}` : `${String(application.host)}:${shown}`);
      writeBehaviour(folder, instance, application.behaviour ?? {});
      const environment = {
        BEHAVIOUR: join(folder, `${instance}.json`),
        PORT: String(port),
        LISTEN: listen,
        DEPENDENCIES: JSON.stringify(dependencyPorts),
        GROUPS: groups.of(name),
        ...(application.tls === undefined ? {} : { CERTIFICATE: join(folder, `${name}.pem`) }),
        ...(application.http2 === true ? { HTTP2: 'yes' } : {}),
      };
      processes.set(
        instance,
        new LabProcess(instance, commandOf(application), environment, join(folder, `${instance}.txt`)),
      );
    }
    if (application.host !== undefined) {
      endpoints[name] = [`${application.host}:${shared}`];
      const named = Array.from({ length: application.named ?? application.instances }, (_, at) => `127.0.67.${at + 1}`);
      dns?.on(application.host, dnsAddresses(5, ...named));
    }
  }
  const ports = { listener: await freePort() };
  return { setup, folder, ports, dependencyPorts, processes, relays, addresses, endpoints, dns, authority, groups };
}

/** A certificate that expires does so in the middle of a play. */
const certificateMs = 98_000;

function instancesOf(name: string, { instances }: ApplicationSetup): string[] {
  return Array.from({ length: instances }, (_, index) => `${name}-${index + 1}`);
}

function commandOf({ heapMib, descriptors }: ApplicationSetup): readonly string[] {
  const flags = heapMib === undefined ? [] : [`--max-old-space-size=${heapMib}`];
  const command = [process.execPath, ...flags, applicationFile];
  return descriptors === undefined ? command : ['sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, ...command];
}

/** Renamed, so that no process reads half of it. */
function writeBehaviour(folder: string, name: string, behaviour: Behaviour): void {
  const path = join(folder, `${name}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(behaviour));
  renameSync(`${path}.new`, path);
}

function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', path: '/', agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once('timeout', () => asked.destroy()).once('error', () => resolve(0));
    asked.end();
  });
}
