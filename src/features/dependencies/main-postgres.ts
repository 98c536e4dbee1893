/** The frontend of PostgreSQL's protocol 3.0, as far as a login. */
import { createHash } from 'node:crypto';
import { faulty, type DependencyFinding, up } from './finding.ts';
import {
  BoundedReader,
  type Conversation,
  peerText,
  textOf,
  type ConversationStep,
  utf8,
} from './main-conversation.ts';
import { ScramLogin } from './main-scram.ts';
import type { Random } from '../../core/random.ts';

interface PostgresQuestion {
  /** '': that of Candor, which need not exist. */
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
  readonly readOnly: boolean;
}

const protocolVersion = 196_608;
const sslRequestCode = 80_877_103;
const applicationName = 'candor';

/** Larger ones are none that a login needs. */
const messageBytesMax = 32_768;

export class PostgresConversation implements Conversation {
  readonly #asked: PostgresQuestion;
  readonly #random: Random;
  #login: ScramLogin | null = null;
  #isLoggedIn = false;
  /** `in_hot_standby` and `default_transaction_read_only`, where it says so. */
  readonly #isOn = new Set<string>();

  constructor(asked: PostgresQuestion, random: Random) {
    this.#asked = asked;
    this.#random = random;
  }

  begin(): Uint8Array {
    const { user, database } = this.#asked;
    const name = user === '' ? applicationName : user;
    const pairs = [
      ['user', name],
      ['database', database === '' ? name : database],
      ['application_name', applicationName],
    ];
    const parameters = pairs.flatMap(([key = '', value = '']) => [utf8(`${key}\0`), utf8(`${value}\0`)]);
    return message(null, int32(protocolVersion), ...parameters, zero);
  }

  onBytes(bytes: Uint8Array, take: (count: number) => void): ConversationStep {
    if (bytes.length === 0) return null;
    const reader = new BoundedReader(bytes);
    const type = String.fromCharCode(reader.byte());
    if (!backendTypes.has(type)) return { finding: notSpoken };
    const length = reader.bigEndian(4);
    if (reader.isOver) return null;
    if (length < 4 || length > messageBytesMax) return { finding: notSpoken };
    const body = reader.bytes(length - 4);
    if (reader.isOver) return null;
    take(length + 1);
    return this.#onMessage(type, body);
  }

  #onMessage(type: string, body: Uint8Array): ConversationStep {
    if (type === 'E') return { finding: this.#errorOf(body) };
    if (type === 'R') return this.#onAuthentication(body);
    if (type === 'S') this.#onParameter(body);
    if (type !== 'Z') return null;
    return { finding: this.#readyFinding, send: terminate };
  }

  get #readyFinding(): DependencyFinding {
    if (this.#asked.readOnly || this.#isOn.size === 0) return up(this.#isLoggedIn ? 'took the login' : 'is ready');
    return this.#isOn.has('in_hot_standby') ? faulty('replica') : faulty('replica', 'default_transaction_read_only');
  }

  #onParameter(body: Uint8Array): void {
    const reader = new BoundedReader(body);
    const [name, value] = [textOf(reader.untilZero()), textOf(reader.untilZero())];
    if (value === 'on' && (name === 'in_hot_standby' || name === 'default_transaction_read_only')) this.#isOn.add(name);
  }

  #onAuthentication(body: Uint8Array): ConversationStep {
    const reader = new BoundedReader(body);
    const kind = reader.bigEndian(4);
    if (reader.isOver) return { finding: notSpoken };
    const { user, password } = this.#asked;
    if (kind === 0) {
      this.#isLoggedIn = password !== null;
      return null;
    }
    // It closes without a line in the server's log, as long as nothing was sent.
    if (password === null) return { finding: up('answers, and asks for a login') };
    if (kind === 5) return { send: message('p', utf8(`${md5Login(user, password, reader.bytes(4))}\0`)) };
    if (kind === 10) return this.#beginScram(reader.rest(), password);
    if (kind === 11 || kind === 12) return this.#goOnWithScram(kind, reader.rest());
    return { finding: up('answers, and asks for a login of another kind than the check has') };
  }

  #beginScram(mechanisms: Uint8Array, password: string): ConversationStep {
    if (!textOf(mechanisms).split('\0').includes('SCRAM-SHA-256'))
      return { finding: up('answers, and asks for a login of another kind than the check has') };
    this.#login = new ScramLogin(password, this.#random);
    const first = utf8(this.#login.first);
    return { send: message('p', utf8('SCRAM-SHA-256\0'), int32(first.length), first) };
  }

  #goOnWithScram(kind: number, said: Uint8Array): ConversationStep {
    if (this.#login === null) return { finding: notSpoken };
    if (kind === 12)
      return this.#login.isServersOwn(textOf(said))
        ? null
        : { finding: faulty('login', 'it does not know the password itself') };
    const final = this.#login.finalFor(textOf(said));
    return final === null ? { finding: notSpoken } : { send: message('p', utf8(final)) };
  }

  #errorOf(body: Uint8Array): DependencyFinding {
    const reader = new BoundedReader(body);
    let code = '';
    let text: string | null = null;
    for (let field = reader.byte(); field !== 0 && !reader.isOver; field = reader.byte()) {
      const value = reader.untilZero();
      if (field === 0x43) code = textOf(value);
      if (field === 0x4d) text = peerText(value);
    }
    const { user, database, password } = this.#asked;
    const fault = faultOfCode[code];
    if (fault === 'login' && password === null) return up('answers, and asks for a login');
    if (fault === 'denied' && user === '') return up('answers, and does not know the user that the check gives');
    if (fault === 'absent' && database === '') return up('answers');
    if (!/^[\dA-Z]{5}$/.test(code)) return notSpoken;
    return faulty(fault ?? 'error', text ?? code);
  }
}

/** By SQLSTATE. */
const faultOfCode: Readonly<Record<string, 'not_ready' | 'full' | 'login' | 'denied' | 'absent'>> = {
  '57P01': 'not_ready',
  '57P02': 'not_ready',
  '57P03': 'not_ready',
  '53300': 'full',
  '28P01': 'login',
  '28000': 'denied',
  '3D000': 'absent',
};

const notSpoken = faulty('garbage', 'not that of PostgreSQL');

/** Of a server until it is ready for queries. */
const backendTypes: ReadonlySet<string> = new Set('RESKNZvA');

const zero = new Uint8Array(1);
const terminate = message('X');

/** SSLRequest, and 'S'. */
export const startTls = { ask: message(null, int32(sslRequestCode)), agreed: 0x53 };

function message(type: string | null, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return Buffer.concat([utf8(type ?? ''), int32(length), ...parts]);
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function md5Login(user: string, password: string, salt: Uint8Array): string {
  const hash = (...parts: readonly (string | Uint8Array)[]): string => {
    const md5 = createHash('md5');
    for (const part of parts) md5.update(part);
    return md5.digest('hex');
  };
  return `md5${hash(hash(password, user), salt)}`;
}
