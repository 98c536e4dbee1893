// Starts processes: curl is the client.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Agent, request as requestOf } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findPeer } from '../../scripts/peers.ts';
import { freePort } from '../free-port.ts';
import { certificatesIn, edgeFiles } from '../tls-clients/tls-edge.ts';
import { NtlmOrigin, ntlmToken } from './ntlm-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Logins that hold for a connection, with the sockets and workers of a gateway, and with a client that is not ours.

const curl = findPeer('curl');
const withCurl = { skip: 'missing' in curl ? curl.missing : false };

let origin: NtlmOrigin;
let edge: YamlGateway;
let securePort = 0;

const yamlOf = (attempts: number): string => `
workers: 2
listeners:
  http: "127.0.0.1:0"
  https: { bind: "127.0.0.1:${securePort}", tls: { ${certificatesIn()}, redirect_http: false } }
upstreams: { app: { endpoints: "${origin.address}", check: none, connections: { max: 5, queue_max: 200, queue_timeout: 10s } } }
routes: [{ path: /, to: app, retry: { attempts: ${attempts}, hedge: true } }]
`;

before(async () => {
  origin = await NtlmOrigin.start();
  securePort = await freePort();
  edge = await startFromYaml(yamlOf(2), { files: edgeFiles });
});
after(async () => {
  await edge?.stop();
  origin?.close();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A request that ends neither way fails the test by itself, and says how far it came. Above the limits of the queue. */
const answerMs = 20_000;

/** One connection of a user to the gateway, as long as it lasts. */
class User {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  ask(token: string | null, method = 'GET'): Promise<Answer> {
    const headers = token === null ? {} : { authorization: `NTLM ${token}` };
    return new Promise((resolve, reject) => {
      let seen = 'no response';
      const late = setTimeout(() => {
        const { localPort = 0 } = sent.socket ?? {};
        reject(new Error(`${method} from port ${localPort}: ${seen}; ${JSON.stringify(edge.counts())}`));
      }, answerMs);
      const sent = requestOf({ ...edge.address(), agent: this.#agent, method, headers }, (response) => {
        const parts: Buffer[] = [];
        seen = `a response with ${response.statusCode}`;
        // A response that breaks off has no 'end'.
        response.on('error', reject);
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
      });
      sent.on('error', reject);
      sent.on('close', () => clearTimeout(late));
      sent.end(method === 'POST' ? 'content' : undefined);
    });
  }

  leave(): void {
    this.#agent.destroy();
  }
}

test('users with connections of their own never get the session of another, over workers, few connections and a reload', async () => {
  const counts = { sessions: 0, challenges: 0 };
  const visit = async (name: string): Promise<void> => {
    const user = new User();
    const logInStep = async (token: string): Promise<void> => {
      const { status, body } = await user.ask(token);
      assert.ok(status === 200 || status === 401, `${status}: ${body}`);
    };
    for (let round = 0; round < 6; round++) {
      await logInStep(ntlmToken(1));
      await logInStep(ntlmToken(3, name));
      for (let n = 0; n < 3; n++) {
        const { status, body } = await user.ask(null, n === 1 ? 'POST' : 'GET');
        if (status === 200) assert.equal(body, name);
        else assert.equal(status, 401);
        counts[status === 200 ? 'sessions' : 'challenges']++;
      }
    }
    user.leave();
  };
  const visits = Promise.all(Array.from({ length: 8 }, (_, n) => visit(`user ${n}`)));
  assert.equal((await edge.reload(yamlOf(3))).ok, true);
  await visits;
  assert.ok(counts.sessions > 0, JSON.stringify(counts));
  assert.ok(origin.logins > 8, `${origin.logins} logins`);
  await until('the connections of the users are closed', () => edge.counts().upstream === 0);
});

describe('curl', withCurl, () => {
  const run = async (...args: string[]): Promise<string> => {
    assert.ok('path' in curl);
    const more = ['-sk', '--connect-to', `edge.test:443:127.0.0.1:${securePort}`, '--max-time', '10'];
    const env = { ...process.env, ...curl.env };
    return (await promisify(execFile)(curl.path, [...more, ...args], { env })).stdout;
  };

  test('logs in by NTLM, each user on a connection of its own', async () => {
    const urls = Array.from({ length: 5 }, (_, n) => `https://edge.test/${n}`);
    const seen = await Promise.all(['ada', 'bob'].map((name) => run('--ntlm', '-u', `${name}:secret`, ...urls)));
    assert.deepEqual(seen, ['ada'.repeat(5), 'bob'.repeat(5)]);
  });

  test('comes again over HTTP/1.1 when it is challenged over HTTP/2', async () => {
    const shown = await run('--http2', '-w', '%{http_version} %{http_code}', 'https://edge.test/');
    assert.equal(shown, '1.1 401');
    const posted = await run('--http2', '-d', 'abc', '-w', '%{http_version} %{http_code}', 'https://edge.test/');
    assert.equal(posted, '1.1 401');
  });
});
