/** The client's side of the protocol of MySQL and MariaDB, as far as a login. */
import { createHash } from 'node:crypto';
import { faulty, type DependencyFault, type DependencyFinding, up } from './finding.ts';
import {
  BoundedReader,
  type Conversation,
  peerText,
  textOf,
  type ConversationStep,
  utf8,
} from './main-conversation.ts';

interface MysqlQuestion {
  /** '': that of Candor, which need not exist. */
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
}

const clients = {
  longPassword: 0x1,
  withDatabase: 0x8,
  protocol41: 0x200,
  secureConnection: 0x8000,
  pluginAuth: 0x80000,
} as const;

const packetBytesMax = 32_768;

/**
 * It always answers the handshake: a server counts connections that are broken off before, and blocks the host after a
 * hundred of them (`max_connect_errors`).
 */
export class MysqlConversation implements Conversation {
  readonly #asked: MysqlQuestion;
  #isGreeted = false;
  #hasSwitched = false;

  constructor(asked: MysqlQuestion) {
    this.#asked = asked;
  }

  begin(): null {
    return null;
  }

  onBytes(bytes: Uint8Array, take: (count: number) => void): ConversationStep {
    const reader = new BoundedReader(bytes);
    const length = reader.littleEndian(3);
    const sequence = reader.byte();
    if (reader.isOver) return null;
    if (length === 0 || length > packetBytesMax) return { finding: notSpoken };
    const packet = reader.bytes(length);
    if (reader.isOver) return null;
    take(length + 4);
    return this.#isGreeted ? this.#onAnswer(packet, sequence) : this.#onGreeting(packet, sequence);
  }

  #onGreeting(packet: Uint8Array, sequence: number): ConversationStep {
    const reader = new BoundedReader(packet);
    const version = reader.byte();
    if (version === 0xff) return { finding: this.#errorOf(packet) };
    if (version !== 10) return { finding: notSpoken };
    reader.untilZero();
    reader.bytes(4);
    const first = reader.bytes(8);
    reader.byte();
    const lower = reader.littleEndian(2);
    if (reader.isOver) return { finding: notSpoken };
    if ((lower & clients.protocol41) === 0) return { finding: up('answers in an old protocol') };
    reader.bytes(3);
    reader.bytes(2);
    const scrambleLength = reader.byte();
    reader.bytes(10);
    const second = reader.bytes(Math.max(13, scrambleLength - 8));
    if (reader.isOver) return { finding: notSpoken };
    const plugin = textOf(reader.untilZero());
    this.#isGreeted = true;
    const scramble = Buffer.concat([first, second.subarray(0, 12)]);
    return { send: this.#response(scramble, plugin, sequence + 1) };
  }

  #response(scramble: Uint8Array, plugin: string, sequence: number): Uint8Array {
    const { user, database, password } = this.#asked;
    const known = scrambles[plugin] === undefined ? 'mysql_native_password' : plugin;
    const capabilities =
      clients.longPassword |
      clients.protocol41 |
      clients.secureConnection |
      clients.pluginAuth |
      (database === '' ? 0 : clients.withDatabase);
    const head = Buffer.alloc(32);
    head.writeUInt32LE(capabilities, 0);
    head.writeUInt32LE(packetBytesMax, 4);
    head.writeUInt8(45, 8);
    const proof = proofOf(known, password, scramble);
    return packetOf(
      sequence,
      head,
      utf8(`${user === '' ? 'candor' : user}\0`),
      new Uint8Array([proof.length]),
      proof,
      utf8(database === '' ? '' : `${database}\0`),
      utf8(`${known}\0`),
    );
  }

  #onAnswer(packet: Uint8Array, sequence: number): ConversationStep {
    const kind = packet[0];
    if (kind === 0) return { finding: up(this.#asked.password === null ? 'is ready' : 'took the login'), send: quit };
    if (kind === 0xff) return { finding: this.#errorOf(packet) };
    if (kind === 0xfe) return this.#switch(packet, sequence);
    // caching_sha2_password: 3 is accepted, 4 asks for the password itself, which goes over no connection in clear text.
    if (kind === 1) return packet[1] === 3 ? null : { finding: up('answers, and asks for a login over TLS') };
    return { finding: notSpoken };
  }

  #switch(packet: Uint8Array, sequence: number): ConversationStep {
    if (this.#hasSwitched) return { finding: notSpoken };
    this.#hasSwitched = true;
    const reader = new BoundedReader(packet, 1);
    const plugin = textOf(reader.untilZero());
    if (reader.isOver) return { finding: notSpoken };
    return { send: packetOf(sequence + 1, proofOf(plugin, this.#asked.password, reader.rest().subarray(0, 20))) };
  }

  #errorOf(packet: Uint8Array): DependencyFinding {
    const reader = new BoundedReader(packet, 1);
    const code = reader.littleEndian(2);
    if (reader.isOver) return notSpoken;
    const rest = reader.rest();
    // '#' and five characters of SQLSTATE, where the protocol is agreed on.
    const text = peerText(rest[0] === 0x23 ? rest.subarray(6) : rest);
    const { user, database, password } = this.#asked;
    const fault = faultOfCode[code];
    if (fault === 'tls') return up('answers, and takes logins over TLS alone');
    if (fault === 'login' && (password === null || user === '')) return up('answers, and asks for a login');
    if (fault === 'absent' && database === '') return up('answers');
    return faulty(fault ?? 'error', text ?? `error ${code}`);
  }
}

/** Numbers of errors. */
const faultOfCode: Readonly<Record<number, DependencyFault>> = {
  1040: 'full',
  1203: 'full',
  1226: 'full',
  1044: 'login',
  1045: 'login',
  1698: 'login',
  1049: 'absent',
  1053: 'not_ready',
  1129: 'blocked',
  1130: 'denied',
  3159: 'tls',
};

const notSpoken = faulty('garbage', 'not that of MySQL');

const hash = (algorithm: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): Uint8Array => {
  const made = createHash(algorithm);
  for (const part of parts) made.update(part);
  return made.digest();
};
const mixed = (one: Uint8Array, other: Uint8Array): Uint8Array => one.map((byte, at) => byte ^ (other[at] ?? 0));

/** What shows that the client knows the password, by the name of the server's plugin. */
const scrambles: Readonly<Record<string, (password: Uint8Array, scramble: Uint8Array) => Uint8Array>> = {
  mysql_native_password(password, scramble) {
    const once = hash('sha1', password);
    return mixed(once, hash('sha1', scramble, hash('sha1', once)));
  },
  caching_sha2_password(password, scramble) {
    const once = hash('sha256', password);
    return mixed(once, hash('sha256', hash('sha256', once), scramble));
  },
};

function proofOf(plugin: string, password: string | null, scramble: Uint8Array): Uint8Array {
  const make = scrambles[plugin];
  return make === undefined || password === null || password === ''
    ? new Uint8Array(0)
    : make(utf8(password), scramble);
}

function packetOf(sequence: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([new Uint8Array([length & 255, length >> 8, 0, sequence & 255]), ...parts]);
}

const quit = packetOf(0, new Uint8Array([1]));
