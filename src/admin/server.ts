import type { AddressInfo } from 'node:net';
import { systemSays } from '../core/descriptor-text.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../gateway/control.ts';
import { AdminDoor } from './door.ts';
import { AdminHouse } from './house.ts';
import { listenOverTcp } from './listen-tcp.ts';
import type { Stopper } from './stopper.ts';
import type { Upgrader } from './upgrader.ts';
import { listenAt, type NotSetAside, type PlaceSetAside, type SocketFile } from './socket-file.ts';
import { socketRefusalText } from './socket-place.ts';

export interface AdminOptions {
  readonly gateway: Gateway;
  readonly spec: AdminSpec;
  readonly clock: Clock;
  /** Where a predecessor still answers, who leaves: its socket is replaced, its port shared. */
  readonly predecessor?: AdminPlaces | null;
  /** Absent where the program that runs the gateway cannot be replaced. */
  readonly upgrader?: Upgrader;
  /** Absent where the program that runs the gateway ends by other means alone. */
  readonly stopper?: Stopper;
}

/** Where an admin API answers. */
export interface AdminPlaces {
  /** Null where it has none. */
  readonly socketPath: string | null;
  /** Where it listens over TCP, with the port that the system chose for 0; null where it does not. */
  readonly address: { readonly host: string; readonly port: number } | null;
}

export interface Admin extends AdminPlaces {
  /**
   * Opens what another configuration needs beside what is open. Null when that is so; else the sentence that says why
   * not, and nothing has changed. `commit` or `discard` follows.
   */
  prepare(spec: AdminSpec): Promise<string | null>;
  /** Answers by the configuration that was prepared, and closes what it has no more. */
  commit(): void;
  discard(): void;
  /**
   * A successor answers at the same places from now on. Over TCP no more connections are taken here, since the kernel
   * would share them out between the two; whoever was led to the old socket before it was replaced still has his answer.
   */
  leave(): void;
  /** Another process is to have the places of this one. */
  setAside(): PlaceSetAside | NotSetAside;
  /** Ends every stream, lets running answers end, and removes the socket. */
  close(): Promise<void>;
}

/** The admin API could not be opened; `message` is fit for people. */
export class AdminFailure extends Error {
  override readonly name = 'AdminFailure';
}

/**
 * Opens the admin API of a gateway: on a unix socket, over TCP where there are tokens, or both. Rejects with
 * `AdminFailure` where another gateway holds the place, or the system does not allow it.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const admin = new RunningAdmin(options);
  const objection = await admin.prepare(options.spec);
  if (objection !== null) throw new AdminFailure(objection);
  admin.commit();
  return admin;
}

/** A door that is open, and how it is found. */
interface OpenDoor {
  readonly place: string;
  readonly door: AdminDoor;
  readonly socket: SocketFile | null;
}

class RunningAdmin implements Admin {
  readonly #house: AdminHouse;
  /** Until it is open: later, whoever answers at a place is a stranger. */
  #predecessor: AdminPlaces | null;
  #open: readonly OpenDoor[] = [];
  #prepared: { readonly spec: AdminSpec; readonly added: readonly OpenDoor[] } | null = null;
  /** Of doors that the configuration has no more. */
  readonly #closing = new Set<Promise<void>>();

  constructor({ gateway, spec, clock, predecessor, upgrader, stopper }: AdminOptions) {
    this.#house = new AdminHouse(gateway, clock, spec, upgrader ?? null, stopper ?? null);
    this.#predecessor = predecessor ?? null;
  }

  get socketPath(): string | null {
    return this.#house.spec.socket;
  }

  get address(): { host: string; port: number } | null {
    const server = this.#open.find(({ door }) => door.via === 'tcp')?.door.server;
    const bound = (server?.address() ?? null) as AddressInfo | null;
    return bound === null ? null : { host: bound.address, port: bound.port };
  }

