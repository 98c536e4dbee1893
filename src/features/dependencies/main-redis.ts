/** What Redis, Valkey and their like are asked: AUTH, PING and INFO replication. */
import { type DependencyFault, faulty, type DependencyFinding, up } from './finding.ts';
import { type Conversation, peerText, textOf, type ConversationStep, utf8 } from './main-conversation.ts';

interface RedisQuestion {
  readonly user: string;
  readonly password: string | null;
  readonly readOnly: boolean;
}

const lineBytesMax = 4096;

export class RedisConversation implements Conversation {
  readonly #asked: RedisQuestion;
  #step: 'AUTH' | 'PING' | 'INFO';

  constructor(asked: RedisQuestion) {
    this.#asked = asked;
    this.#step = asked.password === null ? 'PING' : 'AUTH';
  }

  begin(): Uint8Array {
    const { user, password } = this.#asked;
    if (password === null) return ping;
    return command('AUTH', ...(user === '' ? [] : [user]), password);
  }

  onBytes(bytes: Uint8Array, take: (count: number) => void): ConversationStep {
    const end = bytes.indexOf(0x0a);
    const first = String.fromCharCode(bytes[0] ?? 0);
    if (!'+-$:*'.includes(first)) return { finding: notSpoken };
    if (end === -1) return bytes.length > lineBytesMax ? { finding: notSpoken } : null;
    const line = bytes.subarray(1, bytes[end - 1] === 0x0d ? end - 1 : end);
    if (first === '-') return this.#onError(line);
    if (first === '$') return this.#onBulk(bytes, end + 1, Number(textOf(line)));
    if (first !== '+') return { finding: notSpoken };
    take(end + 1);
    return this.#onDone(textOf(line));
  }

  #onDone(line: string): ConversationStep {
    if (this.#step === 'AUTH') {
      this.#step = 'PING';
      return { send: ping };
    }
    if (this.#step !== 'PING' || line !== 'PONG') return { finding: notSpoken };
    this.#step = 'INFO';
    return { send: command('INFO', 'replication') };
  }

  #onBulk(bytes: Uint8Array, from: number, length: number): ConversationStep {
    if (this.#step !== 'INFO' || !(length >= 0 && length <= lineBytesMax * 8)) return { finding: notSpoken };
    if (bytes.length < from + length) return null;
    const facts = new Map(
      textOf(bytes.subarray(from, from + length))
        .split('\r\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const),
    );
    if (facts.get('role') !== 'slave') return { finding: this.#ready };
    if (facts.get('master_link_status') === 'down') return { finding: faulty('stale') };
    return { finding: this.#asked.readOnly ? this.#ready : faulty('replica') };
  }

  get #ready(): DependencyFinding {
    return up(this.#asked.password === null ? 'is ready' : 'took the login');
  }

  #onError(line: Uint8Array): ConversationStep {
    const said = textOf(line.subarray(0, lineBytesMax));
    const [code = ''] = said.split(' ');
    // A user may ping and not ask for more.
    if (this.#step === 'INFO') return { finding: this.#ready };
    if (code === 'NOAUTH' && this.#asked.password === null) return { finding: up('answers, and asks for a login') };
    // The one error of the protocol that has no word of its own.
    if (said === fullReply) return { finding: faulty('full', peerText(line)) };
    const fault = faultOfCode[code] ?? (this.#step === 'AUTH' ? 'login' : 'error');
    return { finding: faulty(fault, peerText(line)) };
  }
}

const fullReply = 'ERR max number of clients reached';

/** By the first word of the error. */
const faultOfCode: Readonly<Record<string, DependencyFault>> = {
  LOADING: 'not_ready',
  MISCONF: 'no_writes',
  MASTERDOWN: 'stale',
  BUSY: 'busy',
  DENIED: 'denied',
  NOAUTH: 'login',
  WRONGPASS: 'login',
};

const notSpoken = faulty('garbage', 'not that of Redis');

function command(...words: readonly string[]): Uint8Array {
  const parts = words.map((word) => `$${utf8(word).length}\r\n${word}\r\n`);
  return utf8(`*${words.length}\r\n${parts.join('')}`);
}

const ping = command('PING');
