import type { ProxyErrorType } from '../../core/proxy-error.ts';
import { clientLeftVerdict, failedWith, type FailureWords, unknownVerdict } from '../typed-verdict.ts';
import { fixOf, type Verdict } from '../verdict.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('platform-edge', type, words);

const dynoLog = ['heroku logs --tail --dyno web'] as const;

/** Codes of the router that always mean the same. H18 depends on `sock=`. */
const byCode: Readonly<Record<string, Verdict>> = {
  H10: failed('destination_unavailable', {
    sentence: 'The web dyno has crashed, so that no dyno could be contacted.',
    fix: fixOf(
      'Read the last lines of the dyno before it crashed, mend it and start it again',
      ...dynoLog,
      'heroku restart',
    ),
  }),
  H11: failed('connection_limit_reached', {
    sentence: 'Too many requests were already waiting for the dynos.',
    fix: fixOf('Add dynos, or make requests shorter', 'heroku ps:scale web=2'),
  }),
  H12: failed('http_response_timeout', {
    sentence: 'The application did not answer within the 30 s that the router waits.',
    fix: fixOf(
      'Move long work to a background job, and give the application a timeout of its own below 30 s; the 30 s cannot be changed',
      ...dynoLog,
    ),
  }),
  H13: failed('connection_terminated', {
    sentence: 'The dyno took the connection and closed it without an answer.',
    fix: fixOf(
      "Look for a crash, a worker's timeout or memory (R14, R15) at that time, and raise the web server's keep-alive",
      ...dynoLog,
    ),
  }),
  H14: failed('destination_unavailable', {
    sentence: 'No web dyno runs.',
    whose: 'operator',
    fix: fixOf('Start one, and see whether the Procfile has a line for `web`', 'heroku ps:scale web=1'),
  }),
  H15: failed('connection_read_timeout', {
    sentence: 'Nothing was sent in either direction for 55 s, and the router closed the connection.',
    stage: 'body',
    fix: fixOf('Send something at least every 55 s: a comment line of server-sent events, a ping of a WebSocket'),
  }),
  H17: failed('http_protocol_error', {
    sentence: 'What the dyno answered is not HTTP that the router can read.',
    fix: fixOf('Look at the answer as it leaves the application', 'curl -v http://localhost:PORT/'),
  }),
  H19: failed('connection_timeout', {
    sentence: 'The router could not connect to the dyno in time.',
    fix: fixOf('See whether the dyno is too busy to take connections; add dynos where it is', 'heroku ps:scale web=2'),
  }),
  H20: failed('connection_timeout', {
    sentence: 'The request waited 75 s for a dyno that was starting, in vain.',
    whose: 'application',
    fix: fixOf('Make the application listen sooner after its start', ...dynoLog),
  }),
  H21: failed('connection_refused', {
    sentence: 'The dyno refused the connection.',
    fix: fixOf(
      'Listen on 0.0.0.0 and on the port that the variable PORT says',
      'app.listen(process.env.PORT, "0.0.0.0");',
    ),
  }),
  H22: failed('connection_limit_reached', {
    sentence: 'The dyno had as many connections as the router opens to one.',
    fix: fixOf('Add dynos, or close connections that rest sooner', 'heroku ps:scale web=2'),
  }),
  H23: failed('proxy_configuration_error', {
    sentence: 'The domain leads to an endpoint that is not set up for it.',
    fix: fixOf('Compare the DNS target of the domain with what Heroku says', 'heroku domains'),
  }),
  H24: failed('proxy_internal_error', {
    sentence: 'The router itself was stopped before the request was done.',
    fix: fixOf('Nothing of yours is wrong; send such requests again where they may be repeated'),
  }),
  H25: failed('http_protocol_error', {
    sentence:
      "The dyno's answer breaks a rule of the router: its Content-Length, its status, or fields that are too long.",
    fix: fixOf(
      'Look at status, Content-Length and the size of cookies as the application sends them',
      'curl -v http://localhost:PORT/',
    ),
  }),
  H26: failed('http_request_error', {
    sentence: 'The client sent a request that is malformed or too large.',
    fix: null,
  }),
  H27: clientLeftVerdict('The client closed the connection before the dyno had answered.', 'response'),
  H28: clientLeftVerdict('The client sent and took nothing for 55 s.', 'body'),
  H31: failed('http_request_error', {
    sentence: 'The client sent a request for one domain over a connection that it had made for another.',
    fix: null,
  }),
  H32: failed('http_request_error', {
    sentence: 'The client asked for a domain that is not the one of its TLS connection.',
    fix: null,
  }),
  H80: failed('proxy_internal_response', {
    sentence: 'The application is in maintenance mode.',
    fix: fixOf('Switch it off when the work is done', 'heroku maintenance:off'),
  }),
  H81: failed('destination_unavailable', {
    sentence: 'Nothing has been deployed to this application yet.',
    whose: 'operator',
    fix: fixOf('Deploy it', 'git push heroku main'),
  }),
  H82: failed('destination_unavailable', {
    sentence: 'The hours of dynos that the account has for this month are used up.',
    whose: 'operator',
    fix: fixOf("Change the dynos' type, or wait for the next month", 'heroku ps:type web=basic'),
  }),
  H83: failed('destination_unavailable', {
    sentence: 'Heroku has taken the service back on purpose, as it had announced.',
    whose: 'gateway',
    fix: fixOf('Read what Heroku announced at https://status.heroku.com'),
  }),
  H99: failed('proxy_internal_error', {
    sentence: 'The platform itself failed.',
    fix: fixOf('Look at https://status.heroku.com'),
  }),
};

export function herokuVerdict(code: string, sock: string | null, bytes: string | undefined): Verdict {
  if (code === 'H18') return interrupted(sock, bytes);
  if (Object.hasOwn(byCode, code)) return byCode[code] as Verdict;
  return unknownVerdict(
    'platform-edge',
    `The router gave up with ${code}, which is not known here.`,
    fixOf(`Look up ${code} at https://devcenter.heroku.com/articles/error-codes`),
  );
}

/** Only `sock=` names the side whose socket broke. */
function interrupted(sock: string | null, bytes: string | undefined): Verdict {
  if (sock === 'client') return clientLeftVerdict('The client broke off while the request was under way.', 'body');
  if (sock !== 'backend')
    return unknownVerdict(
      'platform-edge',
      'The request was interrupted; without `sock=` the line does not say by which side.',
      fixOf('Keep the whole line: `sock=client` or `sock=backend` at its end tells'),
    );
  const hadBegun = bytes !== undefined && /^[1-9]/.test(bytes);
  return failed(hadBegun ? 'http_response_incomplete' : 'connection_terminated', {
    sentence: 'The dyno broke off the connection before its answer was whole.',
    fix: fixOf(
      'Look for a crash or a restart of the dyno, and have the application read all of a request before it answers',
      ...dynoLog,
    ),
  });
}