  async prepare(spec: AdminSpec): Promise<string | null> {
    this.discard();
    const added: OpenDoor[] = [];
    const takesOver = spec.socket !== null && spec.socket === this.#predecessor?.socketPath;
    const wanted = [openSocket(this.#house, spec, takesOver), this.#overTcp(spec)];
    for (const one of wanted) {
      if (one === null || this.#open.some(({ place }) => place === one.place)) continue;
      const opened = await one.open();
      if (typeof opened === 'string') {
        for (const door of added) this.#closeDoor(door);
        return opened;
      }
      added.push({ place: one.place, ...opened });
    }
    this.#prepared = { spec, added };
    return null;
  }

  /** What this process or its predecessor has there, under another address too, does not keep it from the port. */
  #overTcp(spec: AdminSpec): Wanted | null {
    const taken = [this.address?.port, this.#predecessor?.address?.port];
    return openTcp(this.#house, spec, spec.listen !== null && taken.includes(spec.listen.port));
  }

  commit(): void {
    if (this.#prepared === null) return;
    const { spec, added } = this.#prepared;
    this.#prepared = null;
    this.#predecessor = null;
    this.#house.spec = spec;
    const places = placesOf(spec);
    for (const one of this.#open) if (!places.includes(one.place)) this.#closeDoor(one);
    this.#open = [...this.#open.filter(({ place }) => places.includes(place)), ...added];
    for (const { door } of this.#open) door.dismiss();
  }

  discard(): void {
    for (const one of this.#prepared?.added ?? []) this.#closeDoor(one);
    this.#prepared = null;
  }

  leave(): void {
    const shared = this.#open.filter(({ door }) => door.via === 'tcp');
    this.#open = this.#open.filter((one) => !shared.includes(one));
    for (const one of shared) this.#closeDoor(one);
  }

  setAside(): PlaceSetAside | NotSetAside {
    // Over TCP both are there until one of them closes.
    const aside: PlaceSetAside[] = [];
    for (const { socket } of this.#open) {
      const place = socket?.setAside();
      if (place !== undefined && 'why' in place) {
        for (const one of aside) one.giveUp();
        return place;
      }
      if (place !== undefined) aside.push(place);
    }
    return {
      restore: () => aside.map((one) => one.restore()).find((why) => why !== null) ?? null,
      giveUp: () => aside.forEach((one) => one.giveUp()),
    };
  }

  async close(): Promise<void> {
    this.discard();
    for (const one of this.#open) this.#closeDoor(one);
    this.#open = [];
    await Promise.all(this.#closing);
    this.#house.refusals.close();
  }

  #closeDoor({ door, socket }: OpenDoor): void {
    socket?.remove();
    const closing: Promise<void> = door.close().then(() => void this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

interface Wanted {
  readonly place: string;
  /** A sentence where it cannot be opened. */
  open(): Promise<{ readonly door: AdminDoor; readonly socket: SocketFile | null } | string>;
}

function placesOf({ socket, listen }: AdminSpec): readonly string[] {
  const places = socket === null ? [] : [`socket:${socket}`];
  return listen === null ? places : [...places, `tcp:${hostPort(listen.host, listen.port)}`];
}

function openSocket(house: AdminHouse, { socket: path }: AdminSpec, takesOver: boolean): Wanted | null {
  if (path === null) return null;
  return {
    place: `socket:${path}`,
    open: async () => {
      const door = new AdminDoor('socket', house);
      const file = await listenAt(door.server, path, takesOver);
      return 'why' in file ? socketRefusalText(path, file) : { door, socket: file };
    },
  };
}

function openTcp(house: AdminHouse, { listen, tokens }: AdminSpec, shares: boolean): Wanted | null {
  if (listen === null) return null;
  const place = hostPort(listen.host, listen.port);
  return {
    place: `tcp:${place}`,
    open: async () => {
      // The configuration's review says so too; whoever starts a gateway by program has not passed there.
      if (tokens.length === 0) return 'The admin API listens over TCP only for whoever has a token, and there is none.';
      const door = new AdminDoor('tcp', house);
      const refused = await listenOverTcp(door.server, listen, shares);
      return refused === null
        ? { door, socket: null }
        : `The admin API cannot listen at ${place}: ${systemSays(refused.errno)}`;
    },
  };
}
